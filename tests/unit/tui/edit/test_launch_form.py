from datetime import datetime

import pytest

from halfmap.daemon.client import Launch
from halfmap.tui.form.form import Form
from halfmap.tui.form.launch_form import ROWS, Launching, read_launch
from halfmap.tui.text.begin import begin_time

NOW = datetime(2026, 7, 1, 18, 30).timestamp()


def filled(**values: str) -> Form:
    return Form(ROWS, values)


def test_a_form_that_is_left_as_it_is_launches_as_the_daemon_does_by_itself() -> None:
    assert read_launch(filled(), NOW) == Launching(Launch(), None)


def test_everything_that_is_filled_in_is_taken() -> None:
    found = read_launch(
        filled(
            priority="5",
            hold="Yes",
            place="slurm:gpu",
            engine="relion",
            cards="2",
            alias="tonight",
            begin="20:00",
            after="Refine3D/job001 Refine3D/job002/",
            notify="4.5",
        ),
        NOW,
    )
    launch = Launch(
        priority=5,
        hold=True,
        place="slurm:gpu",
        engine="relion",
        cards=2,
        begin=NOW + 5400,
        after=("Refine3D/job001/", "Refine3D/job002/"),
        notify_at_angstrom=4.5,
    )
    assert found == Launching(launch, "tonight")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("priority", "x"),
        ("priority", "1001"),
        ("place", "slurm:"),
        ("place", "elsewhere"),
        ("cards", "-1"),
        ("cards", "two"),
        ("notify", "0"),
        ("notify", "nan"),
        ("begin", "tomorrow"),
        ("alias", "x" * 201),
    ],
)
def test_a_wrong_value_is_told_at_its_field(key: str, text: str) -> None:
    found = read_launch(filled(**{key: text}), NOW)
    assert isinstance(found, tuple)
    assert [one.key for one in found] == [key]


def test_all_that_is_wrong_is_told_together() -> None:
    found = read_launch(filled(priority="x", begin="x", place="x"), NOW)
    assert isinstance(found, tuple)
    assert {one.key for one in found} == {"priority", "begin", "place"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+2h30m", 9000), ("+1d", 86400), ("20:00", 5400), ("18:00", 84600), ("2026-07-01T19:30", 3600), (" +90s ", 90)],
)
def test_a_time_can_be_written_in_several_ways(text: str, seconds: float) -> None:
    assert begin_time(text, NOW) == NOW + seconds


@pytest.mark.parametrize("text", ["+", "2h", "25:00", "20.00", "soon", "2026-13-01T00:00"])
def test_what_is_no_time_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write 2026-07-01T20:00"):
        begin_time(text, NOW)


def test_nothing_means_at_once() -> None:
    assert begin_time("  ", NOW) is None
