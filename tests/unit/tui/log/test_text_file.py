import os
import time

import pytest

from halfmap.tui.files import text_lines
from halfmap.tui.files.text_file import TextFile
from halfmap.tui.text.log_text import LINE_BYTES


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.out"


@pytest.fixture
def opened(path):
    files = []

    def open_file():
        file = TextFile(path)
        files.append(file)
        file.refresh()
        return file

    yield open_file
    for file in files:
        file.close()


def kept(lines):
    return [line.kept for line in lines.lines]


def counted(file):
    while file.wants_counting:
        file.count_more()
    return file


def test_lines_are_read_from_anywhere(path, opened):
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    file = opened()
    assert file.state.lines == 1000
    assert kept(file.lines(None, 2)) == [b"line 998", b"line 999"]
    assert kept(file.lines(500, 2)) == [b"line 500", b"line 501"]
    assert kept(file.lines(-5, 6)) == [b"line 0"]
    assert kept(file.lines(999, 50)) == [b"line 999"]


def test_the_end_of_a_large_file_is_there_before_the_rest_is_counted_and_keeps_its_numbers(path, opened):
    path.write_bytes(b"".join(b"line %07d of a file that is larger\n" % number for number in range(100_000)))
    file = opened()
    before, state = file.lines(None, 3), file.state
    assert kept(before)[-1] == b"line 0099999 of a file that is larger"
    assert state.to_count > 3_000_000
    assert state.first == 0
    counted(file)
    assert file.state.lines == 100_000
    assert file.state.end == state.end
    assert file.lines(before.first, 3) == before
    assert kept(file.lines(file.state.first, 1)) == [b"line 0000000 of a file that is larger"]
    middle = file.lines(file.state.first + 50_000, 1)
    assert kept(middle) == [b"line 0050000 of a file that is larger"]


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 4 * 65536, 4 * 65536 + 1, 6 * 65536, 6 * 65536 + 7])
def test_no_size_of_file_loses_a_line(path, opened, size):
    data = (b"0123456789abcd\n" * (size // 15 + 1))[:size]
    path.write_bytes(data)
    file = counted(opened())
    lines = data.split(b"\n") if data else []
    expected = lines[:-1] if lines and not lines[-1] else lines
    assert kept(file.lines(file.state.first, size + 1)) == expected


def test_places_and_numbers_of_lines_belong_together(path, opened):
    data = b"".join(b"%d\n" % number for number in range(100_000))
    path.write_bytes(data)
    file = opened()
    # before all is counted: the number is found nevertheless
    assert kept(file.lines(file.number_at(data.index(b"\n777\n") + 1), 1)) == [b"777"]
    for number in (0, 1, 12_345, 65_536, 99_999):
        line = file.state.first + number
        offset = file.offset_of(line)
        assert data[offset:].startswith(b"%d\n" % number)
        assert file.number_at(offset) == line
    assert file.offset_of(file.state.end) == len(data)


def test_growth_is_seen_and_a_line_without_its_end_is_a_line(path, opened):
    path.write_bytes(b"one\ntw")
    file = opened()
    assert kept(file.lines(None, 9)) == [b"one", b"tw"]
    with path.open("ab") as out:
        out.write(b"o\nthree")
    assert file.refresh().lines == 3
    assert kept(file.lines(None, 9)) == [b"one", b"two", b"three"]
    with path.open("ab") as out:
        out.write(b"\n")
    assert file.refresh().lines == 3
    assert file.state.generation == 1


def test_a_torn_character_is_whole_once_the_rest_is_there(path, opened):
    path.write_bytes("Å".encode()[:1])
    file = opened()
    assert kept(file.lines(None, 1)) == [b"\xc3"]
    with path.open("ab") as out:
        out.write("Å".encode()[1:])
    file.refresh()
    assert kept(file.lines(None, 1)) == ["Å".encode()]


def test_growth_by_more_than_is_counted_at_once_is_counted_on(path, opened, monkeypatch):
    path.write_bytes(b"x\n")
    file = opened()
    with path.open("ab") as out:
        out.write(b"y\n" * (text_lines.STEP // 2 + 10))
    assert file.refresh().to_count > 0
    counted(file)
    assert file.state.lines == text_lines.STEP // 2 + 11


def test_a_file_that_was_cut_is_read_anew(path, opened):
    path.write_bytes(b"old\n" * 100)
    file = opened()
    path.write_bytes(b"new\n")
    assert file.refresh().generation == 2
    assert kept(file.lines(None, 9)) == [b"new"]


def test_a_file_that_was_written_anew_and_is_longer_is_read_anew(path, opened):
    path.write_bytes(b"old\n" * 100)
    file = opened()
    with path.open("r+b") as out:
        out.write(b"new\n" * 200)
    assert file.refresh().generation == 2
    assert kept(file.lines(None, 1)) == [b"new"]


def test_another_file_of_the_same_name_is_read_anew(path, opened):
    path.write_bytes(b"old\n")
    file = opened()
    other = path.with_name("other")
    other.write_bytes(b"new and longer\n")
    other.replace(path)
    assert file.refresh().generation == 2
    assert kept(file.lines(None, 1)) == [b"new and longer"]


def test_a_file_that_is_gone_is_told_and_still_shown_and_found_again(path, opened):
    path.write_bytes(b"what it held\n")
    file = opened()
    path.unlink()
    assert file.refresh().trouble == "run.out is gone; this is what it held."
    assert kept(file.lines(None, 1)) == [b"what it held"]
    path.write_bytes(b"back\n")
    assert file.refresh().trouble == ""
    assert kept(file.lines(None, 1)) == [b"back"]


def test_a_file_that_is_not_there_is_told_and_found_when_it_comes(path, opened):
    file = opened()
    assert file.state.trouble == f"run.out is not there: {path}"
    assert file.lines(None, 9).lines == ()
    path.write_bytes(b"here\n")
    assert file.refresh().lines == 1


def test_a_file_that_may_not_be_read_is_told(path, opened, monkeypatch):
    path.write_bytes(b"secret\n")
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert opened().state.trouble == "run.out cannot be read: permission denied."


def test_pipes_and_folders_are_told_and_not_waited_for(path, opened):
    os.mkfifo(path)
    assert opened().state.trouble == "run.out cannot be read: it is no ordinary file."
    path.unlink()
    path.mkdir()
    assert "no ordinary file" in opened().state.trouble


def test_a_disc_that_fails_while_lines_are_read_is_told(path, opened, monkeypatch):
    path.write_bytes(b"line\n" * 10)
    file = opened()
    monkeypatch.setattr(os, "pread", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    assert file.lines(None, 5).lines == ()
    assert file.state.trouble == "run.out cannot be read: input/output error."


def test_a_giant_line_is_cut_and_never_read_whole(path, opened, monkeypatch):
    with path.open("wb") as out:
        out.truncate(200_000_000)
    largest = []
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, place: largest.append(size) or read(file, size, place))
    file = counted(opened())
    (line,) = file.lines(None, 10).lines
    assert file.state.lines == 1
    assert line.kept == b"\0" * LINE_BYTES
    assert line.missing == 200_000_000 - LINE_BYTES
    assert max(largest) <= text_lines.STEP


@pytest.mark.usefixtures("undisturbed")
def test_fifty_megabytes_are_counted_in_time(path, opened):
    block = b"".join(
        b" + a line of a log that is long, with the number %08d and some more\n" % n for n in range(10_000)
    )
    with path.open("wb") as out:
        for _ in range(50_000_000 // len(block) + 1):
            out.write(block)
    began = time.monotonic()
    file = opened()
    first = time.monotonic() - began
    assert kept(file.lines(None, 1))[0].startswith(b" + a line")
    counted(file)
    # 0.02 s on an idle processor of 2024
    assert time.monotonic() - began < 3
    assert first < 0.5
    assert file.state.lines == (50_000_000 // len(block) + 1) * 10_000
