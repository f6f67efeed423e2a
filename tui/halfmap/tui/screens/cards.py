"""Cards and who is on them; the machine; where jobs run; projects that are watched."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from halfmap.daemon.client import CardRow, DaemonAway, HostRow, JobQuery, JobRow, JobState, ProjectRow, Refused
from halfmap.tui.link import AGAIN_S
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.screens.no_daemon import StartingScreen
from halfmap.tui.text.card_cells import CLEANABLE, about, card_lines, host_line, partition_lines, places_line
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.status_line import StatusLine
from halfmap.tui.widgets.tables.card_table import CardTable, ProjectTable
from halfmap.tui.widgets.tables.row_table import RowTable
from halfmap.tui.widgets.words import Words

LOOK_AGAIN_S = 2.0
_MOST_PARTITIONS = 6
_UNENDED = tuple(state for state in JobState if not state.has_ended)


@dataclass(frozen=True, slots=True)
class Machine:
    """What was told of the machine."""

    cards: tuple[CardRow, ...]
    host: HostRow
    jobs: tuple[JobRow, ...]
    projects: tuple[ProjectRow, ...]


class CardsScreen(StartingScreen):
    """Shows the machine; asks every two seconds while it is shown."""

    DEFAULT_CSS = """
    CardsScreen #about {
        height: 2;
        text-wrap: wrap;
    }
    CardsScreen CardTable {
        height: 1fr;
    }
    CardsScreen ProjectTable {
        height: auto;
        max-height: 8;
    }
    CardsScreen .heading {
        text-style: bold;
    }
    """
    AUTO_FOCUS = "CardTable"
    HINTS = ("S", "enter", "C", "w", "escape")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("C", "clean", "clean card", tooltip="Take a card out of quarantine, or give up a dirty lease; asks"),
        Binding("w", "projects", "projects", tooltip="Projects: watch another one, or one no more"),
        Binding("escape,q", "back", "back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = asyncio.Event()
        self._was_told = False

    def compose(self) -> ComposeResult:
        """Cards, the one at the cursor, the machine, projects, keys."""
        yield Words(id="cards-title", classes="heading")
        yield CardTable()
        yield Words(id="about")
        yield Words(id="host")
        yield Words(id="places")
        yield Words(id="partitions")
        yield ProjectTable()
        yield StatusLine()

    def on_mount(self) -> None:
        """Begin to ask."""
        self.run_worker(self._keep_asking(), group="machine")

    # --- asking ------------------------------------------------------------------------------------------------------

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (whichever they are)
        """Have all of it asked for anew."""
        self._wanted.set()

    def away(self, reason: str) -> None:
        """Tell that the daemon is away; the last picture stays."""
        last = "; this is what it told last" if self._was_told else ""
        self.query_one(StatusLine).warn(f"The daemon is away{last}. S starts it. ({reason})" if reason else "")
        self._wanted.set()
        self.refresh_bindings()

    async def _keep_asking(self) -> None:
        """Ask every two seconds, but not while another screen is shown."""
        while True:
            try:
                self._show(await self._ask())
            except DaemonAway as error:
                self.halfmap.link.is_away(f"{error}")
                await asyncio.sleep(AGAIN_S)
                continue
            except Refused as error:
                self.query_one(StatusLine).warn(f"{error}")
            else:
                self.halfmap.link.is_away("")
            await self._until_wanted()

    async def _until_wanted(self) -> None:
        self._wanted.clear()
        while not self._wanted.is_set():
            try:
                await asyncio.wait_for(self._wanted.wait(), LOOK_AGAIN_S)
            except TimeoutError:
                if self.is_seen:
                    return

    async def _ask(self) -> Machine:
        service, unended = self.service, JobQuery(states=_UNENDED, refinements_only=False, limit=500)
        cards, host = await service.cards(), await service.host()
        jobs, projects = (await service.jobs(unended)).jobs, await service.projects()
        return Machine(tuple(cards), host, jobs, tuple(projects))

    # --- showing -----------------------------------------------------------------------------------------------------

    def _show(self, machine: Machine) -> None:
        self._was_told = True
        free = sum(card.state == "free" for card in machine.cards)
        problem = plain(machine.host.cards_problem)
        told = f"{len(machine.cards)} cards, {free} free" if machine.cards else "no cards"
        self.query_one("#cards-title", Words).say(
            Cell("Cards"),
            Cell(f"  on {plain(machine.host.host)}: {told}", "note"),
            Cell(f"  {problem}" if problem else "", "alarm"),
        )
        self.query_one(CardTable).show(card_lines(machine.cards))
        self.query_one("#host", Words).say(Cell("Machine  "), Cell(host_line(machine.host), "note"))
        self.query_one("#places", Words).say(Cell("Jobs     "), Cell(places_line(machine.jobs), "note"))
        lines = partition_lines(machine.host)[:_MOST_PARTITIONS]
        partitions = self.query_one("#partitions", Words)
        partitions.display = bool(lines)
        partitions.styles.height = max(1, len(lines))
        partitions.say(Cell("\n".join(lines), "note"))
        # projects in trouble first: few fit
        projects = sorted(machine.projects, key=lambda project: (not project.trouble, project.project))
        table = self.query_one(ProjectTable)
        table.styles.height = min(8, len(projects) + 1)
        table.show(projects)

    @on(RowTable.Moved)
    def _tell(self) -> None:
        line = self.query_one(CardTable).current
        self.query_one("#about", Words).say(*(() if line is None else about(line)))

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        if isinstance(event.table, ProjectTable):
            self.action_projects()
            return
        line = self.query_one(CardTable).current
        job = None if line is None else line.card.leased_to if line.process is None else line.process.ours
        if job is None:
            self.tell("no job of this daemon has it.")
        else:
            self.halfmap.open_job(job)

    # --- what keys do ------------------------------------------------------------------------------------------------

    def action_clean(self) -> None:
        """Take the card at the cursor out of quarantine, or give up its dirty lease."""
        line = self.query_one(CardTable).current
        if self.look.read_only:
            self.tell("this session is read-only; nothing is changed.", "warning")
        elif line is None:
            self.tell("there is no card.", "warning")
        elif line.card.state not in CLEANABLE:
            self.tell(f"card {line.card.index} is {line.card.state}; only a dirty or quarantined card can be cleaned.")
        else:
            self._ask_to_clean(line.card)

    def _ask_to_clean(self, card: CardRow) -> None:
        def answered(letter: str | None) -> None:
            if letter is not None:
                self.run_worker(self._clean(card), group="clean")

        sure = Choice("y", "yes, it was looked at", "Jobs may be started on it again, whatever was wrong.")
        question = f"Card {card.index} is {card.state}: {card.reason}\nTake it into use again?"
        self.app.push_screen(AskScreen(question, [sure]), answered)

    async def _clean(self, card: CardRow) -> None:
        row = await self.change(lambda key: self.service.clean_card(card.uuid, key))
        if row is not None:
            self.tell(f"card {row.index} is {row.state}.")
            self._wanted.set()

    def action_projects(self) -> None:
        """Show the projects."""
        from halfmap.tui.screens.projects import ProjectsScreen

        self.app.push_screen(ProjectsScreen())

    def action_back(self) -> None:
        """Go back."""
        self.app.pop_screen()
