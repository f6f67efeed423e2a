"""A RELION project as halfmap uses it: made, read, added to; nothing of anybody else's is touched.

All functions take absolute paths, may be called again after the process was killed at any line, and block on the file
system. RELION: ``PipeLine``, ``RelionJob``; ``pipeliner.cpp``.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from halfmap.contract.job_directory import progress_file, standard_output_file
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import JobStar, JobStarError, read_any_job_star
from halfmap.contract.job_types import REFINE3D, type_of
from halfmap.daemon.job_folder import JOB_STAR, BadProject, CannotAdopt, checked_name, folder_of
from halfmap.daemon.job_making import create_job
from halfmap.daemon.job_status import note_start, record_success, set_status
from halfmap.daemon.pipeline import (
    FILE_NAME,
    NotYetWhole,
    empty_pipeline,
    is_being_written,
    read_pipeline,
    write_pipeline,
)
from halfmap.daemon.pipeline_layout import ProcessRow, Status
from halfmap.daemon.project_lock import NotNow, ProjectLocked, held

__all__ = [
    "BadProject",
    "CannotAdopt",
    "NotNow",
    "NotYetWhole",
    "ProcessRow",
    "ProjectLocked",
    "Status",
    "adopt_job",
    "create_job",
    "find_unregistered",
    "list_processes",
    "make_project",
    "note_start",
    "record_success",
    "set_status",
]


def make_project(project: Path) -> str:
    """Make a folder a RELION project, unless it is one.

    Returns
    -------
    str
        What a person should know: that it was made one, and what it held before; "" for a project.

    Raises
    ------
    BadProject
        If it is no folder that can be written, or lies inside another project.
    """
    if not project.is_absolute() or not str(project).isprintable():
        raise BadProject(f"{str(project)!r} is not an absolute path without control characters.")
    if not project.is_dir():
        raise BadProject(f"{project} is not a folder; make it first.")
    if not os.access(project, os.W_OK | os.X_OK):
        raise BadProject(f"{project} cannot be written by you (uid {os.getuid()}); jobs could not be made in it.")
    if (project / FILE_NAME).exists():
        read_pipeline(project)
        return ""
    if outer := next((parent for parent in project.parents if (parent / FILE_NAME).exists()), None):
        raise BadProject(f"{project} lies inside the RELION project {outer}; watch that one.")
    others = sum(1 for path in project.iterdir() if not path.name.startswith(".") and path.name != "halfmap")
    with held(project):
        if not (project / FILE_NAME).exists():
            write_pipeline(project, empty_pipeline())
        (project / ".gui_projectdir").touch()
    held_before = f"; it held {others} other files and folders, which stay as they are" if others else ""
    return f"{project} is a RELION project from now on{held_before}."


def adopt_job(project: Path, name: str) -> tuple[str, JobStar[JobForm]]:
    """Read a job that somebody else made and nobody has run, so that it can be queued with `create_job`.

    Returns
    -------
    str
        Its name, as RELION writes it.
    JobStar
        Its options.

    Raises
    ------
    CannotAdopt
        If there is no such job, it was run already, or its job.star cannot be read.
    NotYetWhole
        If its job.star is being written.
    """
    try:
        name = checked_name(name)
        folder = folder_of(project, name)
    except BadProject as error:
        raise CannotAdopt(str(error)) from None
    path = folder / JOB_STAR
    row = read_pipeline(project).process(name)
    if row and row.status != Status.SCHEDULED:
        raise CannotAdopt(f"{name} is {row.status}; only a job that has not been run can be queued.")
    if row is None and _was_run(folder):
        raise CannotAdopt(f"{name} was run from outside of RELION; only a job that has not been run can be queued.")
    star = _read_whole(path)
    if not name.startswith(f"{type_of(star.job).folder}/"):
        raise CannotAdopt(f"{path} is of a {star.label} job, which does not belong into this folder.")
    return name, star


def _read_whole(path: Path) -> JobStar[JobForm]:
    try:
        is_unsettled = is_being_written(path)
        star = read_any_job_star(path)
    except FileNotFoundError:
        raise CannotAdopt(f"there is no {path}.") from None
    except JobStarError as error:
        if is_unsettled:
            raise NotYetWhole(f"{path} is being written.") from None
        raise CannotAdopt(str(error)) from None
    if is_unsettled:
        raise NotYetWhole(f"{path} is being written.")
    return star


def list_processes(project: Path) -> list[ProcessRow]:
    """List all jobs of a project, of any kind, in RELION's order."""
    return read_pipeline(project).processes()


def find_unregistered(project: Path) -> list[str]:
    """Name the folders of refinements that were run without RELION's list knowing, such as from a shell."""
    known = {row.name for row in list_processes(project)}
    return sorted(name for name in _names(project) if name not in known and _was_run(project / name))


def _names(project: Path) -> Iterator[str]:
    try:
        found = list((project / REFINE3D.folder).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    for path in found:
        try:
            yield checked_name(f"{REFINE3D.folder}/{path.name}")
        except BadProject:
            continue


def _was_run(folder: Path) -> bool:
    root = folder / "run"
    return standard_output_file(root).exists() or progress_file(root).exists()
