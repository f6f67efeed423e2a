"""A job's way into a RELION project: a number, a folder, a row in the list; whatever was done before a kill is kept.

The order makes every half-way state tell what it is. The folder is made under a provisional name, the number is written
down by the caller, then the folder gets its name, at which it appears whole with halfmap's record in it; then the row.
So a folder without that record is somebody else's, and a provisional folder means that the number was never used.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import job_star_text, label_of
from halfmap.contract.job_types import REFINE3D, type_of
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.job_folder import (
    JOB_PIPELINE,
    RECORD,
    BadProject,
    CannotAdopt,
    Files,
    alias_is_free,
    checked_alias,
    checked_uuid,
    folder_of,
    job_name,
    job_number,
    link_alias,
    mark_nodes,
    owner_of,
    prepare,
    put_in_place,
    staging_folder,
)
from halfmap.daemon.job_nodes import input_nodes, output_nodes
from halfmap.daemon.pipeline import FILE_NAME, Pipeline, pipeline_of_one, read_pipeline, write_pipeline
from halfmap.daemon.pipeline_layout import Entry, Layout, ProcessRow, Status
from halfmap.daemon.project_lock import held

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to make: who it is, its options, and its alias as RELION writes it."""

    uuid: str
    job: JobForm
    alias: str
    record: str
    job_star: str

    @property
    def folder(self) -> str:
        """Where the jobs of its type lie."""
        return type_of(self.job).folder

    def entry(self, name: str, pipeline: Pipeline, project: Path) -> Entry:
        """What the list of jobs says of it."""
        return Entry(
            ProcessRow(name, self.alias, label_of(self.job), Status.SCHEDULED),
            input_nodes(self.job, pipeline.layout, project),
            output_nodes(self.job, name, pipeline.layout),
        )


def create_job(
    project: Path,
    *,
    uuid: str,
    job: JobForm,
    alias: str,
    record: str,
    name: str,
    claimed: Callable[[str], None],
    step: Step = crash_point,
) -> str:
    """Give a job its number, folder and row in RELION's list, or complete what an earlier call began.

    Parameters
    ----------
    uuid, record
        The job's identity, and the JSON text for its folder that holds it under ``uuid``.
    alias
        What to call it besides; "" for none.
    name
        Its name if it has one: claimed by an earlier call, or of a folder that `adopt_job` has looked at; "" for none.
    claimed
        Called with the name before anything stands under it, while the project is locked; has to write it down.
    step
        Called between the effects, for tests.

    Returns
    -------
    str
        Its name, which is another than before if somebody took the number in the meantime.

    Raises
    ------
    BadProject
        If it cannot be made as asked.
    halfmap.daemon.project_lock.NotNow
        If the project is locked, or its list cannot be read for now.
    OSError
        If it cannot be written.
    """
    new = _checked(uuid, job, alias, record)
    with held(project):
        pipeline = read_pipeline(project)
        _check_layout(new, pipeline)
        name = _taken_over(project, new, name, pipeline) if name else ""
        if new.alias and not _alias_is_free(project, new.alias, name, pipeline):
            raise BadProject(f"the alias {new.alias} is another job's; choose a new one.")
        if not name or not folder_of(project, name).exists():
            name = _new_folder(project, new, name, pipeline, claimed, step)
        _register(project, name, new, pipeline, step)
    step("job.released")
    return name


def _checked(uuid: str, job: JobForm, alias: str, record: str) -> NewJob:
    try:
        text = job_star_text(job, job.continues_a_run)
    except ValueError as error:
        raise BadProject(str(error)) from None
    return NewJob(checked_uuid(uuid), job, checked_alias(alias, type_of(job).folder), record, text)


def _check_layout(new: NewJob, pipeline: Pipeline) -> None:
    """Refuse what the project's RELION does not know as it is named here."""
    kind = type_of(new.job)
    if kind is not REFINE3D and pipeline.layout is not Layout.RELION_5:
        raise BadProject(
            f"the list of jobs is of an older RELION, which has no {kind.label} jobs like these; open the project with "
            "RELION 5 once, or make a new project."
        )


def _taken_over(project: Path, new: NewJob, name: str, pipeline: Pipeline) -> str:
    """Tell whether a job may go on under the name that it has: it gives that name, or "" if it needs a new one."""
    folder = folder_of(project, name)
    owner = owner_of(folder)
    is_new = staging_folder(project, new.folder, new.uuid).exists()
    if folder.exists() and owner == new.uuid:
        return name
    if not folder.exists():
        # the number was noted and never used; it may have been used up by somebody whose job is gone again
        is_free = job_number(name) >= pipeline.counter and pipeline.process(name) is None
        return name if is_free else ""
    if is_new:
        return ""
    if owner:
        raise CannotAdopt(f"{folder} is another job's of halfmap ({owner}).")
    row = pipeline.process(name)
    if row and new.alias not in ("", row.alias):
        raise CannotAdopt(f"{name} is in RELION's list already; give it its alias there, or none.")
    (folder / RECORD).parent.mkdir(exist_ok=True)
    write_whole(folder / RECORD, new.record)
    return name


def _alias_is_free(project: Path, alias: str, name: str, pipeline: Pipeline) -> bool:
    is_listed = any(row.alias == alias and row.name != name for row in pipeline.processes())
    return not is_listed and alias_is_free(project, alias, name)


def _new_folder(
    project: Path, new: NewJob, name: str, pipeline: Pipeline, claimed: Callable[[str], None], step: Step
) -> str:
    folder_of(project, job_name(new.folder, 1))  # the folder of all jobs of this type must not lead out of the project
    staging = staging_folder(project, new.folder, new.uuid)
    wanted = name or job_name(new.folder, _free_number(project, new.folder, pipeline))
    alone = pipeline_of_one(pipeline.layout, new.entry(wanted, pipeline, project))
    prepare(staging, Files(new.record, new.job_star, alone.text()))
    step("job.prepared")
    if wanted != name:
        claimed(wanted)
        step("job.claimed")
    put_in_place(staging, folder_of(project, wanted))
    step("job.placed")
    return wanted


def _free_number(project: Path, folder: str, pipeline: Pipeline) -> int:
    """Take the list's next number, or the first after it under which no folder stands that the list does not know."""
    number = pipeline.counter
    names = {row.name for row in pipeline.processes()}
    while (name := job_name(folder, number)) in names or os.path.lexists(project / name.rstrip("/")):
        number += 1
    return number


def _register(project: Path, name: str, new: NewJob, pipeline: Pipeline, step: Step) -> None:
    entry = new.entry(name, pipeline, project)
    # a job that RELION scheduled has its row, and perhaps its alias, already
    known = pipeline.process(name)
    alias = known.alias if known else new.alias
    if known is None:
        counter = max(pipeline.counter, job_number(name) + 1)
        pipeline = pipeline.with_job(entry).with_counter(counter)
        write_pipeline(project, pipeline)
        step("job.listed")
    if alias:
        link_alias(project, alias, name)
        step("job.linked")
    kinds = pipeline.node_kinds()
    nodes = [replace(node, kind=kinds.get(node.name, node.kind)) for node in (*entry.inputs, *entry.outputs)]
    mark_nodes(project, alias, name, nodes)
    step("job.marked")
    if not (project / name / JOB_PIPELINE).exists():
        write_whole(project / name / JOB_PIPELINE, pipeline_of_one(pipeline.layout, entry).text())
    write_whole(project / name / FILE_NAME, pipeline.text())
