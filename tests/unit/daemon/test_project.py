"""A RELION project as halfmap changes it: made, jobs added and adopted, states kept."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from halfmap.contract.job_star import read_job_star, write_job_star
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.pipeline import PipelineProblem, read_pipeline
from halfmap.daemon.project import (
    BadProject,
    CannotAdopt,
    NotYetWhole,
    ProcessRow,
    adopt_job,
    create_job,
    find_unregistered,
    list_processes,
    make_project,
    note_start,
    record_success,
    set_status,
)

JOB = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="ref.mrc", nr_mpi=3)
EMPTY_3 = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter                       1\n \n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder)
    return folder


def create(project: Path, uuid: str = "u-1", **more: Any) -> str:
    wanted: dict[str, Any] = {
        "uuid": uuid,
        "job": JOB,
        "alias": "",
        "record": json.dumps({"uuid": uuid}),
        "name": "",
        "claimed": lambda _: None,
    }
    return create_job(project, **(wanted | more))


def scheduled_by_relion(project: Path, name: str = "") -> str:
    """A job that has a row and a job.star and nothing of halfmap's."""
    name = name or create(project, "relion")
    folder = project / name
    (folder / "halfmap/job.json").unlink()
    (folder / "halfmap").rmdir()
    return name


def markers(project: Path) -> set[str]:
    return {str(path.relative_to(project / ".Nodes")) for path in (project / ".Nodes").rglob("*") if path.is_file()}


# --- projects ---------------------------------------------------------------------------------------------------------


def test_an_empty_folder_becomes_a_project(tmp_path: Path) -> None:
    assert make_project(tmp_path) == f"{tmp_path} is a RELION project from now on."
    assert (tmp_path / ".gui_projectdir").exists()
    assert read_pipeline(tmp_path).counter == 1
    before = (tmp_path / "default_pipeline.star").read_text()
    assert make_project(tmp_path) == ""
    assert (tmp_path / "default_pipeline.star").read_text() == before


def test_a_folder_with_other_files_becomes_a_project_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    assert "it held 1 other files" in make_project(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "x"


def test_what_cannot_be_a_project_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BadProject, match="not a folder"):
        make_project(file)
    with pytest.raises(BadProject, match="not a folder; make it first"):
        make_project(tmp_path / "missing")
    with pytest.raises(BadProject, match="not an absolute path"):
        make_project(Path("project"))
    with pytest.raises(BadProject, match="control characters"):
        make_project(tmp_path / "a\nb")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(BadProject, match="cannot be written by you"):
        make_project(tmp_path)


def test_a_folder_inside_a_project_is_refused(project: Path) -> None:
    (project / "Refine3D").mkdir()
    with pytest.raises(BadProject, match="lies inside the RELION project"):
        make_project(project / "Refine3D")


def test_a_project_whose_list_is_spoilt_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "default_pipeline.star").write_text("data_pipeline_general\n\n_rlnOther 3\n\n")
    with pytest.raises(PipelineProblem, match="rlnPipeLineJobCounter is missing"):
        make_project(tmp_path)


# --- new jobs ---------------------------------------------------------------------------------------------------------


def test_a_new_job_has_all_that_relion_gives_a_scheduled_one(project: Path) -> None:
    claimed: list[str] = []
    name = create(project, alias="my name", claimed=claimed.append)
    assert name == "Refine3D/job001/"
    assert claimed == [name]
    assert list_processes(project) == [ProcessRow(name, "Refine3D/my_name/", "relion.refine3d.tomo", "Scheduled")]
    assert read_pipeline(project).counter == 2
    folder = project / name
    assert {path.name for path in folder.iterdir()} == {
        "job.star", "job_pipeline.star", "default_pipeline.star", "halfmap",
    }  # fmt: skip
    assert read_job_star(folder / "job.star").job == JOB
    assert json.loads((folder / "halfmap/job.json").read_text()) == {"uuid": "u-1"}
    assert (folder / "default_pipeline.star").read_text() == (project / "default_pipeline.star").read_text()
    assert (project / "Refine3D/my_name").readlink() == Path("../Refine3D/job001/")
    assert not list(project.rglob(".halfmap-*"))


