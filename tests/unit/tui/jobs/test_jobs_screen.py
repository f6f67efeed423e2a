"""Pilot tests of the list of jobs: every key, and every state of it."""

import time
from typing import ClassVar

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui.screens import jobs as of_jobs
from halfmap.tui.screens.ask import AskScreen
from halfmap.tui.screens.jobs import JobsScreen
from halfmap.tui.screens.stop import StopScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.tables.filter_line import FilterLine

from .conftest import NOW, ListApp, Play, until


def lines(app: ListApp) -> list[str]:
    """What the table shows."""
    return ["".join(segment.text for segment in app.table.render_line(y)) for y in range(app.table.size.height)]


async def go_to(app: ListApp, pilot: Pilot[None], job: int) -> None:
    """Put the cursor on a job with the arrows."""
    there = [row.job for row in app.table.items].index(job)
    await pilot.press("g", *["j"] * there)
    assert app.table.current is not None
    assert app.table.current.job == job


def test_the_list_shows_the_science_of_each_job(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        shown = "\n".join(lines(app))
        assert "job001 bin4        running    3 exp 43%    17.2 Å ↓2.3" in shown
        assert "running !" in shown
        assert "Class3D" not in shown
        assert app.words("#title").startswith("Jobs  1 of 7  3 running  1 queued  1 held  1 failed")

    play(story)


def test_the_line_beneath_tells_reason_and_facts_of_the_job_at_the_cursor(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 4)
        assert app.words("#about").splitlines()[0] == "ended with exit code 1"
        await go_to(app, pilot, 7)
        assert app.words("#about").splitlines()[0] == "rank 2 is silent"

    play(story)


def test_enter_opens_the_job_and_arrows_and_letters_move(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("j", "down", "k", "enter")
        await pilot.press("G", "enter", "g", "enter", "pagedown", "up", "enter", "pageup", "enter")
        assert app.opened == [7, 1, 8, 2, 8]

    play(story)


def test_a_filter_is_typed_answers_live_is_inverted_and_cleared(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"fail")
        await until(pilot, lambda: app.names == ["Refine3D/job004/"])
        await pilot.press("home", "exclamation_mark", "enter")
        await until(pilot, lambda: len(app.names) == 6)
        assert app.table.has_focus
        assert "/!fail" in app.words("#title")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.names) == 7)
        await pilot.press("slash", "q")
        await until(pilot, lambda: len(app.names) == 1)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.names) == 7)
        assert app.is_running

    play(story)


def test_a_filter_that_is_no_expression_is_told_and_the_old_rows_stay(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash", "left_parenthesis")
        await until(pilot, lambda: "no regular expression" in app.words("#trouble"))
        assert len(app.names) == 7
        assert not app.told
        await pilot.press("h", "right_parenthesis")
        await until(pilot, lambda: app.words("#trouble") == "")

    play(story)


def test_nothing_that_matches_is_said_and_the_way_back_too(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"xyz", "enter")
        await until(pilot, lambda: "No job matches xyz." in app.words("Notice"))
        await pilot.press("escape")
        await until(pilot, lambda: len(app.names) == 7)
        await pilot.press("j")
        assert app.table.cursor == 1

    play(story)


def test_problems_other_types_and_orders_are_switched_by_keys(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await until(pilot, lambda: len(app.names) == 2)
        assert "only problems" in app.words("#title")
        await pilot.press("p", "t")
        await until(pilot, lambda: len(app.names) == 8)
        assert "Class3D/job020/" in app.names
        await pilot.press("t", "s")
        await until(pilot, lambda: "oldest first" in app.words("#title") and app.table.items[0].job == 1)
        for order in ("by name", "by state", "by priority", "by resolution"):
            await pilot.press("s")
            await until(pilot, lambda order=order: order in app.words("#title"))  # type: ignore[misc]
        assert app.table.items[0].job == 5

    play(story)


def test_a_job_is_held_released_and_given_another_priority(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 2)
        await pilot.press("plus", "plus", "minus", "h")
        await until(pilot, lambda: app.row(2).state is JobState.HELD)
        assert app.row(2).priority == 1
        await pilot.press("l")
        await until(pilot, lambda: app.row(2).state is JobState.QUEUED)
        assert app.told[-1] == "Refine3D/job002 is queued."
        await pilot.press("l")
        await until(pilot, lambda: app.told[-1] == "Refine3D/job002 is queued; only a held job can be released.")

    play(story)


def test_a_running_job_is_stopped_by_the_rung_that_was_chosen(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 1)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, StopScreen))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.jobs)
        assert app.row(1).state is JobState.RUNNING
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, StopScreen))
        await pilot.press("escape", "X")
        await until(pilot, lambda: isinstance(app.screen, StopScreen))
        await pilot.press("i")
        await until(pilot, lambda: app.row(1).state is JobState.STOPPING)
        assert app.row(1).reason == "stopping (after iteration)"

    play(story)


