"""The command palette: type a few letters of what is to be done, or of a job's name, and Enter."""

import asyncio
import re
from collections.abc import Hashable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Input

from halfmap.daemon.client import DaemonAway, JobQuery, Refused, Service
from halfmap.tui.palette_commands import Command, commands_of, going_to, matching
from halfmap.tui.text.cells import Cell, Column, Wish, granted
from halfmap.tui.widgets.tables.filter_line import DEBOUNCE_S
from halfmap.tui.widgets.tables.row_table import RowTable

_MOST_JOBS = 20
_LONGEST_MATCH = 190


class CommandTable(RowTable[Command]):
    """A row for each command."""

    can_focus = False
    KEEPS_CURSOR = True
    WISHES = (Wish("command", 0, 20, 200), Wish("key", 1, 14, 24))

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return tuple(column for _, column in granted(self.WISHES, width))

    def cells_of(self, item: Command, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a command into these columns."""
        return (Cell(item.words), Cell(item.key, "note"))[: len(columns)]

    def key_of(self, item: Command) -> Hashable:
        """Tell commands apart by what they do."""
        return item.words, item.job


class PaletteScreen(ModalScreen[Command | None]):
    """Offers commands; gives the one that was chosen.

    Parameters
    ----------
    beneath
        The screen whose commands are offered.
    service
        The daemon, for the names of jobs.
    """

    DEFAULT_CSS = """
    PaletteScreen {
        align: center top;
        background: transparent;
    }
    PaletteScreen > Vertical {
        width: 90%;
        max-width: 100;
        height: 80%;
        margin-top: 1;
        border: round $primary;
        background: $surface;
    }
    PaletteScreen:ansi > Vertical {
        border: round ansi_bright_cyan;
    }
    PaletteScreen.-ascii > Vertical {
        border: ascii ansi_bright_cyan;
    }
    PaletteScreen Input, PaletteScreen Input:focus {
        border: none;
        height: 1;
        padding: 0 2;
        background: transparent;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "turn(1)", "A page down", show=False, priority=True),
        Binding("pageup", "turn(-1)", "A page up", show=False, priority=True),
    ]

    def __init__(self, beneath: Screen[Any], service: Service) -> None:
        super().__init__()
        self._commands = commands_of(beneath)
        self._service = service

    def compose(self) -> ComposeResult:
        """A line to type in, and what fits."""
        with Vertical() as box:
            box.border_title = "Commands"
            line = Input(placeholder="what to do, or the name of a job", compact=True)
            line.cursor_blink = False
            yield line
            yield CommandTable()

    def on_mount(self) -> None:
        """Offer everything."""
        self.set_class(getattr(getattr(self.app, "look", None), "ascii", False), "-ascii")
        self._offer(self._commands)

    def _offer(self, commands: tuple[Command, ...]) -> None:
        self.query_one(CommandTable).show(commands, 0)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._offer(matching(self._commands, event.value))
        self.run_worker(self._add_jobs(event.value), group="jobs", exclusive=True)

    async def _add_jobs(self, typed: str) -> None:
        """Offer the jobs of such a name, too."""
        await asyncio.sleep(DEBOUNCE_S)
        if not typed.strip():
            return
        asked = JobQuery(match=re.escape(typed.strip())[:_LONGEST_MATCH], refinements_only=False, limit=_MOST_JOBS)
        try:
            page = await self._service.jobs(asked)
        except (DaemonAway, Refused):
            return
        # none is left if the palette was left meanwhile
        for table in self.query(CommandTable):
            table.show((*(one for one in table.items if one.job is None), *going_to(page.jobs)))

    @on(Input.Submitted)
    @on(RowTable.Opened)
    def _chosen(self) -> None:
        self.dismiss(self.query_one(CommandTable).current)

    def action_move(self, by: int) -> None:
        """Move in the list while typing goes on."""
        self.query_one(CommandTable).action_move(by)

    def action_turn(self, way: int) -> None:
        """Turn a page of the list."""
        self.query_one(CommandTable).action_turn(way)