def test_the_nodes_are_relion_5s(project: Path) -> None:
    name = create(project, alias="mine")
    assert read_pipeline(project).node_kinds() == {
        "Extract/job001/optimisation_set.star": "TomoOptimisationSet.star.relion",
        "ref.mrc": "DensityMap.mrc",
        f"{name}run_data.star": "ParticleGroupMetadata.star.relion.refine3d",
        f"{name}run_optimiser.star": "OptimiserData.star.relion.refine3d",
        f"{name}run_half1_class001_unfil.mrc": "DensityMap.mrc.relion.halfmap.refine3d",
        f"{name}run_class001.mrc": "DensityMap.mrc.relion.refine3d",
        f"{name}run_optimisation_set.star": "TomoOptimisationSet.star.relion.refine3d",
    }
    assert markers(project) == {
        "TomoOptimisationSet/Extract/job001/optimisation_set.star",
        "DensityMap/ref.mrc",
        "ParticleGroupMetadata/Refine3D/mine/run_data.star",
        "OptimiserData/Refine3D/mine/run_optimiser.star",
        "DensityMap/Refine3D/mine/run_half1_class001_unfil.mrc",
        "DensityMap/Refine3D/mine/run_class001.mrc",
        "TomoOptimisationSet/Refine3D/mine/run_optimisation_set.star",
    }


def test_the_nodes_are_relion_4s_and_3s_where_the_list_is_theirs(project: Path) -> None:
    list_file = project / "default_pipeline.star"
    list_file.write_text(EMPTY_3)
    name = create(project)
    kinds = read_pipeline(project).node_kinds()
    assert kinds[f"{name}run_data.star"] == "ParticlesData.star.relion.refine3d"
    assert kinds[f"{name}run_optimiser.star"] == "ProcessData.star.relion.optimiser.refine3d"
    assert kinds[f"{name}run_optimisation_set.star"] == "ProcessData.star.relion.tomo.optimisation_set"
    row = "\ndata_pipeline_processes\n\nloop_ \n_rlnPipeLineProcessName #1 \n_rlnPipeLineProcessAlias #2 \n"
    row += "_rlnPipeLineProcessType #3 \n_rlnPipeLineProcessStatus #4 \nExtract/job001/       None     5    2 \n \n"
    list_file.write_text(EMPTY_3.replace("   1\n", "   2\n") + row)
    name = create(project, "u-2")
    kinds = read_pipeline(project).node_kinds()
    assert kinds[f"{name}run_half1_class001_unfil.mrc"] == "10"
    assert f"{name}run_optimiser.star" not in kinds


def test_inputs_from_elsewhere_are_in_no_list_and_names_are_as_other_jobs_have_them(project: Path) -> None:
    job = Refine3D(
        use_direct_entries=True, in_particles=f"{project}/Extract/p.star", in_tomograms="/data/t.star",
        in_trajectories="../m.star", fn_ref="./ref.mrc", fn_mask="#mask.mrc",
    )  # fmt: skip
    create(project, job=job)
    kinds = read_pipeline(project).node_kinds()
    assert [name for name in kinds if not name.startswith("Refine3D")] == ["Extract/p.star", "ref.mrc"]


def test_numbers_go_up_and_are_never_given_twice(project: Path) -> None:
    assert [create(project, f"u-{number}") for number in range(3)] == [
        "Refine3D/job001/", "Refine3D/job002/", "Refine3D/job003/",
    ]  # fmt: skip


def test_a_folder_that_stands_under_the_next_number_is_left_alone(project: Path) -> None:
    (project / "Refine3D/job001").mkdir(parents=True)
    assert create(project) == "Refine3D/job002/"
    assert read_pipeline(project).counter == 3
    assert not list((project / "Refine3D/job001").iterdir())


