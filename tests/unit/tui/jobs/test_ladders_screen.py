"""Pilot tests of the ladders and of a step's options."""

from textual.pilot import Pilot
from textual.widgets import Input

from halfmap.daemon.client import JobState
from halfmap.tui.screens.ask import AskScreen
from halfmap.tui.screens.ladder_step import LadderStepScreen
from halfmap.tui.screens.ladders import LaddersScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.tables.ladder_tables import LadderTable, OptionTable, StepTable
from tests.unit.daemon.climber import Climber

from .conftest import ListApp, Play, until


async def to_ladders(app: ListApp, pilot: Pilot[None]) -> StepTable:
    await pilot.press("L")
    await until(pilot, lambda: isinstance(app.screen, LaddersScreen) and bool(app.screen.query_one(StepTable).items))
    return app.screen.query_one(StepTable)


async def to_step(app: ListApp, pilot: Pilot[None], which: str) -> OptionTable:
    table = await to_ladders(app, pilot)
    place = next(place for place, step in enumerate(table.items) if step.step == which)
    await pilot.press(*["j"] * place, "o")
    await until(pilot, lambda: isinstance(app.screen, LadderStepScreen))
    await until(pilot, lambda: bool(app.screen.query_one(OptionTable).items))
    return app.screen.query_one(OptionTable)


def test_steps_are_followed_as_their_jobs_change_and_enter_opens_a_job(play: Play) -> None:
    climber = Climber()

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_ladders(app, pilot)
        assert [step.state for step in table.items[:3]] == ["queued", "queued", "planned"]
        number = table.items[0].job
        assert number is not None
        climber.service.start(number)
        await until(pilot, lambda: table.items[0].state == "running")
        await pilot.press("enter")
        assert app.opened == [number]

    play(story, of=climber.service)


def test_a_ladder_is_stopped_and_continued_after_a_question(play: Play) -> None:
    climber = Climber()

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_ladders(app, pilot)
        await pilot.press("X")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter")  # the answer that changes nothing
        assert {row.state for row in climber.service._rows()} == {JobState.QUEUED}
        await pilot.press("X", "y")
        await until(pilot, lambda: app.screen.query_one(LadderTable).items[0].state == "stopped")
        assert {row.state for row in climber.service._rows()} == {JobState.HELD}
        await pilot.press("r", "y")
        await until(pilot, lambda: app.screen.query_one(LadderTable).items[0].state == "running")

    play(story, of=climber.service)


def test_an_option_of_a_step_to_come_is_set_and_taken_out_again(play: Play) -> None:
    climber = Climber()

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_step(app, pilot, "bin1.refine")

        def value(key: str) -> str | None:
            return next((option.value for option in table.items if option.key == key), "not there")

        await pilot.press("a", *"nr_pool = 16", "enter")
        await until(pilot, lambda: value("nr_pool") == "16")
        await pilot.press("G")
        await until(pilot, lambda: "ladder.toml" in app.words("#about"))
        await pilot.press("d")
        await until(pilot, lambda: value("nr_pool") == "not there")
        await pilot.press("a", *"ini_hihg = 3", "enter")
        await until(pilot, lambda: any("did you mean ini_high" in told for told in app.told))
        await pilot.press("a", "escape")
        assert app.screen.query_one(Input).disabled

    play(story, of=climber.service)


def test_options_of_a_queued_step_and_of_a_read_only_session_are_only_shown(play: Play) -> None:
    climber = Climber()

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_step(app, pilot, "bin4.refine")
        await pilot.press("enter")
        assert "only options of steps to come can be set" in app.told[-1]

    async def only_looks(app: ListApp, pilot: Pilot[None]) -> None:
        await to_step(app, pilot, "bin1.refine")
        await pilot.press("a")
        assert "read-only" in app.told[-1]
        await pilot.press("escape", "X")
        assert isinstance(app.screen, LaddersScreen)

    play(story, of=climber.service)
    play(only_looks, of=climber.service, look=Look(read_only=True))
