"""What the files that a form names tell of the job: whether it can run, what it takes. Blocks on the file system."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.command import Demand, demand
from halfmap.daemon.duration import Duration, PastRun, predict, workload
from halfmap.daemon.form_check import as_problems
from halfmap.daemon.inspection import FormCheck
from halfmap.daemon.preflight import Peaks, Preflight, check, surroundings
from halfmap.daemon.records import Launch
from halfmap.daemon.refinement_inputs import names_in_set
from halfmap.daemon.scheduler import Machine


def with_files(
    checked: FormCheck, project: Path, job: Refine3D, launch: Launch, peaks: Peaks, past: Iterable[PastRun]
) -> FormCheck:
    """Add to a check of the options what the files tell.

    Parameters
    ----------
    project
        Absolute.
    peaks
        See `halfmap.daemon.memory_model.memory_mb_per_rank`.
    past
        Latest first; looked at only if it is needed.
    """
    if not (job.in_optimisation or job.in_particles or job.fn_img or job.continues_a_run):
        # what is missing has been told
        return checked
    wanted = demand(job, launch)
    found = check(project, job, wanted, peaks, launch.engine, surroundings(project, launch.place == "here"))
    lasts = _duration(job, launch, found, past)
    told = {problem.message for problem in checked.problems}
    return checked.model_copy(
        update={
            "problems": (*checked.problems, *as_problems((one for one in found.problems if one not in told), job)),
            "warnings": (*checked.warnings, *found.warnings),
            "set_names": names_in_set(project, job.in_optimisation),
            "memory_mb": _of_all_ranks(found, wanted),
            "disk_mb": found.disk_mb or None,
            "seconds": lasts.seconds,
            "seconds_are_from": lasts.rests_on,
            "box_px": found.box_px or None,
            "pixel_size_angstrom": found.pixel_size_angstrom or None,
            "particles": found.particles or None,
        }
    )


def about_machine(wanted: Demand, machine: Machine) -> Iterator[str]:
    """Tell what a job that runs on this machine would wait for in vain."""
    if wanted.cores > machine.cores:
        words = f"{wanted.ranks} ranks of {wanted.threads} threads want {wanted.cores} cores"
        yield f"{words}; this machine has {machine.cores}, which they would share."
    if wanted.cards > len(machine.cards):
        why = machine.cards_problem or f"this machine has {len(machine.cards) or 'none'}"
        yield f"Cards wanted: {wanted.cards}; {why}. The job would wait."


def _of_all_ranks(found: Preflight, wanted: Demand) -> float | None:
    per_rank = found.memory_mb_per_rank
    return None if per_rank is None else per_rank * wanted.ranks


def _duration(job: Refine3D, launch: Launch, found: Preflight, past: Iterable[PastRun]) -> Duration:
    if job.continues_a_run:
        # how much of it is left is not known
        return Duration()
    return predict(workload(job, launch, found.particles, found.box_px, found.tilts), past)