def test_every_rung_has_its_letter(play: Play, service: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 1)
        for letter, mode in (("a", "abort"), ("t", "terminate"), ("k", "kill")):
            await pilot.press("X")
            await until(pilot, lambda: isinstance(app.screen, StopScreen))
            await pilot.press(letter)
            await until(pilot, lambda mode=mode: app.row(1).reason == f"stopping ({mode})")  # type: ignore[misc]
            assert app.row(1).state is JobState.STOPPING

    play(story)


def test_a_rung_can_be_chosen_with_the_arrows_and_the_cursor_begins_on_doing_nothing(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 1)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, StopScreen))
        assert isinstance(app.screen, AskScreen)
        assert app.screen.choices[app.screen.cursor].letter == ""
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.row(1).reason == "stopping (abort)")

    play(story)


def test_cleaning_up_asks_and_goes_on(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 4)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("n")
        await until(pilot, lambda: app.screen is app.jobs)
        assert app.row(4).state is JobState.FAILED
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: app.row(4).state is JobState.QUEUED)

    play(story)


def test_marks_make_a_verb_one_question_for_all_and_others_are_told_why_not(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("asterisk")
        assert len(app.table.marked) == 7
        await pilot.press("u")
        assert not app.table.marked
        await go_to(app, pilot, 3)
        await pilot.press("space", "space", "g", "space")
        assert set(app.table.marked) == {2, 3, 8}
        assert "3 marked" in app.words("#title")
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert isinstance(app.screen, AskScreen)
        assert "2 jobs" in app.screen.question
        assert "started by somebody else" in app.told[-1]
        await pilot.press("y")
        await until(pilot, lambda: app.row(2).state is app.row(3).state is JobState.ABORTED)
        assert app.row(8).state is JobState.RUNNING
        await pilot.press("escape")
        assert not app.table.marked

    play(story)


def test_jobs_of_others_are_refused_in_words(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 8)
        await pilot.press("X")
        await until(pilot, lambda: bool(app.told))
        assert app.told == ["Refine3D/job030 was started by somebody else; it is shown, and never touched."]

    play(story)


def test_a_read_only_session_changes_nothing(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 2)
        await pilot.press("h", "X", "C", "plus")
        await until(pilot, lambda: len(app.told) == 4)
        assert set(app.told) == {"this session is read-only; nothing was changed."}
        assert app.row(2).state is JobState.QUEUED
        assert "read-only" in app.words("StatusLine")

    play(story, look=Look(read_only=True))


def test_what_is_pasted_is_no_key(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 2)
        for text in ("h", "X", "Xk", "q", "Cy", "\n"):
            app.post_message(events.Paste(text))
        await pilot.pause(0.1)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        app.post_message(events.Paste("y\n"))
        await pilot.pause(0.1)
        assert isinstance(app.screen, AskScreen)
        assert app.row(2).state is JobState.QUEUED
        assert app.opened == []

    play(story)


def test_q_leaves(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running or app._exit)

    play(story)


def test_without_a_daemon_starting_it_is_offered_and_once_it_answers_its_jobs_are_shown(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = FakeService(NOW)
    empty.away = "no daemon of yours answers at /run/daemon.sock."

    async def start_daemon() -> tuple[bool, str]:
        empty.away = ""
        return True, "Started, pid 7."

    monkeypatch.setattr("halfmap.tui.screens.no_daemon.start_daemon", start_daemon)
    monkeypatch.setattr(of_jobs, "AGAIN_S", 0.05)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "The daemon does not run." in app.words("Notice"))
        assert "/run/daemon.sock" in app.words("Notice")
        await until(pilot, lambda: "S start the daemon" in app.words("StatusLine"))
        await pilot.press("S")
        await until(pilot, lambda: app.words("Notice").startswith("No jobs yet."))
        assert app.told == ["Starting the daemon …", "Started, pid 7."]
        await until(pilot, lambda: "S start" not in app.words("StatusLine"))

    play(story, of=empty)


def test_a_daemon_that_cannot_be_started_says_why(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = FakeService(NOW)
    empty.away = "no daemon answers."

    monkeypatch.setattr("halfmap.tui.screens.no_daemon._COMMAND", ("-c", "print('it is [b]broken\\x1b[2J'); exit(3)"))

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "does not run" in app.words("Notice"))
        await pilot.press("S")
        await until(pilot, lambda: app.told[-1:] == ["it is [b]broken�[2J"])

    play(story, of=empty)


def test_a_lost_daemon_is_told_the_last_picture_stays_and_it_is_taken_up_again(
    play: Play, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_jobs, "AGAIN_S", 0.05)
    monkeypatch.setattr(of_jobs, "LOOK_AGAIN_S", 0.05)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        service.away = "no daemon of yours answers."
        await until(pilot, lambda: "The daemon is away" in app.words("StatusLine"))
        assert len(app.names) == 7
        await pilot.press("j")
        assert app.table.cursor == 1
        service.away = ""
        await until(pilot, lambda: "away" not in app.words("StatusLine"))

    play(story)


def test_a_daemon_that_has_paused_says_why(play: Play, service: FakeService) -> None:
    service.mode, service.reason = "paused", "the disk is full"

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        assert "The daemon starts nothing new: the disk is full" in app.words("StatusLine")

    play(story)


def test_an_empty_list_tells_how_to_begin(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        assert app.words("Notice").startswith("No jobs yet.")
        await pilot.press("j", "G", "enter", "space", "X", "e")
        assert app.opened == []
        assert set(app.told) == {"there is no job here to do that with."}

    play(story, of=FakeService(NOW))


def test_news_of_the_daemon_is_shown_and_the_cursor_stays_on_its_job(play: Play, service: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 4)
        service.add_job("/data/hiv", name="Refine3D/job099/")
        await until(pilot, lambda: "Refine3D/job099/" in app.names)
        assert app.table.current is not None
        assert app.table.current.job == 4

    play(story)


def test_passing_figures_are_asked_for_while_a_job_runs_in_sight(
    play: Play, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_jobs, "LOOK_AGAIN_S", 0.05)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        service.progress(1, fraction=0.88)
        await until(pilot, lambda: any("3 exp 88%" in line for line in lines(app)))

    play(story)


def test_where_nothing_runs_nothing_is_asked(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_jobs, "LOOK_AGAIN_S", 0.01)
    still = FakeService(NOW)
    for _ in range(3):
        still.add_job("/data/hiv", state=JobState.FINISHED)
    asked = []
    jobs = still.jobs

    async def counted(query: object) -> object:
        asked.append(query)
        return await jobs(query)  # type: ignore[arg-type]

    monkeypatch.setattr(still, "jobs", counted)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(app.names) == 3)
        before = len(asked)
        await pilot.pause(0.2)
        assert len(asked) == before

    play(story, of=still)


@pytest.fixture(scope="module")
def many() -> FakeService:
    made = FakeService(NOW)
    for number in range(1, 5001):
        made.add_job("/data/hiv", name=f"Refine3D/job{number:04d}/", state=JobState.FINISHED)
    return made


def test_of_5000_jobs_a_page_is_held_and_the_next_is_turned_to_at_its_end(play: Play, many: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(app.table.items) == 500)
        assert "1 of 5,000 (page 1 of 10)" in app.words("#title")
        app.table._go(499)
        await until(pilot, lambda: "4,500 more jobs" in app.words("#about"))
        await pilot.press("pagedown")
        await until(pilot, lambda: app.table.items[0].job == 4500)
        assert app.table.cursor == 0
        await pilot.press("up")
        await until(pilot, lambda: app.table.items[0].job == 5000 and app.table.cursor == 499)
        await pilot.press("G")
        await until(pilot, lambda: app.table.current is not None and app.table.current.job == 1)
        await pilot.press("down")
        await pilot.press("g")
        await until(pilot, lambda: app.table.current is not None and app.table.current.job == 5000)

    play(story, of=many)


@pytest.mark.usefixtures("undisturbed")
def test_a_filter_over_5000_jobs_answers_within_a_tenth_of_a_second(play: Play, many: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(app.table.items) == 500)
        taken = []
        for match in ("job1", "job12", "job123", "!job1", "9$"):
            began = time.perf_counter()
            app.jobs.query_one(FilterLine).post_message(FilterLine.Changed(match))
            while app.jobs.pages.asked.match != match or app.jobs.pages._good != app.jobs.pages.asked:
                await pilot.pause(0.001)
            taken.append(time.perf_counter() - began)
        # the fastest, for this machine has other work too
        assert min(taken) < 0.1

    play(story, of=many)


def test_names_of_300_characters_and_control_characters_are_drawn_within_their_columns(
    play: Play, service: FakeService
) -> None:
    service.add_job("/data/hiv", alias="x" * 300, reason="evil \x1b]0;owned\x07 [red]markup[/] \u202egnirts" * 20)
    service.add_job("/data/\x1b[2Jhiv", alias="日本語の名前がとても長い")

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await go_to(app, pilot, 9)
        for line in lines(app):
            assert line.isprintable()
        assert all(len(line) <= 80 for line in lines(app))
        assert "[red]markup[/]" in app.words("#about")
        assert all(line.isprintable() for line in app.words("#about").splitlines())

    play(story)


def test_any_size_is_survived_and_nothing_is_laid_out_for_ever(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = []
    lay_out = Screen._refresh_layout

    def counted(self: Screen[None], *args: object, **more: object) -> object:
        laid_out.append(self)
        return lay_out(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Screen, "_refresh_layout", counted)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        for size in ((2, 3), (5, 5), (79, 23), (200, 50), (1, 1)):
            await pilot.resize_terminal(*size)
            await pilot.press("j", "G", "question_mark")
            await pilot.press("escape", "X", "escape")
        await pilot.pause(0.1)
        before = len(laid_out)
        await pilot.pause(0.2)
        assert len(laid_out) == before
        assert len(app.table.items) == 7

    play(story, size=(1, 1))


def test_only_one_projects_jobs_are_listed_where_that_was_asked_for(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        assert [row.job for row in app.table.items] == [5]
        assert "in /data/ribosome" in app.words("#title")

    play(story, first=lambda: JobsScreen("/data/ribosome", now=lambda: NOW))


class Form(Screen[None]):
    """Stands in for the form of a job, and remembers what it was begun with."""

    begun: ClassVar[list[tuple[object, ...]]] = []

    def __init__(self, project: str | None, options: object = None, origin: str = "", *more: object, **notes: object):
        super().__init__()
        self.begun.append((project, options, origin, *more, *notes.values()))


def test_forms_are_begun_empty_as_a_copy_and_as_the_next_step(
    play: Play, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfmap.tui.screens.edit.EditScreen", Form)
    service.add_job("/data/hiv", {"sym_name": "C6"}, name="Refine3D/job040/", followed=True, state=JobState.SCHEDULED)
    service.add_job("/data/hiv", {"sym_name": "C1"}, name="Refine3D/job041/", state=JobState.FINISHED)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        for job, key in ((5, "a"), (9, "e"), (10, "e"), (10, "greater_than_sign")):
            await go_to(app, pilot, job)
            await pilot.press(key)
            await until(pilot, lambda: isinstance(app.screen, Form))
            app.pop_screen()
            await until(pilot, lambda: app.screen is app.jobs)
        new, scheduled, copy, following = Form.begun
        assert new == ("/data/ribosome", None, "")
        assert scheduled == ("/data/hiv", {"sym_name": "C6"}, "edit of Refine3D/job040", "Refine3D/job040/")
        assert copy == ("/data/hiv", {"sym_name": "C1"}, "edit of Refine3D/job041", "")
        assert following[:3] == ("/data/hiv", {"sym_name": "C1"}, "next step after Refine3D/job041")
        assert "no final files" in f"{following[3]}"
        await go_to(app, pilot, 1)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "is running; a next step is made from" in app.told[-1])

    play(story)
