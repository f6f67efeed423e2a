"""What RELION's records say of a job while it runs: its status, its note, its results."""

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import LABEL, job_star_text
from halfmap.contract.job_types import JOB_TYPES, type_labelled
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.job_folder import JOB_STAR, checked_name, folder_of, mark_nodes
from halfmap.daemon.job_nodes import nodes_of_end
from halfmap.daemon.pipeline import FILE_NAME, Pipeline, read_pipeline, write_pipeline
from halfmap.daemon.pipeline_layout import Layout, Node, ProcessRow, Status
from halfmap.daemon.project_lock import held


def note_start(project: Path, name: str, attempt: int, argv: Sequence[str], continued: JobForm | None = None) -> None:
    """Record a start as RELION does, just before the process is started: markers, note, last settings, status, copy.

    Parameters
    ----------
    attempt
        Its number; called again for the same one, this completes what is missing, and notes nothing twice.
    argv
        The program's command, without launcher.
    continued
        The options of a continued run, which are then the job's; None for a new run.

    Raises
    ------
    BadProject
        If the folder leads out of the project.
    halfmap.daemon.project_lock.NotNow, OSError
        If it cannot be recorded for now.
    """
    folder = folder_of(project, name)
    own = folder / "halfmap" / f"attempt-{attempt:03d}"
    # what a process that was started has written since stays
    if not (own / "shim.json").exists():
        for marker in Marker:
            marker_file(folder, marker).unlink(missing_ok=True)
    crash_point("note.markers_removed")
    if continued is not None:
        write_whole(folder / JOB_STAR, job_star_text(continued, is_continue=True))
    _append_note(folder / "note.txt", own / "note.txt", argv)
    crash_point("note.appended")
    with held(project):
        pipeline = _with_status(project, read_pipeline(project), checked_name(name), Status.RUNNING)
        if pipeline.layout is not Layout.RELION_3:
            _keep_last_settings(project, folder)
        write_whole(folder / FILE_NAME, pipeline.text())
    crash_point("note.written")


def _append_note(note: Path, own: Path, argv: Sequence[str]) -> None:
    """Add the attempt's paragraph; it is kept aside first, so that a second call knows it, time and all."""
    try:
        paragraph = own.read_text(encoding="utf-8")
    except FileNotFoundError:
        paragraph = note_text(argv, time.time())
        own.parent.mkdir(parents=True, exist_ok=True)
        write_whole(own, paragraph)
        crash_point("note.prepared")
    before = note.read_bytes().decode("utf-8", "surrogateescape") if note.exists() else ""
    if paragraph not in before:
        write_whole(note, before + paragraph)


def note_text(argv: Sequence[str], when: float) -> str:
    """Write what RELION appends to ``note.txt`` for a start at a time (s since the epoch)."""
    command = re.sub(r"[\x00-\x1f\x7f]", " ", shlex.join(argv))
    return (
        f"\n ++++ Executing new job on {time.ctime(when)}\n ++++ with the following command(s): \n{command}\n ++++ \n"
    )


def _keep_last_settings(project: Path, folder: Path) -> None:
    """Let RELION's form open with this job's options, as it does after a job of its own."""
    last_settings = next(kind.last_settings for kind in JOB_TYPES if kind.folder == folder.parent.name)
    if not last_settings:
        return
    text = (folder / JOB_STAR).read_text(encoding="utf-8", errors="surrogateescape")
    write_whole(project / last_settings, re.sub(rf"{re.escape(LABEL)}\S*", "relion.refine3d", text, count=1))


def _with_status(project: Path, pipeline: Pipeline, name: str, status: Status) -> Pipeline:
    """Write a job's status, if the list has the job with another; give the list as it then is."""
    row = pipeline.process(name)
    if row is None or row.status == status:
        return pipeline
    changed = pipeline.with_status(name, status)
    write_pipeline(project, changed)
    return changed


def set_status(project: Path, name: str, status: str) -> bool:
    """Change what RELION's list says of one of our jobs, to one of `Status`.

    Returns
    -------
    bool
        Whether the job is in the list; a person may have deleted it.
    """
    name = checked_name(name)
    with held(project):
        pipeline = _with_status(project, read_pipeline(project), name, Status(status))
    return pipeline.process(name) is not None


def record_success(project: Path, name: str) -> bool:
    """Set a job to succeeded; one that did not converge gets the files of its last iteration as results.

    Returns
    -------
    bool
        Whether the job is in the list; a person may have deleted it.
    """
    with held(project):
        pipeline = read_pipeline(project)
        row = pipeline.process(checked_name(name))
        if row is None:
            return False
        results = _results(project, row, pipeline)
        changed = pipeline.with_status(row.name, Status.SUCCEEDED).with_files(row.name, (), results)
        if changed.text() != pipeline.text():
            write_pipeline(project, changed)
        crash_point("job.succeeded")
        mark_nodes(project, row.alias, row.name, results)
    return True


def _results(project: Path, row: ProcessRow, pipeline: Pipeline) -> tuple[Node, ...]:
    kind = type_labelled(row.kind)
    return nodes_of_end(kind, row.name, project, pipeline.layout) if kind else ()
