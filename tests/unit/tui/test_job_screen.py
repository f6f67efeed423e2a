import asyncio

import pytest

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui.app import HalfmapApp
from halfmap.tui.demo import Demo
from halfmap.tui.screens.job import JobScreen
from halfmap.tui.screens.jobs import JobsScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.verbs import EDIT, NEXT
from halfmap.tui.widgets.panes.job_header import JobHeader
from halfmap.tui.widgets.panes.pane_grid import PaneGrid, columns_for
from halfmap.tui.widgets.panes.parameters_pane import ParametersPane

NOW = 1_790_000_000.0


@pytest.fixture
def demo(tmp_path):
    made = Demo(NOW, tmp_path / "demo")
    yield made
    made.close()


def told(service, name, story, size=(100, 40)):
    """Open a job's screen, and do something there."""

    async def main():
        app = HalfmapApp(service, Look(), lambda: JobsScreen(now=lambda: NOW), name, None, lambda: NOW)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: isinstance(app.screen, JobScreen) and app.screen.picture.detail is not None)
            return await story(pilot, app.screen)

    return asyncio.run(main())


async def until(pilot, holds, seconds=5.0):
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await pilot.pause(0.02)
    raise AssertionError("it did not come to that in time")


def shown(screen) -> str:
    return screen.query_one(PaneGrid).shown


@pytest.mark.parametrize(
    ("panes", "width", "columns"),
    [(1, 200, 1), (2, 80, 2), (4, 80, 2), (4, 50, 1), (6, 160, 3), (6, 100, 2), (9, 200, 3)],
)
def test_panes_share_the_width(panes, width, columns):
    assert columns_for(panes, width) == columns


def test_a_digit_shows_a_pane_goes_there_and_hides_it_and_the_last_one_stays(demo):
    async def story(pilot, screen):
        assert shown(screen) == "123678"
        await pilot.press("4")
        assert shown(screen) == "1234678"
        for key in "1234678":
            while shown(screen) != key and key in shown(screen):
                await pilot.press(key)
                await pilot.pause(0.05)
        await pilot.press("8")
        return shown(screen)

    assert told(demo.service, "job011", story) == "8"


def test_the_panes_of_one_job_are_those_of_the_next_that_is_opened(demo):
    async def story(pilot, screen):
        await pilot.press("5", "q")
        screen.halfmap.open_job(2)
        await until(pilot, lambda: isinstance(pilot.app.screen, JobScreen) and pilot.app.screen.job == 2)
        await until(pilot, lambda: pilot.app.screen.query(PaneGrid))
        return shown(pilot.app.screen)

    assert told(demo.service, "job011", story) == "1235678"


def test_the_pane_in_focus_stands_alone_and_escape_brings_back_the_others(demo):
    async def story(pilot, screen):
        grid = screen.query_one(PaneGrid)
        await pilot.press("tab", "m")
        alone = grid.maximised, [pane.KEY for pane in screen.query("Pane") if pane.display]
        await pilot.press("escape")
        await until(pilot, lambda: not grid.maximised)
        return alone

    maximised, visible = told(demo.service, "job011", story)
    assert visible == [maximised]
    assert maximised == "2"


def test_the_cursor_goes_through_the_iterations_and_beyond_the_last_it_follows(demo):
    async def story(pilot, screen):
        await until(pilot, lambda: screen.picture.course.iterations)
        places = []
        for key in ("right", "left", "left", "right", "right", "x", "x"):
            await pilot.press(key)
            places.append(screen.picture.cursor)
        return screen.picture.course.iterations[-1].iteration, places

    last, places = told(demo.service, "job011", story)
    assert places == [None, last, last - 1, last, None, last, None]


def test_another_jobs_curves_are_laid_over_and_taken_away(demo):
    async def story(pilot, screen):
        await pilot.press("o")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press(*"job012")
        await pilot.pause(0.3)
        await pilot.press("enter")
        await until(pilot, lambda: len(screen.picture.overlays) == 1)
        name = screen.picture.overlays[0].name
        await pilot.press("O")
        await until(pilot, lambda: not screen.picture.overlays)
        return name

    assert told(demo.service, "job011", story) == "local"


