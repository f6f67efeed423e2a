import json
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from halfmap.contract.progress import (
    IterationFinished,
    PhaseProgress,
    ProgressReader,
    ProgressWriter,
    RunAborted,
    RunFailed,
    RunFinished,
    RunStarted,
    read_progress,
)

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
STARTED = RunStarted(
    version="0.1", argv=("--o", "run"), ranks=3, threads=4, host="node7", particles_per_half=(100, 101)
)
EVENTS = (
    STARTED,
    PhaseProgress(iteration=1, phase="expectation", fraction=0.5, seconds=12.5),
    IterationFinished(iteration=1, resolution_angstrom=21.5, fsc=(1.0, 0.9), seconds={"fsc": 1.5}, memory_mb=(900.0,)),
    RunAborted(iteration=1),
    RunFailed(message="no reference\nat all", exit_code=1),
    RunFinished(resolution_angstrom=8.5, files=("run_class001.mrc",)),
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run_progress.jsonl"


def write(file, *events):
    with ProgressWriter(file, now=lambda: NOON) as writer:
        return [writer.write(event) for event in events]


def test_every_kind_of_event_is_read_back_as_it_was_written(file):
    written = write(file, *EVENTS)
    assert read_progress(file) == written
    assert [type(event) for event in written] == [type(event) for event in EVENTS]


def test_each_event_is_one_line_of_json_with_its_kind_number_and_time(file):
    write(file, *EVENTS)
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["sequence"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[0]["event"] == "run_started"
    assert records[0]["time"] == "2025-06-01T12:00:00Z"


def test_each_event_is_a_single_write(file, monkeypatch):
    writes = []
    monkeypatch.setattr(os, "write", lambda descriptor, line: writes.append(line) or len(line))
    write(file, *EVENTS)
    assert len(writes) == len(EVENTS)
    assert all(line.endswith(b"\n") for line in writes)


def test_numbers_go_on_when_a_run_is_continued(file):
    write(file, *EVENTS)
    (continued,) = write(file, STARTED)
    assert continued.sequence == len(EVENTS) + 1
    assert [event.sequence for event in read_progress(file)] == list(range(1, len(EVENTS) + 2))


def test_the_clock_is_read_for_each_event(file):
    ticks = iter([NOON, NOON + timedelta(seconds=5)])
    with ProgressWriter(file, now=lambda: next(ticks)) as writer:
        first, second = writer.write(STARTED), writer.write(STARTED)
    assert (second.time - first.time).total_seconds() == 5


def test_the_usual_clock_tells_utc(file):
    with ProgressWriter(file) as writer:
        assert writer.write(STARTED).time.utcoffset() == timedelta(0)


def test_what_is_not_a_finite_number_is_written_as_not_known(file):
    event = IterationFinished(
        iteration=1,
        resolution_angstrom=math.nan,
        accuracy_rotation_deg=math.inf,
        fsc=(1.0, math.nan),
        seconds={"join": -math.inf},
    )
    write(file, event)
    assert "nan" not in file.read_text().lower()
    assert "inf" not in file.read_text().lower()
    (found,) = read_progress(file)
    assert (found.resolution_angstrom, found.accuracy_rotation_deg) == (None, None)
    assert (found.fsc, found.seconds) == ((1.0, None), {"join": None})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_lies_between_zero_and_one(fraction):
    event = PhaseProgress(iteration=1, phase="noise", fraction=fraction, seconds=0)
    assert 0 <= event.fraction <= 1
    assert event.fraction == fraction or not 0 <= fraction <= 1


def test_an_event_cannot_be_changed_or_misspelled():
    with pytest.raises(ValidationError, match="frozen"):
        STARTED.ranks = 5
    with pytest.raises(ValidationError, match="resolution"):
        IterationFinished(iteration=1, resolution=5)
    with pytest.raises(ValidationError, match="phase"):
        PhaseProgress(iteration=1, phase="lunch", fraction=0, seconds=0)


def test_a_text_that_utf8_cannot_hold_does_not_keep_a_failure_from_being_told(file):
    write(file, RunFailed(message="no such file: " + os.fsdecode(b"caf\xe9.mrc"), exit_code=3))
    (found,) = read_progress(file)
    assert found.message == "no such file: caf?.mrc"


def test_a_file_that_does_not_exist_yet_has_no_events(file):
    reader = ProgressReader(file)
    assert reader.read_new() == []
    (written,) = write(file, STARTED)
    assert reader.read_new() == [written]


def test_a_reader_tells_each_event_once(file):
    reader = ProgressReader(file)
    first = write(file, *EVENTS[:2])
    assert reader.read_new() == first
    assert reader.read_new() == []
    rest = write(file, *EVENTS[2:])
    assert reader.read_new() == rest


@given(cuts=st.lists(st.integers(0, 2000), max_size=8))
@settings(deadline=None)
def test_a_file_cut_anywhere_gives_the_same_events_in_the_end(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("cut")
    written = write(folder / "whole.jsonl", *EVENTS)
    content = (folder / "whole.jsonl").read_bytes()
    growing = folder / "growing.jsonl"
    reader, found = ProgressReader(growing), []
    for end in [*sorted(cuts), len(content)]:
        with growing.open("ab") as file:
            file.write(content[growing.stat().st_size : end])
        found += reader.read_new()
    assert found == written
    assert reader.unreadable == []


def test_unreadable_lines_are_passed_over_and_told_with_their_numbers(file):
    write(file, STARTED)
    with file.open("ab") as opened:
        opened.write(b'not json\n{"event": "lunch"}\n\n\xff\xfe\n')
    write(file, STARTED)
    reader = ProgressReader(file)
    assert len(reader.read_new()) == 2
    assert [line.number for line in reader.unreadable] == [2, 3, 5]
    assert all(line.reason for line in reader.unreadable)


def test_a_later_engine_may_tell_more_than_this_reader_knows(file):
    write(file, STARTED)
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "mood": "good"}) + "\n")
    reader = ProgressReader(file)
    assert [event.host for event in reader.read_new()] == ["node7"]
    assert reader.unreadable == []


def test_a_torn_line_of_a_killed_writer_does_not_spoil_the_next_event(file):
    write(file, STARTED)
    with file.open("ab") as opened:
        opened.write(b'{"event": "run_fini')
    (written,) = write(file, EVENTS[1])
    reader = ProgressReader(file)
    assert reader.read_new()[-1] == written
    assert [line.number for line in reader.unreadable] == [2]


def test_a_full_disk_is_told_and_does_not_spoil_the_next_event(file, monkeypatch):
    whole_write = os.write
    with ProgressWriter(file, now=lambda: NOON) as writer:
        monkeypatch.setattr(os, "write", lambda descriptor, line: whole_write(descriptor, line[:10]))
        with pytest.raises(OSError, match="disk full"):
            writer.write(STARTED)
        monkeypatch.undo()
        written = writer.write(STARTED)
    assert written.sequence == 1
    assert read_progress(file) == [written]


def test_a_file_that_was_replaced_is_read_from_its_beginning(file):
    reader = ProgressReader(file)
    write(file, STARTED)
    reader.read_new()
    fresh = file.with_suffix(".new")
    written = write(fresh, *EVENTS)
    fresh.replace(file)
    assert reader.read_new() == written


def test_a_file_that_was_cut_short_is_read_from_its_beginning(file):
    reader = ProgressReader(file)
    write(file, *EVENTS)
    reader.read_new()
    file.write_bytes(b"")
    written = write(file, STARTED)
    assert reader.read_new() == written
    assert isinstance(reader.path, Path)
