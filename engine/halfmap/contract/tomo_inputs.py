"""What jobs on tilt series take: an optimisation set, or its parts one by one; and how their programs are told.

RELION: ``RelionJob::addTomoInputOptions`` and ``getTomoInputCommmand`` (5.0.1).
"""

from collections.abc import Iterator
from typing import Annotated

from halfmap.contract.job_form import JobForm, Problem, problem_about
from halfmap.contract.option import Bounds, Option, Slider, When

_FROM_SET = (When("use_direct_entries", False),)
_DIRECT = (When("use_direct_entries", True),)


class TomoInputs(JobForm):
    """Particles, tilt series and trajectories, and by how many processors they are worked on."""

    in_optimisation: Annotated[
        str,
        Option(
            "I/O",
            "Input optimisation set:",
            "A STAR file that names the particles, the tomograms and, if there are any, the trajectories together.",
            flags=("--i",),
            file_pattern="*optimisation_set.star",
            node_type="TomoOptimisationSet.star.relion",
            enabled_when=_FROM_SET,
        ),
    ] = ""
    use_direct_entries: Annotated[
        bool,
        Option(
            "I/O",
            "OR: use direct entries?",
            "Name particles, tomograms and trajectories one by one instead of through an optimisation set.",
            since="5.0",
        ),
    ] = False
    in_particles: Annotated[
        str,
        Option(
            "I/O",
            "Input particle set:",
            "STAR file of the particles.",
            flags=("--p",),
            file_pattern="*.star",
            node_type="ParticleGroupMetadata.star.relion",
            enabled_when=_DIRECT,
        ),
    ] = ""
    in_tomograms: Annotated[
        str,
        Option(
            "I/O",
            "Input tomogram set:",
            "STAR file of the tomograms; it holds the tilt geometry and names the tilt images.",
            flags=("--t",),
            file_pattern="*.star",
            node_type="TomogramGroupMetadata.star.relion",
            enabled_when=_DIRECT,
        ),
    ] = ""
    in_trajectories: Annotated[
        str,
        Option(
            "I/O",
            "Input trajectory set:",
            "STAR file of the particles' motion through the tilt series, if it has been estimated.",
            flags=("--mot",),
            file_pattern="*.star",
            node_type="TomoTrajectoryData.star.relion",
            enabled_when=_DIRECT,
        ),
    ] = ""
    nr_mpi: Annotated[
        int,
        Option(
            "Running",
            "Number of MPI procs:",
            "Processes of RELION's program. halfmap's is one process: give its cores as threads.",
            slider=Slider(1, 64, 1),
            bounds=Bounds(at_least=1),
        ),
    ] = 1
    nr_threads: Annotated[
        int,
        Option(
            "Running",
            "Number of threads:",
            "Processor cores that work at a time, in each process.",
            flags=("--j",),
            slider=Slider(1, 16, 1),
            bounds=Bounds(at_least=1),
        ),
    ] = 1


def input_words(job: TomoInputs) -> list[str]:
    """Tell the program what it takes."""
    if not job.use_direct_entries:
        return ["--i", job.in_optimisation]
    motion = ["--mot", job.in_trajectories] if job.in_trajectories else []
    return ["--p", job.in_particles, "--t", job.in_tomograms, *motion]


def input_problems(job: TomoInputs) -> Iterator[Problem]:
    """Tell which inputs are missing, and which contradict each other."""
    form = type(job)
    if not job.use_direct_entries:
        if not job.in_optimisation:
            direct = " or set use_direct_entries to Yes" if job.in_particles or job.in_tomograms else ""
            yield problem_about(form, "in_optimisation", f"is empty; name an optimisation set{direct}")
        return
    if job.in_optimisation:
        text = f"is {job.in_optimisation} although direct entries are used; empty it or set use_direct_entries to No"
        yield problem_about(form, "in_optimisation", text)
    if not job.in_particles:
        yield problem_about(form, "in_particles", "is empty; name the STAR file of the particles")
    if not job.in_tomograms:
        yield problem_about(form, "in_tomograms", "is empty; name the STAR file of the tomograms")


def refusals_of_ranks(job: TomoInputs) -> list[str]:
    """Refuse several processes, which halfmap's programs do not have."""
    if job.nr_mpi == 1:
        return []
    advice = f"set it to 1, and nr_threads to {job.nr_mpi * job.nr_threads}"
    text = f"is {job.nr_mpi}, but halfmap's program is one process with threads; {advice}"
    return [problem_about(type(job), "nr_mpi", text).message]
