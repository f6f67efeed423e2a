"""Pilot tests of cards, projects, help, palette, and of what leads to them."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from halfmap.daemon.client import CardProcessRow, CardRow, JobState, ProjectRow
from halfmap.daemon.fake import FakeService
from halfmap.tui.files.folders import absolute, completed
from halfmap.tui.palette_commands import Command, commands_of, matching, run_command
from halfmap.tui.screens import cards as of_cards
from halfmap.tui.screens.ask import AskScreen
from halfmap.tui.screens.cards import CardsScreen
from halfmap.tui.screens.help import HelpScreen, key_groups
from halfmap.tui.screens.jobs import JobsScreen
from halfmap.tui.screens.palette import CommandTable, PaletteScreen
from halfmap.tui.screens.projects import ProjectsScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.key_help import key_group, written
from halfmap.tui.widgets.tables.card_table import CardTable, ProjectTable

from .conftest import ListApp, Play, until


@pytest.fixture
def machine(service: FakeService) -> FakeService:
    """Two cards: one of a job, one in quarantine with somebody else's process."""
    service.add_card(
        CardRow(uuid="GPU-a", index=0, name="NVIDIA A100", memory_total_mb=40960, memory_used_mb=20480, power_w=250)
    )
    service.add_card(
        CardRow(
            uuid="GPU-b",
            index=1,
            name="NVIDIA A100",
            memory_total_mb=40960,
            memory_used_mb=400,
            state="quarantined",
            reason="XID 79 [red]fell[/] off",
            processes=(CardProcessRow(process_id=4711, user="anna", command="cryosparc", memory_mb=300),),
        )
    )
    service.start(2, ("GPU-a",))
    return service


def drawn(table: Any) -> str:
    return "\n".join(
        "".join(segment.text for segment in table.render_line(y)).rstrip() for y in range(table.size.height)
    )


# --- cards -----------------------------------------------------------------------------------------------------------


async def to_cards(app: ListApp, pilot: Pilot[None]) -> CardTable:
    await pilot.press("c")
    await until(pilot, lambda: isinstance(app.screen, CardsScreen) and bool(app.screen.query_one(CardTable).items))
    return app.screen.query_one(CardTable)


def test_cards_the_machine_and_projects_are_shown(play: Play, machine: FakeService) -> None:
    machine.add_project("/mnt/gone", trouble="its file system hangs", file_system="nfs4")

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_cards(app, pilot)
        shown = drawn(table)
        assert "0 A100" in shown
        assert "████···· 20.0/40.0 GB" in shown
        assert "quarantined" in shown
        assert "cryosparc" in shown
        assert app.words("#places").split()[:2] == ["Jobs", "here:"]
        assert "0/16" in app.words("#host")
        projects = drawn(app.screen.query_one(ProjectTable)).splitlines()
        assert "/mnt/gone" in projects[1]
        assert "its file sys" in projects[1]
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs)

    play(story, size=(120, 40))


