import math
from datetime import datetime

import pytest

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.text import figures


def row(**fields: object) -> JobRow:
    given = {"job": 7, "project": "/data/hiv", "name": "Refine3D/job012/", "state": JobState.RUNNING}
    return JobRow.model_validate(given | fields)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(None, ""), (0, "0 s"), (42.4, "42 s"), (187, "3:07 min"), (7800, "2:10 h"), (273600, "3 d 4 h"), (-3, "0 s")],
)
def test_durations_are_short(seconds: float | None, written: str) -> None:
    assert figures.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(None, ""), (3, "< 1 min"), (60, "1 min"), (119.9, "1 min"), (7859, "2:10 h"), (273600, "3 d 4 h")],
)
def test_rough_durations_change_with_the_minute_only(seconds: float | None, written: str) -> None:
    assert figures.rough_duration(seconds) == written


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_figures_that_are_none_do_not_hurt(value: float) -> None:
    assert figures.moment(value) == ""
    assert isinstance(figures.duration(value), str)
    assert isinstance(figures.rough_duration(value), str)


def test_unknown_and_endless_figures_are_left_out() -> None:
    assert figures.figure(None, "Å") == figures.figure(math.nan, "Å") == figures.megabytes(math.inf) == ""
    assert figures.figure(4.256, "Å") == "4.26 Å"
    assert [figures.megabytes(812), figures.megabytes(24576)] == ["812 MB", "24.0 GB"]


def test_a_clock_names_the_day_only_where_it_is_another() -> None:
    now = datetime(2026, 3, 4, 12, 0).timestamp()
    assert figures.clock(now + 3600, now) == "13:00"
    assert figures.clock(now + 86400, now) == "Thu 12:00"
    assert figures.clock(now + 86400 * 30, now) == "2026-04-03"


def test_elapsed_runs_from_start_to_end_or_now_and_waits_are_not_counted() -> None:
    assert figures.elapsed(row(started=100.0), 160.0) == "1:00 min"
    assert figures.elapsed(row(started=100.0, ended=130.0, state=JobState.FINISHED), 999.0) == "30 s"
    assert figures.elapsed(row(started=100.0, state=JobState.QUEUED), 160.0) == ""
    assert figures.elapsed(row(), 160.0) == ""


def test_a_job_is_called_by_name_and_alias_and_neither_is_obeyed() -> None:
    assert figures.known_as(row(alias="Refine3D/best\x1b[2J/")) == "Refine3D/job012 (Refine3D/best�[2J)"
    assert figures.known_as(row(name="")) == "job 7"
    assert figures.sentence(row(alarm="rank 2 is silent")) == "7: Refine3D/job012 is running: rank 2 is silent"


def test_accuracies_are_told_as_far_as_they_are_known() -> None:
    assert figures.accuracy(row(accuracy_rotation_deg=0.9, accuracy_translation_angstrom=0.45)) == "0.90 ° 0.45 Å"
    assert figures.accuracy(row()) == ""
