"""A job is made, started and ended once, wherever the process that does it is killed."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.crash_points import VARIABLE
from halfmap.daemon.pipeline import read_pipeline
from halfmap.daemon.project import create_job, list_processes, make_project, note_start, record_success, set_status

JOB = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="ref.mrc", nr_mpi=3)
LOCK = ["lock.noted", "lock.made", "lock.marked", "lock.releasing", "lock.unmarked", "lock.removed"]
MAKING = [
    "job.prepared",
    "claiming",
    "job.claimed",
    "job.placed",
    "job.listed",
    "job.linked",
    "job.marked",
    "job.released",
]
STARTING = ["note.markers_removed", "note.prepared", "note.appended", "note.written"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder)
    make(folder, "before")
    return folder


def make(project: Path, uuid: str) -> str:
    """Make a job as the daemon does: its name is in the database before it is used."""
    database = project.parent / f"{uuid}.database"

    def claimed(name: str) -> None:
        if os.environ.get(VARIABLE) == "claiming":
            os.kill(os.getpid(), signal.SIGKILL)
        database.write_text(name)

    return create_job(
        project,
        uuid=uuid,
        job=JOB,
        alias=f"alias_{uuid}",
        record=json.dumps({"uuid": uuid}),
        name=database.read_text() if database.exists() else "",
        claimed=claimed,
    )


def killed(step: str, work: Callable[[], object]) -> None:
    """Do some work in a process of its own, which is killed at a step."""
    child = os.fork()
    if child == 0:
        os.environ[VARIABLE] = step
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{step} was never passed"
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("step", LOCK + MAKING)
def test_a_job_is_made_once_with_the_next_number(step: str, project: Path) -> None:
    killed(step, lambda: make(project, "u-1"))
    if step in LOCK:
        killed(step, lambda: make(project, "u-1"))
    name = make(project, "u-1")
    assert name == "Refine3D/job002/"
    assert make(project, "u-2") == "Refine3D/job003/"
    assert [row.name for row in list_processes(project)] == [f"Refine3D/job00{number}/" for number in (1, 2, 3)]
    assert read_pipeline(project).counter == 4
    folders = {path.name for path in (project / "Refine3D").iterdir() if not path.is_symlink()}
    assert folders == {"job001", "job002", "job003"}
    assert {path.name for path in (project / name).iterdir()} == {
        "job.star", "job_pipeline.star", "default_pipeline.star", "halfmap",
    }  # fmt: skip
    assert (project / ".Nodes/DensityMap/Refine3D/alias_u-1/run_class001.mrc").exists()
    assert len(read_pipeline(project).star.table("pipeline_output_edges").rows) == 3 * 5


@pytest.mark.parametrize("step", ["job.prepared", "job.claimed", "job.placed"])
def test_another_job_that_comes_in_between_costs_nobody_anything(step: str, project: Path) -> None:
    killed(step, lambda: make(project, "u-1"))
    other = make(project, "u-2")
    mine = make(project, "u-1")
    assert {mine, other} == {"Refine3D/job002/", "Refine3D/job003/"}
    for name, uuid in ((mine, "u-1"), (other, "u-2")):
        assert json.loads((project / name / "halfmap/job.json").read_text()) == {"uuid": uuid}
    assert len(list_processes(project)) == 3


@pytest.mark.parametrize("step", LOCK + STARTING)
def test_a_start_is_noted_once(step: str, project: Path) -> None:
    name = make(project, "u-1")
    killed(step, lambda: note_start(project, name, 1, ["refine"]))
    note_start(project, name, 1, ["refine"])
    assert (project / name / "note.txt").read_text().count("Executing new job") == 1
    assert read_pipeline(project).process(name).status == "Running"


@pytest.mark.parametrize("step", [*LOCK, "job.succeeded"])
def test_an_end_is_recorded(step: str, project: Path) -> None:
    name = make(project, "u-1")
    (project / name / "run_data.star").touch()
    killed(step, lambda: record_success(project, name))
    assert record_success(project, name)
    assert read_pipeline(project).process(name).status == "Succeeded"
    assert set_status(project, name, "Failed")


def test_temporary_files_are_all_that_a_kill_leaves(project: Path) -> None:
    for number, step in enumerate(LOCK + MAKING):
        killed(step, lambda number=number: make(project, f"k-{number}"))
        make(project, f"k-{number}")
    names = {path.name for path in project.iterdir()}
    assert names == {
        ".Nodes", ".gui_projectdir", ".pipeline_has_changed", "Refine3D", "default_pipeline.star", "halfmap",
    }  # fmt: skip
    assert {path.name for path in (project / "halfmap").iterdir()} == {"lock"}