def test_parameters_are_shown_changed_all_and_compared_with_the_parent(demo):
    async def story(pilot, screen):
        await pilot.press("9")
        await until(pilot, lambda: screen.query(ParametersPane))
        pane = screen.query_one(ParametersPane)
        titles = []
        pane.query_one("LinesView").focus()
        for _ in range(3):
            titles.append(str(pane.border_title))
            await pilot.press("v")
        return titles

    titles = told(demo.service, "job012", story)
    assert "changed from the default" in titles[0]
    assert "different from" in titles[1]
    assert titles[2].endswith("all")


def test_a_job_that_is_gone_says_so(demo):
    service = FakeService(NOW)
    row = service.add_job("/p", state=JobState.FINISHED)

    async def story(pilot, screen):
        del service._jobs[row.job]
        await screen.changed(frozenset())
        return str(screen.query_one(JobHeader).visual), screen.picture.trouble

    assert "no job 1" in told(service, "1", story)[1]


def test_a_job_without_files_or_iterations_has_a_screen():
    service = FakeService(NOW)
    row = service.add_job("/p", reason="card 2 used by anna")

    async def story(pilot, screen):
        for key in "123456789":
            if key not in shown(screen):
                await pilot.press(key)
        await pilot.pause(0.2)
        return screen.picture.detail.row.reason

    assert told(service, f"{row.job}", story) == "card 2 used by anna"


def test_a_daemon_that_refuses_files_leaves_what_was_shown_and_says_why(demo):
    async def story(pilot, screen):
        await until(pilot, lambda: screen.picture.course.iterations)
        before = len(screen.picture.course.iterations)
        service, files = screen.service, screen.service.files

        async def hung(_job):
            from halfmap.daemon.client import Refusal, Refused

            raise Refused(Refusal(code="unavailable", message="the file system of /data hangs"))

        service.files = hung
        try:
            screen._taker._seen = ()
            await screen._take_picture()
        finally:
            service.files = files
        return before, len(screen.picture.course.iterations), screen.picture.trouble

    before, after, trouble = told(demo.service, "job011", story)
    assert before == after > 0
    assert trouble == "the file system of /data hangs"


def test_a_very_small_terminal_is_survived(demo):
    async def story(pilot, screen):
        for size in ((20, 5), (5, 2), (1, 1), (100, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.05)
        return screen.picture.detail is not None

    assert told(demo.service, "job011", story)


def test_a_picture_that_is_being_taken_is_not_broken_off_by_what_other_jobs_do(demo):
    async def story(pilot, screen):
        await until(pilot, lambda: screen.picture.course.iterations)
        service, may_answer, asked = screen.service, asyncio.Event(), []
        job = service.job

        async def slow(number):
            asked.append(number)
            await may_answer.wait()
            return await job(number)

        service.job = slow
        mine = screen.job
        service.progress(mine, reason="another reason")
        screen.app._on_change(frozenset({mine}))
        await until(pilot, lambda: asked)
        for other in (mine + 100, mine + 101):
            screen.app._on_change(frozenset({other}))
        await pilot.pause(0.05)
        may_answer.set()
        await until(pilot, lambda: screen.picture.detail.row.reason == "another reason")
        return len(asked)

    # of those that came meanwhile none is this job, so it was not asked again
    assert told(demo.service, "job011", story) == 1


def test_a_job_without_iterations_shows_its_output_and_its_own_parameters():
    service = FakeService(NOW)
    row = service.add_job(
        "/p", {"box_size": "64"}, name="Extract/job002/", kind="relion.pseudosubtomo", state=JobState.QUEUED
    )
    service.start(row.job)
    service.progress(row.job, fraction=0.4)

    async def story(pilot, screen):
        await until(pilot, lambda: shown(screen) == "89")
        await until(pilot, lambda: "Working: 40 %." in f"{screen.query_one(JobHeader).render()}")
        return "\n".join(line.plain for line in screen.query_one(ParametersPane)._lines(1))

    lines = told(service, "Extract/job002/", story)
    assert "Box size (binned … 64 px  (default 128 px)" in lines
    assert "Reference map" not in lines
    assert all("is no refinement" in verb.refusal(service._row(row.job)) for verb in (EDIT, NEXT))
