"""Where a job's files are, found in one walk through its folder, whichever program ran it."""

import os
from collections.abc import Iterator
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.job_form import JobForm
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.following import Follower, Written
from halfmap.daemon.inspection import IterationFiles, JobFiles
from halfmap.daemon.recorded_command import options_of_folder
from halfmap.daemon.refinement_facts import Facts, facts_of_files, facts_of_options, facts_of_start

_TRIES = 3
"""The newest iterations may be on their way to the disk."""
_TOLD_AT_ONCE = 5


def job_files(project: Path, name: str, options: JobForm | None, is_running: bool) -> JobFiles:
    """Find a job's files; blocks on the file system.

    Parameters
    ----------
    project, name
        Absolute, and such as ``Refine3D/job012/``.
    options
        The job's; None for those that its folder has.
    is_running
        The newest iteration of a running job may be on its way to the disk; that is no trouble.
    """
    folder = project / name
    root = folder / "run"
    found = JobFiles(
        folder=str(folder),
        output=str(job_directory.standard_output_file(root)),
        error=str(job_directory.standard_error_file(root)),
    )
    if trouble := _trouble_with(folder):
        return found.model_copy(update={"trouble": trouble})
    follower = Follower(folder)
    run = follower.look().run
    written = follower.written()
    facts = _facts(root, written)
    if run is not None:
        facts = facts.or_else(facts_of_start(run))
    job = options or options_of_folder(folder)[0]
    if isinstance(job, Refine3D):
        facts = facts.or_else(facts_of_options(job))
    return found.model_copy(
        update={
            "iterations": tuple(_iterations(root, written)),
            "mask": str(project / facts.mask) if facts.mask else "",
            "box_px": facts.box_px,
            "pixel_size_angstrom": facts.pixel_size_angstrom,
            "particles": facts.particles,
            "symmetry": facts.symmetry or "",
            "particle_diameter_angstrom": facts.particle_diameter_angstrom,
            "trouble": _trouble_in(root, written, is_running),
        }
    )


def _trouble_with(folder: Path) -> str:
    try:
        os.scandir(folder).close()
    except FileNotFoundError:
        return f"{folder} is not there any more."
    except OSError as error:
        return f"{folder} cannot be read ({error.strerror})."
    return ""


def _trouble_in(root: Path, written: Written, is_running: bool) -> str:
    newest = written.joined or max(written.numbers, default=0)
    unread = [number for number in written.unread if not (is_running and number == newest)]
    if not unread:
        return ""
    which = ", ".join(map(str, unread[:_TOLD_AT_ONCE])) + (" …" if len(unread) > _TOLD_AT_ONCE else "")
    first = job_directory.optimiser_file(root, None if unread[0] == written.joined else unread[0])
    names = first.name.replace("optimiser", "*")
    return f"The files of iteration {which} ({names}) are incomplete or cut off; it is missing in the curves."


def _facts(root: Path, written: Written) -> Facts:
    """Read them from the newest files that are whole; a box does not change between iterations."""
    found = Facts()
    newest = [*([None] if written.joined is not None else []), *reversed(written.numbers)]
    for iteration in newest[:_TRIES]:
        found = found.or_else(facts_of_files(root, iteration))
        if found.is_complete:
            break
    return found


def _iterations(root: Path, written: Written) -> Iterator[IterationFiles]:
    def there(path: Path) -> str:
        return str(path) if path.name in written.names else ""

    one, two = job_directory.HALVES
    for number in written.numbers:
        yield IterationFiles(
            iteration=number,
            half_maps=(
                there(job_directory.half_map_file(root, number, one)),
                there(job_directory.half_map_file(root, number, two)),
            ),
            particles=there(job_directory.data_file(root, number)),
        )
    if written.joined is not None:
        yield IterationFiles(
            iteration=written.joined,
            is_joined=True,
            half_maps=(
                there(job_directory.unfiltered_half_map_file(root, one)),
                there(job_directory.unfiltered_half_map_file(root, two)),
            ),
            map=there(job_directory.final_map_file(root)),
            particles=there(job_directory.data_file(root)),
        )
