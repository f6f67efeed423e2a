import shutil

import pytest

from halfmap.daemon import followed
from halfmap.daemon.followed import Followed


@pytest.fixture
def project(tmp_path, hiv_twin):
    for name in ("job006", "job009"):
        shutil.copytree(hiv_twin / "Refine3D" / name, tmp_path / "Refine3D" / name, copy_function=shutil.copy)
    rows = [f"Refine3D/{name}/ None relion.refine3d.tomo Succeeded" for name in ("job006", "job009")]
    labels = ["Name", "Alias", "TypeLabel", "StatusLabel"]
    table = "\n".join(f"_rlnPipeLineProcess{label} #{n + 1}" for n, label in enumerate(labels))
    (tmp_path / "default_pipeline.star").write_text(
        "data_pipeline_general\n\n_rlnPipeLineJobCounter 10\n\n"
        f"data_pipeline_processes\n\nloop_\n{table}\n" + "\n".join(rows) + "\n\n"
    )
    return tmp_path


def resolutions(rows):
    return {row["name"]: row.get("resolution") for row in rows}


def test_a_refinement_that_ended_before_is_told_with_its_figures(project):
    found = resolutions(Followed(project).look())
    assert found == {"Refine3D/job006/": pytest.approx(17.152942), "Refine3D/job009/": pytest.approx(17.152942)}


def test_what_ended_is_read_once_and_only_some_of_it_in_one_look(project, monkeypatch):
    monkeypatch.setattr(followed, "_ENDED_AT_ONCE", 1)
    watched = Followed(project)
    first, second, third = (watched.look() for _ in range(3))
    assert sorted(value is None for value in resolutions(first).values()) == [False, True]
    (later,) = second
    assert later["resolution"] == pytest.approx(17.152942)
    assert third == []


def test_our_own_jobs_are_not_read_again(project):
    found = resolutions(Followed(project).look({"Refine3D/job006/"}))
    assert found["Refine3D/job006/"] is None
    assert found["Refine3D/job009/"] is not None
