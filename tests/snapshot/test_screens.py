import asyncio
from pathlib import Path

import pytest

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui.app import HalfmapApp
from halfmap.tui.screens.jobs import JobsScreen
from halfmap.tui.terminal.look import Look
from tests.snapshot.conftest import NOW, text_of
from tests.unit.daemon.climber import Climber

SMALL, LARGE = (80, 24), (160, 48)
LONG = "Ein_sehr_langer_Name_" * 15


def shown(service, size=SMALL, keys=(), look=None, prepare=None) -> str:
    """Press keys on the list of jobs, and give what stands on the screen when all is quiet."""

    async def main() -> str:
        app = HalfmapApp(service, look or Look(), lambda: JobsScreen(now=lambda: NOW), now=lambda: NOW)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            if prepare is not None:
                prepare()
            for key in keys:
                await pilot.press(key)
                if len(key) > 1 or len(keys) == 1:
                    await settled(pilot)
            await settled(pilot)
            return text_of(app)

    return asyncio.run(main())


async def settled(pilot) -> None:
    """Wait until the screen has been the same for a moment; at most a few seconds."""
    before, same = "", 0
    for _ in range(100):
        await pilot.pause(0.03)
        now = text_of(pilot.app)
        same = same + 1 if now == before else 0
        if same == 4 and "reading" not in now and "asking the daemon" not in now:
            return
        before = now


def row_of(service, name: str) -> int:
    """How far down the list a job stands."""
    rows = asyncio.run(service.jobs(_query())).jobs
    return next(place for place, row in enumerate(rows) if name in row.name)


def _query():
    from halfmap.daemon.client import JobQuery

    return JobQuery()


def opened(service, name: str) -> tuple[str, ...]:
    """Keys that open a job."""
    return ("j",) * row_of(service, name) + ("enter",)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x48"])
def test_jobs_in_all_states(demo, snapshot, size):
    assert shown(demo.service, size) == snapshot


def test_jobs_without_a_daemon(snapshot):
    service = FakeService(NOW)
    service.away = "no daemon of yours answers at /run/halfmap/daemon.sock; start it with `halfmap daemon start`."
    assert shown(service) == snapshot


def test_jobs_of_an_empty_daemon(snapshot):
    assert shown(FakeService(NOW)) == snapshot


def test_jobs_when_the_daemon_is_lost(demo, snapshot):
    def lose() -> None:
        demo.service.away = "no daemon of yours answers; start it with `halfmap daemon start`."

    assert shown(demo.service, keys=("t",), prepare=lose) == snapshot


def test_jobs_of_a_daemon_that_starts_nothing_new(demo, snapshot):
    demo.service.mode, demo.service.reason = "paused", "the disk of /home/anna is full"
    assert shown(demo.service) == snapshot


def test_jobs_that_no_filter_matches(demo, snapshot):
    assert shown(demo.service, keys=("slash", *"nothing_like_it", "enter")) == snapshot


def test_a_filter_that_is_no_regular_expression(demo, snapshot):
    assert shown(demo.service, keys=("slash", *"(job")) == snapshot


def test_names_and_reasons_that_are_very_long_or_hostile(snapshot):
    service = FakeService(NOW)
    service.add_job("/data/" + LONG, name=f"Refine3D/{LONG}/", alias=LONG, reason=LONG * 3)
    service.add_job(
        "/data/x", name="Refine3D/job\x1b[31m\u202e001/", state=JobState.FAILED, reason="a\nb\x07\x1b]0;x\x07"
    )
    service.add_job("/data/x", alias="漢字の名前", alarm="[bold]no markup[/bold]")
    assert shown(service) == snapshot


@pytest.mark.parametrize("name", ["job012", "job011", "job013", "job014", "job031", "job009"])
def test_a_job_that_runs_has_finished_failed_waits_stalls_or_is_of_somebody_else(demo, snapshot, name):
    assert shown(demo.service, keys=opened(demo.service, name)) == snapshot


def test_a_job_with_all_that_fits_a_large_terminal(demo, snapshot):
    assert shown(demo.service, LARGE, opened(demo.service, "job011")) == snapshot


def test_a_job_with_its_other_panes(demo, snapshot):
    keys = (*opened(demo.service, "job011"), "4", "5", "9", *"112233778866")
    assert shown(demo.service, LARGE, keys) == snapshot


def test_a_job_at_an_earlier_iteration(demo, snapshot):
    assert shown(demo.service, LARGE, (*opened(demo.service, "job011"), "left", "left", "left")) == snapshot


def test_a_job_in_ascii(demo, snapshot):
    told = shown(demo.service, keys=opened(demo.service, "job011"), look=Look(ascii=True, theme="ansi", colours="16"))
    assert told == snapshot


def test_one_pane_alone(demo, snapshot):
    assert shown(demo.service, keys=(*opened(demo.service, "job011"), "m")) == snapshot


def test_a_new_job(demo, snapshot):
    assert shown(demo.service, keys=("a",)) == snapshot


def test_the_form_on_a_large_terminal(demo, snapshot):
    assert shown(demo.service, LARGE, ("k", "e")) == snapshot


def test_the_help(demo, snapshot):
    assert shown(demo.service, keys=("question_mark",)) == snapshot


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x48"])
def test_cards(demo, snapshot, size):
    assert shown(demo.service, size, ("c",)) == snapshot


def test_projects(demo, snapshot, monkeypatch):
    monkeypatch.setattr(Path, "cwd", lambda: Path("/home/anna"))
    assert shown(demo.service, keys=("w",)) == snapshot


@pytest.fixture
def climber() -> Climber:
    """A ladder whose second rung is under way."""
    made = Climber(FakeService(NOW))
    made.climb(4, 20.04, 2.4)
    made.run("bin2.center")
    made.run("bin2.extract")
    return made


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x48"])
def test_ladders(climber, snapshot, size):
    assert shown(climber.service, size, ("L",)) == snapshot


def test_a_ladder_in_trouble_in_ascii(climber, snapshot):
    climber.run("bin2.reconstruct", JobState.FAILED, "exit code 3: a tilt image cannot be read")
    look = Look(ascii=True, theme="ansi", colours="16")
    assert shown(climber.service, keys=("L", "tab"), look=look) == snapshot


def test_the_options_of_a_ladders_step(climber, snapshot):
    assert shown(climber.service, keys=("L", *"jjjjjj", "o")) == snapshot


def test_an_option_of_a_step_to_come_that_is_being_set(climber, snapshot):
    assert shown(climber.service, keys=("L", "G", "k", "enter", "j", "j", "j", "enter")) == snapshot


def test_no_ladders(snapshot):
    assert shown(FakeService(NOW), keys=("L",)) == snapshot


def test_the_question_of_how_to_stop(demo, snapshot):
    assert shown(demo.service, keys=("j",) * row_of(demo.service, "job012") + ("X",)) == snapshot


def test_a_session_that_may_only_look(demo, snapshot):
    keys = ("j",) * row_of(demo.service, "job012") + ("X",)
    assert shown(demo.service, keys=keys, look=Look(read_only=True)) == snapshot
