"""The log is JSON lines in a bounded number of files, and writing it never raises."""

import itertools
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from halfmap.daemon.log import LogFile, follow_log, for_people, read_log, start_logging


@pytest.fixture
def log(tmp_path: Path) -> Iterator[tuple[logging.Logger, LogFile, Path]]:
    path = tmp_path / "daemon.log"
    handler = LogFile(path, file_bytes=2000, files=3)
    logger = logging.Logger("halfmap.test")
    logger.addHandler(handler)
    yield logger, handler, path
    handler.close()


def texts(lines: list[str]) -> list[str]:
    return [json.loads(line)["text"] for line in lines]


def test_an_entry_is_one_json_object_whatever_it_says(log):
    logger, _, path = log
    logger.warning("two\nlines and \x1b[31m %s", "a name")
    [line] = path.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["from"], entry["text"]) == (
        "warning",
        "halfmap.test",
        "two\nlines and \x1b[31m a name",
    )
    assert entry["time"].endswith("+00:00")
    assert "\x1b" not in line


def test_an_exception_is_told_with_its_traceback(log):
    logger, _, path = log
    try:
        raise ValueError("odd")
    except ValueError:
        logger.exception("it failed")
    assert "ValueError: odd" in json.loads(path.read_text())["error"]


def test_the_number_of_files_is_bounded_and_the_last_lines_are_found_across_them(log):
    logger, _, path = log
    for number in range(200):
        logger.info("line %d", number)
    files = sorted(file.name for file in path.parent.iterdir())
    assert files == ["daemon.log", "daemon.log.1", "daemon.log.2"]
    assert all(file.stat().st_size <= 2000 for file in path.parent.iterdir())
    last = texts(read_log(path, 25))
    assert last == [f"line {number}" for number in range(175, 200)]
    assert 25 < len(read_log(path, 1000)) < 60


def test_reading_reaches_back_over_many_blocks(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"{number} {'x' * 1000}\n" for number in range(300)))
    assert [line.split()[0] for line in read_log(path, 150)] == [str(number) for number in range(150, 300)]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert read_log(tmp_path / "none", 10) == []


def test_a_full_disk_raises_nothing_and_is_told_of_afterwards(tmp_path, capfd):
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    handler = LogFile(path)
    logger = logging.Logger("halfmap.test")
    logger.addHandler(handler)
    for number in range(5):
        logger.error("lost %d", number)
    assert handler.lost == 5
    path.unlink()
    logger.error("kept")
    logger.error("and more")
    handler.close()
    assert texts(read_log(path, 9)) == ["kept", "5 lines could not be written before this one", "and more"]
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_is_gone_raises_nothing(tmp_path, capfd):
    handler = LogFile(tmp_path / "gone/log")
    handler.emit(logging.LogRecord("a", logging.ERROR, "", 0, "text", None, None))
    assert handler.lost == 1
    assert capfd.readouterr() == ("", "")


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path):
    path = tmp_path / "log"
    path.write_text('{"time": "cut o')
    handler = LogFile(path)
    handler.emit(logging.LogRecord("a", logging.ERROR, "", 0, "whole", None, None))
    handler.close()
    lines = read_log(path, 9)
    assert lines[0] == '{"time": "cut o'
    assert texts(lines[1:]) == ["whole"]


def test_following_gives_the_last_lines_then_each_new_one_through_renamed_files(log):
    logger, _, path = log
    for number in range(5):
        logger.info("%d", number)

    lines = follow_log(path, 3, pause_s=0.005)
    found = [next(lines) for _ in range(3)]
    for number in range(5, 60):
        logger.info("%d", number)
        if number % 3 == 1:  # three have been added
            found += itertools.islice(lines, 3)
    assert texts(found) == [str(number) for number in range(2, 2 + len(found))]
    assert len(found) > 50
    assert path.with_name("daemon.log.1").exists()


def test_following_waits_for_a_log_that_is_not_there_yet(tmp_path):
    path = tmp_path / "log"
    lines = follow_log(path, 3, pause_s=0.005)
    threading.Timer(0.05, path.write_text, ["late\n"]).start()
    assert next(lines) == "late"


def test_people_read_time_level_and_text_without_control_characters():
    line = json.dumps({"time": "2026-11-01T12:00:00.000+00:00", "level": "error", "text": "a\x1b[2Jb"})
    shown = for_people(line)
    assert shown.endswith(" error    a�[2Jb")
    assert shown.startswith("2026-1")
    assert for_people("no json \x07") == "no json �"
    assert for_people("[1]") == "[1]"


def test_all_of_the_process_goes_to_the_log_but_not_every_tick(tmp_path, monkeypatch):
    root = logging.RootLogger(logging.WARNING)
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr(logging.Logger, "manager", logging.Manager(root))
    handler = start_logging(tmp_path / "log", {})
    logging.getLogger("halfmap.daemon").info("kept")
    logging.getLogger("apscheduler.executors").info("a tick")
    handler.close()
    assert root.handlers == [handler]
    assert texts(read_log(tmp_path / "log", 9)) == ["kept"]


def test_under_systemd_the_journal_has_it_too(tmp_path, monkeypatch):
    root = logging.RootLogger(logging.WARNING)
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr(logging.Logger, "manager", logging.Manager(root))
    start_logging(tmp_path / "log", {"JOURNAL_STREAM": "8:1234"}).close()
    assert len(root.handlers) == 2
