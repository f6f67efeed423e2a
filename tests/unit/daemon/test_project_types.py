"""Jobs that are no refinements in a RELION project: made, adopted, ended, found again."""

import json
from pathlib import Path
from typing import Any

import pytest

from halfmap.contract.external_form import External
from halfmap.contract.extract_form import Extract
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import read_any_job_star, write_job_star
from halfmap.contract.postprocess_form import PostProcess
from halfmap.contract.reconstruct_form import Reconstruct
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon.pipeline import read_pipeline
from halfmap.daemon.project import (
    BadProject,
    CannotAdopt,
    adopt_job,
    create_job,
    list_processes,
    make_project,
    note_start,
    record_success,
)
from halfmap.daemon.rebuild import find_jobs

SET = "Picks/job009/optimisation_set.star"
EXTRACT = Extract(in_optimisation=SET)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder)
    return folder


def create(project: Path, job: JobForm = EXTRACT, uuid: str = "u-1", **more: Any) -> str:
    wanted = {"alias": "", "record": json.dumps({"uuid": uuid}), "name": "", "claimed": lambda _: None}
    return create_job(project, uuid=uuid, job=job, **(wanted | more))


def nodes(project: Path) -> dict[str, tuple[str, str]]:
    labels = ("rlnPipeLineNodeName", "rlnPipeLineNodeTypeLabel", "rlnPipeLineNodeTypeLabelDepth")
    return {name: (kind, depth) for name, kind, depth in read_pipeline(project).star.columns("pipeline_nodes", *labels)}


def edges(project: Path, table: str, *labels: str) -> set[tuple[str, ...]]:
    return set(read_pipeline(project).star.columns(table, *labels))


def markers(project: Path) -> set[str]:
    return {str(path.relative_to(project / ".Nodes")) for path in (project / ".Nodes").rglob("*") if path.is_file()}


def test_jobs_of_all_types_share_their_numbers_and_stand_where_relion_puts_them(project):
    refinement = Refine3D(
        in_optimisation="Extract/job001/optimisation_set.star", fn_ref="Reconstruct/job002/merged.mrc"
    )
    made = [
        create(project, EXTRACT, "a", alias="bin 4"),
        create(project, Reconstruct(in_optimisation="Extract/job001/optimisation_set.star"), "b"),
        create(project, refinement, "c"),
        create(project, PostProcess(fn_in="Reconstruct/job002/half1.mrc", fn_mask="mask.mrc"), "d"),
        create(project, External(in_3dref="ref.mrc", in_mask="mask.mrc", in_part=SET), "e"),
    ]
    assert made == [
        "Extract/job001/", "Reconstruct/job002/", "Refine3D/job003/", "PostProcess/job004/", "External/job005/"
    ]  # fmt: skip
    rows = list_processes(project)
    assert [row.kind for row in rows] == [
        "relion.pseudosubtomo", "relion.reconstructparticletomo", "relion.refine3d.tomo", "relion.postprocess",
        "relion.external",
    ]  # fmt: skip
    assert (rows[0].alias, (project / "Extract/bin_4").resolve().name) == ("Extract/bin_4/", "job001")
    assert edges(project, "pipeline_input_edges", "rlnPipeLineEdgeFromNode", "rlnPipeLineEdgeProcess") == {
        (SET, "Extract/job001/"),
        ("Extract/job001/optimisation_set.star", "Reconstruct/job002/"),
        ("Extract/job001/optimisation_set.star", "Refine3D/job003/"),
        ("Reconstruct/job002/merged.mrc", "Refine3D/job003/"),
        ("Reconstruct/job002/half1.mrc", "PostProcess/job004/"),
        ("mask.mrc", "PostProcess/job004/"),
        ("ref.mrc", "External/job005/"),
        ("mask.mrc", "External/job005/"),
        (SET, "External/job005/"),
    }
    found = nodes(project)
    assert found["Reconstruct/job002/half1.mrc"] == ("DensityMap.mrc.relion.tomo.halfmap.reconstruct", "99")
    assert found["Extract/job001/particles.star"] == ("ParticleGroupMetadata.star.relion.tomo.extract", "1")
    assert not any(name.startswith("External/") for name in found)  # RELION does not know beforehand either
    assert "DensityMap.mrc.relion.tomo.halfmap.reconstruct/Reconstruct/job002/half1.mrc" in markers(project)
    assert "TomoOptimisationSet/Extract/bin_4/optimisation_set.star" in markers(project)


def test_the_folder_holds_what_relion_gives_a_scheduled_job(project):
    name = create(project)
    assert read_any_job_star(project / name / "job.star").job == EXTRACT
    assert "relion.pseudosubtomo" in (project / name / "job_pipeline.star").read_text()
    assert (project / name / "default_pipeline.star").exists()


def test_asking_again_changes_nothing(project):
    name = create(project)
    before = (project / "default_pipeline.star").read_text()
    assert create(project, name=name) == name
    assert (project / "default_pipeline.star").read_text() == before


def test_a_project_of_an_older_relion_is_told_to_be_opened_with_relion_5(project):
    (project / "default_pipeline.star").write_text(
        "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter                       1\n \n"
    )
    with pytest.raises(BadProject, match="open the project with RELION 5 once"):
        create(project)
    assert not (project / "Extract").exists()


def test_a_scheduled_extraction_is_adopted_and_a_job_star_in_the_wrong_folder_is_not(project):
    for name in ("Extract/job004/", "Reconstruct/job005/"):
        (project / name).mkdir(parents=True)
        write_job_star(EXTRACT, project / name / "job.star")
    name, star = adopt_job(project, "Extract/job004")
    assert (name, star.job) == ("Extract/job004/", EXTRACT)
    assert create(project, EXTRACT, name=name) == name
    with pytest.raises(CannotAdopt, match="does not belong into this folder"):
        adopt_job(project, "Reconstruct/job005/")


def test_success_lists_what_is_there(project):
    job = External(fn_exe="halfmap split", in_part=SET)
    name = create(project, job)
    for file in ("particles.star", "particles_optimisation_set.star", "something.txt"):
        (project / name / file).touch()
    assert record_success(project, name)
    assert {key: kind for key, (kind, _) in nodes(project).items() if key.startswith(name)} == {
        f"{name}particles.star": "ParticleGroupMetadata.star.relion",
        f"{name}particles_optimisation_set.star": "TomoOptimisationSet.star.relion",
    }
    assert list_processes(project)[0].status == "Succeeded"


def test_a_start_is_noted_and_relions_last_settings_are_kept_where_they_belong(project):
    name = create(project, Reconstruct(in_optimisation=SET))
    note_start(project, name, 1, ["halfmap", "reconstruct", "--o", name])
    assert f"halfmap reconstruct --o {name}" in (project / name / "note.txt").read_text()
    assert "reconstructparticletomo" in (project / ".gui_tomo_reconstruct_particlejob.star").read_text()
    assert not (project / ".gui_auto3djob.star").exists()
    assert list_processes(project)[0].status == "Running"


def test_jobs_of_all_types_are_found_again_from_their_folders(project):
    kinds = {"relion.pseudosubtomo": EXTRACT, "relion.reconstructparticletomo": Reconstruct(in_optimisation=SET)}
    for number, (kind, job) in enumerate(kinds.items()):
        create(project, job, f"u-{number}", record=json.dumps({"uuid": f"u-{number}", "kind": kind}))
    assert [(one.name, one.record["kind"]) for one in find_jobs(project)] == [
        ("Extract/job001/", "relion.pseudosubtomo"),
        ("Reconstruct/job002/", "relion.reconstructparticletomo"),
    ]
