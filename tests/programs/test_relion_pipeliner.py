"""RELION's own pipeliner, where it is installed, and halfmap work on one project.

The project's list has the layout of the RELION that is installed: 3.1 cannot read what 4 and 5 write.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.pipeline import read_pipeline
from halfmap.daemon.pipeline_layout import Layout
from halfmap.daemon.project import (
    ProjectLocked,
    create_job,
    find_unregistered,
    list_processes,
    make_project,
    note_start,
    set_status,
)
from halfmap.daemon.project_lock import held

PROGRAM = "relion_pipeliner"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed"),
]

GENERAL_3 = "data_pipeline_general\n\n_rlnPipeLineJobCounter                       1\n\n"
ABOUT_3 = "data_job\n\n_rlnJobType   10\n_rlnJobIsContinue 0\n\n"
ABOUT_5 = "data_job\n\n_rlnJobTypeLabel relion.refine3d.tomo\n_rlnJobIsContinue 0\n_rlnJobIsTomo 1\n\n"
OPTIONS_3 = "fn_img Extract/particles.star\nfn_ref ref.mrc\nnr_mpi 3\n\n"
OPTIONS_5 = "in_optimisation Extract/optimisation_set.star\nfn_ref ref.mrc\nnr_mpi 3\n\n"
VALUES = "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"

JOB = Refine3D(in_optimisation="Extract/optimisation_set.star", fn_ref="ref.mrc", nr_mpi=3)


def relion(project: Path, *words: str) -> str:
    ran = subprocess.run([PROGRAM, *words], cwd=project, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert not (project / ".relion_lock").exists(), ran.stderr[-2000:]
    return ran.stdout + ran.stderr


def is_relion_3() -> bool:
    return "version: 3" in subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a job that RELION scheduled."""
    about, options = (ABOUT_3, OPTIONS_3) if is_relion_3() else (ABOUT_5, OPTIONS_5)
    (tmp_path / "job.star").write_text(about + VALUES + options)
    folder = tmp_path / "project"
    (folder / "Extract").mkdir(parents=True)
    for name in ("Extract/particles.star", "Extract/optimisation_set.star", "ref.mrc"):
        (folder / name).touch()
    if is_relion_3():
        (folder / "default_pipeline.star").write_text(GENERAL_3)
    make_project(folder)
    relion(folder, "--addJobFromStar", "../job.star", "--setJobAlias", "theirs")
    return folder


def create(project: Path, uuid: str = "u-1") -> str:
    record = json.dumps({"uuid": uuid})
    return create_job(project, uuid=uuid, job=JOB, alias=f"ours_{uuid}", record=record, name="", claimed=lambda _: None)


def text(project: Path) -> str:
    return (project / "default_pipeline.star").read_text()


def test_a_project_that_relion_wrote_is_read(project: Path) -> None:
    (row,) = list_processes(project)
    assert (row.name, row.alias, row.status) == ("Refine3D/job001/", "Refine3D/theirs/", "Scheduled")
    assert row.kind.startswith("relion.refine3d")
    assert read_pipeline(project).text() == text(project)
    assert (read_pipeline(project).layout is Layout.RELION_3) == is_relion_3()
    assert find_unregistered(project) == []


def test_what_halfmap_adds_relion_writes_back_byte_for_byte(project: Path) -> None:
    name = create(project)
    note_start(project, name, 1, ["refine"])
    before = text(project)
    relion(project, "--check_job_completion")
    assert text(project) == before
    assert (project / "Refine3D/ours_u-1").resolve() == (project / name).resolve()


@pytest.mark.parametrize(("end", "status"), [("SUCCESS", "Succeeded"), ("FAILURE", "Failed"), ("ABORTED", "Aborted")])
def test_both_mean_the_same_by_each_status(end: str, status: str, project: Path) -> None:
    name = create(project)
    note_start(project, name, 1, ["refine"])
    (project / name / f"RELION_JOB_EXIT_{end}").touch()
    if end == "SUCCESS":
        for node in read_pipeline(project).node_kinds():
            (project / node).touch()
    relion(project, "--check_job_completion")
    assert read_pipeline(project).process(name).status == status
    by_relion = text(project)
    set_status(project, name, "Running")
    assert text(project) != by_relion
    set_status(project, name, status)
    assert text(project) == by_relion


def test_numbers_are_shared(project: Path) -> None:
    ours = create(project)
    relion(project, "--addJobFromStar", "../job.star")
    again = create(project, "u-2")
    assert (ours, again) == ("Refine3D/job002/", "Refine3D/job004/")
    assert [row.name for row in list_processes(project)] == [f"Refine3D/job00{number}/" for number in (1, 2, 3, 4)]
    assert read_pipeline(project).counter == 5


def test_a_jobs_own_list_is_as_relion_writes_it(project: Path) -> None:
    create(project)
    theirs, ours = ((project / f"Refine3D/job00{number}/job_pipeline.star").read_text() for number in (1, 2))
    rows = ("Refine3D", "Extract", " ")
    heads = [[line for line in star.split("\n") if not line.startswith(rows)] for star in (theirs, ours)]
    assert heads[0] == heads[1]
    assert theirs.split("\n")[17].replace("job001", "job002") == ours.split("\n")[17]


def test_relion_waits_for_halfmaps_lock(project: Path) -> None:
    name = create(project)
    set_status(project, name, "Running")
    with held(project):
        (project / name / "RELION_JOB_EXIT_FAILURE").touch()
        before = text(project)
        running = subprocess.Popen([PROGRAM, "--check_job_completion"], cwd=project, stdout=subprocess.DEVNULL)
        time.sleep(1)
        assert running.poll() is None
        assert text(project) == before
    assert running.wait(timeout=30) == 0
    assert read_pipeline(project).process(name).status == "Failed"


def test_a_lock_that_relion_left_behind_is_shown_and_not_taken(project: Path) -> None:
    (project / "default_pipeline.star").rename(project / "away.star")
    ran = subprocess.run(
        [PROGRAM, "--check_job_completion"], cwd=project, capture_output=True, check=False, timeout=100
    )
    assert ran.returncode != 0
    assert (project / ".relion_lock").exists()
    with pytest.raises(ProjectLocked, match="remove that folder"):
        held(project, 0).__enter__()
    assert (project / ".relion_lock").exists()