def test_enter_on_a_card_opens_the_job_that_has_it(play: Play, machine: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_cards(app, pilot)
        await pilot.press("enter", "j", "enter")
        assert app.opened == [2]
        assert app.told == ["no job of this daemon has it."]

    play(story)


def test_a_card_is_taken_into_use_again_after_a_question(play: Play, machine: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_cards(app, pilot)
        await pilot.press("C")
        assert app.told == ["card 0 is leased; only a dirty or quarantined card can be cleaned."]
        await pilot.press("j", "C")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert isinstance(app.screen, AskScreen)
        assert "XID 79 [red]fell[/] off" in app.screen.question
        await pilot.press("escape", "C")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        assert machine._cards["GPU-b"].state == "quarantined"
        await pilot.press("y")
        await until(pilot, lambda: table.items[1].card.state == "free")

    play(story)


def test_cards_are_asked_for_again_only_while_they_are_shown(
    play: Play, machine: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_cards, "LOOK_AGAIN_S", 0.02)
    asked = []
    cards = machine.cards

    async def counted() -> list[CardRow]:
        asked.append(1)
        return await cards()

    monkeypatch.setattr(machine, "cards", counted)

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_cards(app, pilot)
        await until(pilot, lambda: len(asked) > 4)
        await pilot.press("w")
        await pilot.pause(0.1)
        before = len(asked)
        await pilot.pause(0.2)
        assert len(asked) == before

    play(story)


def test_a_read_only_session_cleans_no_card(play: Play, machine: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_cards(app, pilot)
        await pilot.press("j", "C")
        assert app.told == ["this session is read-only; nothing is changed."]

    play(story, look=Look(read_only=True))


# --- projects --------------------------------------------------------------------------------------------------------


async def to_projects(app: ListApp, pilot: Pilot[None]) -> ProjectTable:
    await pilot.press("w")
    await until(
        pilot, lambda: isinstance(app.screen, ProjectsScreen) and len(app.screen.query_one(ProjectTable).items) > 1
    )
    return app.screen.query_one(ProjectTable)


def test_a_project_is_watched_by_its_path_and_no_more_after_a_question(play: Play, service: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_projects(app, pilot)
        await pilot.press(*"/data/new", "enter")
        await until(pilot, lambda: "/data/new" in [row.project for row in table.items])
        assert app.words("#trouble") == "/data/new is watched."
        await pilot.press("tab", "j", "j", "d")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: "/data/new" not in [row.project for row in table.items])

    play(story)


def test_an_answer_that_comes_when_the_program_ends_is_let_go(
    play: Play, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = service.projects
    answered = []

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_projects(app, pilot)
        screen = app.screen

        async def late() -> list[ProjectRow]:
            while screen.query("#projects-title"):
                await asyncio.sleep(0)
            answered.append(app.is_running)
            return await projects()

        monkeypatch.setattr(service, "projects", late)
        assert isinstance(screen, ProjectsScreen)
        screen.run_worker(screen.changed(frozenset()))

    play(story)
    assert answered == [False]


def test_what_keeps_a_project_from_being_left_is_told(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_projects(app, pilot)
        await pilot.press("tab", "j", "d")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("y")
        await until(pilot, lambda: "stop the jobs of /data/hiv first" in app.words("#trouble"))

    play(story)


def test_enter_in_the_list_shows_the_jobs_of_that_project_and_of_all(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_projects(app, pilot)
        await pilot.press("tab", "G", "enter")
        await until(pilot, lambda: app.screen is app.jobs and [row.job for row in app.table.items] == [5])
        await to_projects(app, pilot)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: app.screen is app.jobs and len(app.table.items) == 7)

    play(story)


def test_a_path_is_completed(play: Play, tmp_path: Path) -> None:
    (tmp_path / "project-one").mkdir()

    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await to_projects(app, pilot)
        line = app.screen.query_one(Input)
        line.value = f"{tmp_path}/pro"
        await pilot.press("ctrl+@")
        await until(pilot, lambda: line.value == f"{tmp_path}/project-one/")

    play(story)


def test_folders_complete_as_far_as_they_leave_no_choice(tmp_path: Path) -> None:
    for name in ("data-a", "data-b", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "dataset.txt").touch()
    assert completed(f"{tmp_path}/d") == (f"{tmp_path}/data-", ("data-a", "data-b"))
    assert completed(f"{tmp_path}/data-a") == (f"{tmp_path}/data-a/", ("data-a",))
    assert completed(f"{tmp_path}/.h") == (f"{tmp_path}/.hidden/", (".hidden",))
    assert completed(f"{tmp_path}/x") == (f"{tmp_path}/x", ())
    assert completed("/no/such/folder/x") == ("/no/such/folder/x", ())


def test_a_typed_path_is_written_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")
    assert absolute(" ~/hiv ") == "/home/anna/hiv"
    assert absolute("hiv/../ribosome/") == f"{tmp_path}/ribosome"
    assert absolute("/data/hiv/") == "/data/hiv"


# --- help ------------------------------------------------------------------------------------------------------------


def all_keys(kind: type) -> set[str]:
    found = (
        Binding.make_bindings(base.__dict__.get("BINDINGS", ()))
        for base in kind.__mro__
        if "halfmap" in base.__module__
    )
    return {binding.key for bindings in found for binding in bindings}


def test_the_help_tells_every_key_of_the_screen_and_its_parts(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        told = written(key_groups(app.jobs), "dark").plain
        for words in ("Hold: keep it", "Mark all that is shown", "A page down", "Filter: a regular", "Help: all keys"):
            assert words in told
        assert all(len(line) < 100 for line in told.splitlines())
        rows = sum(len(group.rows) for group in key_groups(app.jobs))
        assert rows > 30
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        box = app.screen.query_one("VerticalScroll")
        await pilot.press("G")
        assert box.scroll_offset.y > 0
        await pilot.press("g")
        assert box.scroll_offset.y == 0
        await pilot.press("j", "pagedown", "k", "pageup", "space", "question_mark")
        await until(pilot, lambda: app.screen is app.jobs)
        assert app.table.cursor == 0

    play(story)


def test_parts_in_focus_come_before_others_in_the_help(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        assert [group.title for group in key_groups(app.jobs)][:3] == ["This screen", "List", "Marks"]
        await pilot.press("slash")
        titles = [group.title for group in key_groups(app.jobs)]
        assert titles.index("Filter, while it is typed") < titles.index("List")

    play(story)


# --- palette ---------------------------------------------------------------------------------------------------------


async def to_palette(app: ListApp, pilot: Pilot[None]) -> CommandTable:
    chosen = PaletteScreen(app.screen, app.service)
    app.push_screen(chosen, lambda command: run_command(app, command))  # type: ignore[arg-type, return-value]
    await until(pilot, lambda: app.screen is chosen and bool(chosen.query(CommandTable)))
    return chosen.query_one(CommandTable)


def test_the_palette_offers_every_key_of_the_screen_by_its_words_and_does_it(play: Play, service: FakeService) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        await pilot.press("G", "k")
        assert app.table.current is not None
        assert app.table.current.job == 2
        table = await to_palette(app, pilot)
        assert len(table.items) > 20
        await pilot.press(*"hold")
        await until(pilot, lambda: table.items[0].words.startswith("Hold"))
        await pilot.press("enter")
        await until(pilot, lambda: service._row(2).state is JobState.HELD)

    play(story)


def test_the_palette_goes_to_jobs_by_name(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_palette(app, pilot)
        await pilot.press(*"class3d")
        await until(pilot, lambda: bool(table.items) and table.items[-1].job == 6)
        await pilot.press("down", "up", "pagedown", "enter")
        assert app.opened == [6]

    play(story)


def test_the_palette_changes_the_theme(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        table = await to_palette(app, pilot)
        await pilot.press(*"theme light")
        await until(pilot, lambda: table.items[0].theme == "light")
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "halfmap-light" and app.look.theme == "light")

    play(story)


def test_the_palette_is_left_with_nothing_done_and_narrows_with_what_is_typed(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        commands = commands_of(app.jobs)
        assert matching(commands, " ") == commands
        assert matching(commands, "qqqq") == ()
        assert matching([Command("Hold"), Command("Go to Hold")], "hold")[0] == Command("Hold")
        await to_palette(app, pilot)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.jobs)

    play(story)


# --- questions -------------------------------------------------------------------------------------------------------


class Plain(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("z", "nothing", "Do [b]nothing[/b]")]

    def compose(self) -> Any:
        yield Static("x")


def test_what_is_written_in_brackets_is_no_markup_in_help_and_palette(play: Play) -> None:
    async def story(app: ListApp, pilot: Pilot[None]) -> None:
        app.push_screen(Plain())
        await pilot.pause(0.05)
        assert "Do [b]nothing[/b]" in written([key_group("Keys", Plain.BINDINGS)], "dark").plain  # type: ignore[arg-type]
        table = await to_palette(app, pilot)
        assert "Do [b]nothing[/b]" in drawn(table)

    play(story)


def test_the_keys_of_jobs_are_those_of_the_guide(play: Play) -> None:
    guide = Path(__file__).resolve().parents[4] / "docs" / "tui.md"
    table = guide.read_text(encoding="utf-8").split("| Jobs | |")[1].split("| Job | |")[0]
    for key in ("slash", "p", "t", "s", "space", "asterisk", "u", "a", "e", "h", "l", "plus", "minus", "X", "C"):
        written_key = {"slash": "/", "space": "Space", "asterisk": "*", "plus": "+", "minus": "-"}.get(key, key)
        assert f"`{written_key}`" in table, key
    assert {"slash", "p", "t", "s", "a", "q", "e", "h", "l", "X", "C", "c", "w", "plus", "minus"} <= {
        *all_keys(JobsScreen)
    }
