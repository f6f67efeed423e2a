"""Jobs dropped into a project: believed when they are whole, taken once, refused in words."""

import json
import os
from pathlib import Path

import pytest

from halfmap.contract.job_star import job_star_text
from halfmap.contract.refine3d import Refine3D
from halfmap.daemon import inbox
from halfmap.daemon.inbox import Look, accept, reject, waiting

JOB = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="ref.mrc", nr_mpi=3)
TEXT = job_star_text(JOB)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    folder = tmp_path / inbox.FOLDER
    folder.mkdir(parents=True)
    return folder


def looks(project: Path, *times: float) -> Look:
    look = Look((), (), {})
    for now in times:
        look = waiting(project, look.seen, now)
    return look


def test_a_file_is_believed_at_the_second_look(box: Path, tmp_path: Path) -> None:
    (box / "a.star").write_text(TEXT)
    assert looks(tmp_path, 0).ready == ()
    (drop,) = looks(tmp_path, 0, 1).ready
    assert drop.options == {
        "in_optimisation": "Extract/job001/optimisation_set.star", "fn_ref": "ref.mrc", "nr_mpi": "3",
    }  # fmt: skip
    assert not drop.is_continue


def test_a_file_that_grows_is_not_believed(box: Path, tmp_path: Path) -> None:
    look = Look((), (), {})
    for size in range(0, len(TEXT), 50):
        (box / "a.star").write_text(TEXT[:size])
        look = waiting(tmp_path, look.seen, size)
        assert look.ready == look.rejected == ()


def test_a_file_without_its_end_is_not_believed_while_it_is_young(box: Path, tmp_path: Path) -> None:
    path = box / "a.star"
    path.write_text(TEXT.rstrip())
    assert looks(tmp_path, 0, 0.1).ready == ()
    os.utime(path, (1e9, 1e9))
    assert len(looks(tmp_path, 0, 0.1).ready) == 1


def test_the_key_is_the_same_for_the_same_drop_and_no_other(box: Path, tmp_path: Path) -> None:
    def key() -> str:
        return looks(tmp_path, 0, 1).ready[0].key

    path = box / "a.star"
    path.write_text(TEXT)
    os.utime(path, ns=(0, 10**18))
    first = key()
    assert first.startswith("inbox:")
    assert key() == first
    os.utime(path, ns=(0, 10**18 + 1))
    second = key()
    path.write_text(TEXT.replace("ref.mrc", "fer.mrc"))
    os.utime(path, ns=(0, 10**18))
    third = key()
    path.rename(box / "b.star")
    assert len({first, second, third, key()} - {first}) == 3


def test_what_was_taken_is_put_aside_with_its_job(box: Path, tmp_path: Path) -> None:
    (box / "a.star").write_text(TEXT)
    (drop,) = looks(tmp_path, 0, 1).ready
    for _ in range(2):
        accept(drop, "Refine3D/job012/")
    assert (box / "accepted/a.star").read_text() == TEXT
    assert json.loads((box / "accepted/a.json").read_text()) == {"job": "Refine3D/job012/", "key": drop.key}
    assert looks(tmp_path, 0, 1) == Look((), (), {})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("nonsense", "text outside of a table"),
        ("", "rlnJobTypeLabel"),
        (TEXT.replace("relion.refine3d.tomo", "relion.class3d"), "relion.class3d"),
        (TEXT.replace("ref.mrc", '""'), "Reference map"),
        (
            TEXT.replace("_rlnJobIsContinue                       0", "_rlnJobIsContinue                       1"),
            "fn_cont",
        ),
        (TEXT.replace("\n", "\r\n"), "carriage return"),
        ("x" * (inbox.LARGEST_BYTES + 1), "1000000"),
    ],
)
def test_what_cannot_be_taken_is_rejected_after_some_looks_and_says_why(
    text: str, word: str, box: Path, tmp_path: Path
) -> None:
    (box / "a.star").write_text(text, newline="")
    assert looks(tmp_path, 0, 9) == Look((), (), looks(tmp_path, 0, 9).seen)
    assert looks(tmp_path, 0, 1, 4.9).rejected == ()
    (found,) = looks(tmp_path, 0, 1, 5).rejected
    assert word in found.reason
    for _ in range(2):
        reject(found, found.reason)
    assert (box / "rejected/a.star").exists()
    assert word in (box / "rejected/a.txt").read_text()
    assert looks(tmp_path, 0, 1, 5) == Look((), (), {})


def test_a_large_file_is_not_read(box: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (box / "a.star").write_bytes(b"x" * (inbox.LARGEST_BYTES + 1))
    monkeypatch.setattr(inbox, "read_any_job_star", lambda _: pytest.fail("it was read"))
    assert len(looks(tmp_path, 0, 1, 5).rejected) == 1


def test_hidden_and_temporary_files_links_and_folders_are_passed_over(box: Path, tmp_path: Path) -> None:
    for name in (".a.star", "~a.star", "a.star~", "a.star.tmp", "a.tmp", "a.txt"):
        (box / name).write_text(TEXT)
    (box / "folder.star").mkdir()
    (tmp_path / "secret.star").write_text(TEXT)
    (box / "link.star").symlink_to(tmp_path / "secret.star")
    os.mkfifo(box / "pipe.star")
    assert looks(tmp_path, 0, 1, 5) == Look((), (), {})


def test_a_project_without_an_inbox_has_nothing_waiting(tmp_path: Path) -> None:
    assert looks(tmp_path, 0) == Look((), (), {})


def test_a_file_that_vanishes_meanwhile_is_forgotten(box: Path, tmp_path: Path) -> None:
    (box / "a.star").write_text(TEXT)
    look = looks(tmp_path, 0, 1)
    (box / "a.star").unlink()
    assert waiting(tmp_path, look.seen, 2) == Look((), (), {})
    accept(look.ready[0], "Refine3D/job001/")
    assert not (box / "accepted/a.star").exists()