def test_asking_again_changes_nothing(project: Path) -> None:
    name = create(project, alias="mine")
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert create(project, alias="mine", name=name, claimed=lambda _: pytest.fail("claimed again")) == name
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_number_that_somebody_took_meanwhile_is_given_up(project: Path) -> None:
    def fail(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create(project, claimed=fail)
    theirs = scheduled_by_relion(project)
    claimed: list[str] = []
    assert create(project, name=theirs, claimed=claimed.append) == "Refine3D/job002/"
    assert claimed == ["Refine3D/job002/"]
    assert not (project / theirs / "halfmap").exists()


def test_a_number_that_was_used_up_and_deleted_meanwhile_is_given_up(project: Path) -> None:
    (project / "default_pipeline.star").write_text(EMPTY_3.replace("   1\n", "   7\n"))
    assert create(project, name="Refine3D/job005/") == "Refine3D/job007/"


@pytest.mark.parametrize(
    "alias",
    [
        "../../etc",
        "/abs",
        "a\nb",
        "a\x1b[31m",
        "$(reboot)",
        "a;b",
        "a|b",
        "`id`",
        "job7",
        "x",
        ".hidden",
        "-rf",
        "a" * 300,
    ],
)
def test_an_alias_that_is_no_plain_name_is_refused(alias: str, project: Path) -> None:
    with pytest.raises(BadProject, match="alias"):
        create(project, alias=alias)
    assert list_processes(project) == []


def test_an_alias_of_another_job_or_file_is_refused(project: Path) -> None:
    create(project, alias="mine")
    with pytest.raises(BadProject, match="choose a new one"):
        create(project, "u-2", alias="mine")
    (project / "Refine3D/notes").mkdir()
    with pytest.raises(BadProject, match="choose a new one"):
        create(project, "u-2", alias="notes")


@pytest.mark.parametrize(
    "name",
    [
        "../job001/",
        "/etc/job001/",
        "Refine3D/job001/../../x",
        "Refine3D/job1",
        "Class3D/job001/",
        "Refine3D/job001\n",
        "",
    ],
)
def test_a_name_that_is_no_jobs_is_refused(name: str, project: Path) -> None:
    with pytest.raises(BadProject, match="name of a job of Refine3D"):
        set_status(project, name, "Failed")
    with pytest.raises(CannotAdopt):
        adopt_job(project, name)


def test_control_characters_in_options_are_refused_before_anything_is_made(project: Path) -> None:
    with pytest.raises(BadProject, match="fn_ref"):
        create(project, job=JOB.model_copy(update={"fn_ref": "a\nb"}))
    assert not (project / "Refine3D").exists()


def test_a_folder_of_refinements_that_leads_out_of_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (project / "Refine3D").symlink_to(tmp_path / "outside")
    with pytest.raises(BadProject, match="leads out of the project"):
        create(project)
    assert not list((tmp_path / "outside").iterdir())


# --- jobs of others ---------------------------------------------------------------------------------------------------


def test_a_job_that_relion_scheduled_is_adopted_without_a_second_row(project: Path) -> None:
    name = scheduled_by_relion(project)
    before = (project / "default_pipeline.star").read_text()
    assert adopt_job(project, name.rstrip("/")) == (name, read_job_star(project / name / "job.star"))
    assert create(project, name=name) == name
    assert (project / "default_pipeline.star").read_text() == before
    assert json.loads((project / name / "halfmap/job.json").read_text()) == {"uuid": "u-1"}


def test_a_job_star_in_a_folder_without_a_row_gets_its_row_and_the_counter_moves_on(project: Path) -> None:
    folder = project / "Refine3D/job007"
    folder.mkdir(parents=True)
    write_job_star(JOB, folder / "job.star")
    name, _ = adopt_job(project, "Refine3D/job007")
    assert create(project, name=name) == name
    assert [row.name for row in list_processes(project)] == [name]
    assert read_pipeline(project).counter == 8
    assert (folder / "job_pipeline.star").exists()


def test_only_what_has_not_been_run_is_adopted(project: Path) -> None:
    name = scheduled_by_relion(project)
    set_status(project, name, "Running")
    with pytest.raises(CannotAdopt, match="is Running"):
        adopt_job(project, name)
    folder = project / "Refine3D/job007"
    folder.mkdir()
    (folder / "run.out").touch()
    with pytest.raises(CannotAdopt, match="was run"):
        adopt_job(project, "Refine3D/job007/")
    with pytest.raises(CannotAdopt, match="there is no"):
        adopt_job(project, "Refine3D/job008/")


def test_an_alias_for_a_job_that_relion_has_listed_is_refused_and_not_ignored(project: Path) -> None:
    name = scheduled_by_relion(project)
    with pytest.raises(CannotAdopt, match="give it its alias there"):
        create(project, name=name, alias="mine")
    assert not (project / name / "halfmap").exists()


def test_another_halfmaps_job_is_not_taken(project: Path) -> None:
    name = create(project, "theirs")
    with pytest.raises(CannotAdopt, match=r"another job's of halfmap \(theirs\)"):
        create(project, "mine", name=name)


def test_a_half_written_job_star_is_read_again_and_not_believed(project: Path) -> None:
    name = scheduled_by_relion(project)
    path = project / name / "job.star"
    text = path.read_text()
    for size in range(10, len(text) - 1, 97):
        path.write_text(text[:size])
        with pytest.raises(NotYetWhole):
            adopt_job(project, name)
    path.write_text(text.replace("fn_ref", "fn_ref x y z"))
    os.utime(path, (1e9, 1e9))
    with pytest.raises(CannotAdopt, match="values for 2 labels"):
        adopt_job(project, name)


def test_a_job_folder_that_leads_out_of_the_project_is_refused_and_one_inside_is_not(
    project: Path, tmp_path: Path
) -> None:
    name = create(project, alias="mine")
    (project / "Refine3D/job009").symlink_to(project / "Refine3D/job001")
    (project / "Refine3D/job008").symlink_to(tmp_path)
    with pytest.raises(CannotAdopt, match="leads out of the project"):
        adopt_job(project, "Refine3D/job008/")
    with pytest.raises(BadProject, match="leads out of the project"):
        note_start(project, "Refine3D/job008/", 1, ["x"])
    assert not (tmp_path / "note.txt").exists()
    assert find_unregistered(project) == []
    (project / name / "run.out").touch()
    assert find_unregistered(project) == ["Refine3D/job009/"]


def test_jobs_run_from_a_shell_are_found(project: Path) -> None:
    create(project)
    for number, file in ((5, "run.out"), (6, "run_progress.jsonl"), (7, "note.txt")):
        (project / f"Refine3D/job{number:03d}").mkdir()
        (project / f"Refine3D/job{number:03d}" / file).touch()
    (project / "Refine3D/loose").touch()
    assert find_unregistered(project) == ["Refine3D/job005/", "Refine3D/job006/"]


# --- while it runs ----------------------------------------------------------------------------------------------------


def test_a_start_is_noted_as_relion_notes_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = create(project)
    folder = project / name
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    note_start(project, name, 1, ["/bin/refine", "--o", f"{name}run", "a b"])
    ctime = __import__("time").ctime(1_700_000_000)
    assert (folder / "note.txt").read_text() == (
        f"\n ++++ Executing new job on {ctime}\n ++++ with the following command(s): \n"
        f"/bin/refine --o {name}run 'a b'\n ++++ \n"
    )
    assert list_processes(project)[0].status == "Running"
    assert (folder / "default_pipeline.star").read_text() == (project / "default_pipeline.star").read_text()
    last = (project / ".gui_auto3djob.star").read_text()
    assert "_rlnJobTypeLabel             relion.refine3d\n" in last
    assert last.replace("relion.refine3d\n", "relion.refine3d.tomo\n") == (folder / "job.star").read_text()


def test_one_attempt_is_noted_once_and_two_are_noted_twice(project: Path) -> None:
    name = create(project)
    for attempt in (1, 1, 2, 2):
        note_start(project, name, attempt, ["refine", f"--attempt={attempt}"])
    note = (project / name / "note.txt").read_text()
    assert note.count("Executing new job") == 2
    assert note.index("--attempt=1") < note.index("--attempt=2")


def test_a_start_removes_old_markers_but_not_those_of_a_process_that_has_started(project: Path) -> None:
    name = create(project)
    markers = [
        project / name / f"RELION_JOB_{end}" for end in ("EXIT_SUCCESS", "EXIT_FAILURE", "EXIT_ABORTED", "ABORT_NOW")
    ]
    for marker in markers:
        marker.touch()
    note_start(project, name, 1, ["refine"])
    assert not any(marker.exists() for marker in markers)
    (project / name / "halfmap/attempt-001/shim.json").touch()
    markers[0].touch()
    note_start(project, name, 1, ["refine"])
    assert markers[0].exists()


def test_a_continued_run_is_one_in_its_job_star(project: Path) -> None:
    name = create(project)
    continued = JOB.model_copy(update={"fn_cont": f"{name}run_it003_optimiser.star"})
    note_start(project, name, 2, ["refine"], continued)
    star = read_job_star(project / name / "job.star")
    assert (star.is_continue, star.job) == (True, continued)


def test_line_breaks_in_a_command_do_not_break_the_note(project: Path) -> None:
    name = create(project)
    note_start(project, name, 1, ["refine", "a\n ++++ \nb\x1b[2J"])
    assert len((project / name / "note.txt").read_text().split("\n")) == 6


@pytest.mark.parametrize("status", ["Running", "Scheduled", "Succeeded", "Failed", "Aborted"])
def test_a_status_is_set_and_a_deleted_job_is_told(status: str, project: Path) -> None:
    name = create(project)
    assert set_status(project, name, status)
    assert list_processes(project)[0].status == status
    assert not set_status(project, "Refine3D/job099/", status)


def test_no_other_status_than_relions_is_ever_written(project: Path) -> None:
    name = create(project)
    with pytest.raises(ValueError, match="stalled"):
        set_status(project, name, "stalled")
    assert list_processes(project)[0].status == "Scheduled"


def test_success_without_convergence_hands_on_the_last_iteration(project: Path) -> None:
    name = create(project)
    for iteration in (1, 2):
        for end in ("optimiser.star", "sampling.star", "data.star", "half1_model.star", "half2_model.star",
                    "half1_class001.mrc", "half2_class001.mrc"):  # fmt: skip
            (project / name / f"run_it{iteration:03d}_{end}").write_text("x")
    for _ in range(2):
        assert record_success(project, name)
    kinds = read_pipeline(project).node_kinds()
    assert kinds[f"{name}run_it002_data.star"] == "ParticleGroupMetadata.star.relion.refine3d"
    assert f"{name}run_it001_data.star" not in kinds
    assert f"DensityMap/{name}run_it002_half1_class001.mrc" in markers(project)
    assert list_processes(project)[0].status == "Succeeded"


def test_success_with_convergence_adds_nothing(project: Path) -> None:
    name = create(project)
    before = read_pipeline(project).node_kinds()
    for node in before:
        (project / node).parent.mkdir(parents=True, exist_ok=True)
        (project / node).touch()
    assert record_success(project, name)
    assert read_pipeline(project).node_kinds() == before


def test_the_noted_command_can_be_read_by_a_shell(project: Path) -> None:
    name = create(project)
    argv = ["refine", "$(reboot)", "it's"]
    note_start(project, name, 1, argv)
    assert shlex.split((project / name / "note.txt").read_text().split("\n")[3]) == argv
