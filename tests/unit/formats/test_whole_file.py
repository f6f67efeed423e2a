"""Files are written whole or not at all."""

import errno
from pathlib import Path

import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.whole_file import written_whole


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_under_its_name_only_when_it_is_complete(tmp_path):
    path = tmp_path / "x.star"
    with written_whole(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        # on the same disc, so that renaming is one step
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert names(tmp_path) == ["x.star"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_when_writing_fails_the_old_file_stays_and_nothing_is_left_behind(tmp_path, fault):
    path = tmp_path / "x.star"
    path.write_text("old")

    def write():
        with written_whole(path) as temporary:
            temporary.write_text("half of")
            raise fault

    with pytest.raises(fault):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.star"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disc_is_told_as_such(tmp_path, number):
    path = tmp_path / "x.star"
    path.write_text("old")

    def write():
        with written_whole(path) as temporary:
            temporary.write_text("half of")
            raise OSError(number, "full")

    with pytest.raises(BadInput, match=r"x\.star: no space left .* Free some space"):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x.star"]


def test_a_folder_that_does_not_exist_is_told_with_the_reason(tmp_path):
    path = tmp_path / "none" / "x.star"

    def write():
        with written_whole(path) as temporary:
            temporary.write_text("new")

    with pytest.raises(BadInput, match=r"x\.star: cannot be written \(No such file or directory\)"):
        write()


def test_content_is_on_the_disc_before_the_name_changes(tmp_path, monkeypatch):
    """The file is synced, then renamed, then its folder is synced."""
    events = []
    from halfmap.engine.formats import whole_file

    monkeypatch.setattr(whole_file.os, "fsync", lambda _: events.append("sync"))
    rename = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (events.append("rename"), rename(self, target))[1])
    with written_whole(tmp_path / "x.star") as temporary:
        temporary.write_text("new")
    assert events == ["sync", "rename", "sync"]
