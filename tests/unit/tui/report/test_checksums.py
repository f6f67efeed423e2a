import hashlib
import os
from pathlib import Path

from halfmap.tui.report import checksums
from halfmap.tui.report.checksums import check


def test_a_file_is_summed_up_wherever_its_path_begins(tmp_path: Path) -> None:
    (tmp_path / "a.star").write_bytes(b"data_\n" * 1000)
    expected = hashlib.sha256(b"data_\n" * 1000).hexdigest()
    for path in ("a.star", str(tmp_path / "a.star")):
        found = check("particles", path, tmp_path, print)
        assert (found.bytes, found.sha256, found.trouble) == (6000, expected, "")
    assert found.changed == (tmp_path / "a.star").stat().st_mtime


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    troubles = {name: check("x", name, tmp_path, print).trouble for name in ("no.mrc", ".", "pipe", "a\0b", "x" * 300)}
    assert troubles == {
        "no.mrc": "cannot be read: No such file or directory",
        ".": "is no file",
        "pipe": "is no file",
        "a\0b": "cannot be read: embedded null byte",
        "x" * 300: "cannot be read: File name too long",
    }


def test_reading_that_takes_long_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(checksums, "_AGAIN_S", -1.0)
    (tmp_path / "big").write_bytes(bytes(10))
    told: list[str] = []
    check("x", "big", tmp_path, told.append)
    assert told == ["big: 100 % of 0.0 GB read"]
