"""Completing paths: what is offered, in which order, and what is never followed."""

import os
from pathlib import Path

import pytest

from halfmap.daemon import browsing
from halfmap.daemon.browsing import MOST_ROWS, completions, fits, natural


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("Extract/job10", "Extract/job9", "Reconstruct", ".hidden"):
        (root / name).mkdir(parents=True)
    for name in ("a.star", "Extract/particles.star", "Extract/map.mrc", ".trash.star"):
        (root / name).write_text("1234")
    return root


def offered(project: Path, text: str = "", pattern: str = "") -> list[str]:
    return [row.path for row in completions(project, text, pattern)]


def test_folders_come_first_and_end_with_a_slash_and_numbers_are_sorted_by_size(project):
    assert offered(project) == ["Extract/", "Reconstruct/", "a.star"]
    assert offered(project, "Extract/") == [
        "Extract/job9/",
        "Extract/job10/",
        "Extract/map.mrc",
        "Extract/particles.star",
    ]


def test_the_last_component_is_completed_and_the_rest_stays_as_it_was_typed(project):
    assert offered(project, "Ex") == ["Extract/"]
    assert offered(project, "Extract") == ["Extract/"]
    assert offered(project, "./Extract/job1") == ["./Extract/job10/"]
    assert offered(project, f"{project}/Extract/p") == [f"{project}/Extract/particles.star"]


def test_a_pattern_leaves_out_other_files_but_no_folders(project):
    assert offered(project, "Extract/", "*.star") == ["Extract/job9/", "Extract/job10/", "Extract/particles.star"]
    assert offered(project, "Extract/m", "*.{spi,vol,mrc}") == ["Extract/map.mrc"]
    assert offered(project, "Extract/m", "*.{spi,vol}") == []


def test_hidden_names_are_offered_only_if_their_dot_was_typed(project):
    assert offered(project, ".") == [".hidden/", ".trash.star"]


def test_files_have_their_size_and_time(project):
    row = completions(project, "a", "")[0]
    assert (row.bytes, row.is_folder) == (4, False)
    assert row.changed == (project / "a.star").stat().st_mtime
    assert completions(project, "Ex", "")[0].bytes is None


def test_many_names_are_cut_off(project):
    for number in range(MOST_ROWS + 50):
        (project / f"Reconstruct/f{number}").touch()
    found = offered(project, "Reconstruct/")
    assert len(found) == MOST_ROWS
    assert found[-1] == f"Reconstruct/f{MOST_ROWS - 1}"


@pytest.mark.parametrize(
    "text", ["nowhere/", "a.star/", "../", "Extract/../../", "Ext\0ract/", "/no/such/folder/", "x" * 300 + "/"]
)
def test_what_is_no_folder_of_the_project_has_nothing(project, text):
    (project.parent / "outside").touch()
    assert offered(project, text) == []


def test_an_absolute_path_may_lead_anywhere(project):
    (project.parent / "outside").touch()
    assert offered(project, f"{project.parent}/o") == [f"{project.parent}/outside"]


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(116, "Stale file handle")])
def test_a_folder_that_cannot_be_read_has_nothing(project, monkeypatch, error):
    def fail(_path):
        raise error

    monkeypatch.setattr(browsing.os, "scandir", fail)
    assert offered(project, "Reconstruct/") == []


def test_a_pipe_is_never_opened_and_a_dangling_link_is_a_file(project):
    os.mkfifo(project / "pipe")
    (project / "link").symlink_to("nowhere")
    assert offered(project, "pipe/") == []
    row = completions(project, "link", "")[0]
    assert (row.path, row.is_folder, row.bytes) == ("link", False, None)


def test_names_that_cannot_stand_in_a_job_star_are_left_out(project):
    (project / "esc\x1b[31m").touch()
    (project / "line\nbreak").touch()
    Path(os.fsdecode(os.fsencode(project) + b"/r\xe9f.mrc")).touch()
    assert offered(project) == ["Extract/", "Reconstruct/", "a.star"]


@pytest.mark.parametrize(
    ("name", "pattern", "is_fitting"),
    [
        ("run_it012_optimiser.star", "*_it*_optimiser.star", True),
        ("run_optimiser.star", "*_it*_optimiser.star", False),
        ("a.mrc", "*.{spi,vol,mrc}", True),
        ("a.MRC", "*.mrc", False),
        ("a.mrc", "", True),
    ],
)
def test_names_fit_patterns_as_in_relions_forms(name, pattern, is_fitting):
    assert fits(name, pattern) is is_fitting


def test_numbers_within_names_count_by_their_size():
    assert sorted(["job10", "job9", "10", "9a", "b2", "b"], key=natural) == ["b", "b2", "job9", "job10", "9a", "10"]
    assert sorted(["9" * 200, "1", "٣x"], key=natural) == ["٣x", "1", "9" * 200]
