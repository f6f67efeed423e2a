"""Ladders of binnings: their rungs and steps, each with its job and options; stopping, continuing, editing."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from halfmap.daemon.client import LadderDetail, LadderName, LadderRow
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.screens.no_daemon import StartingScreen
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.ladder_cells import about_step
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.status_line import StatusLine
from halfmap.tui.widgets.tables.ladder_tables import LadderTable, StepTable
from halfmap.tui.widgets.tables.row_table import RowTable
from halfmap.tui.widgets.words import Words

_MOST_LADDERS = 5
_ORDER = ("trouble", "running", "stopped", "finished")
_NONE = (
    "There is no ladder. `halfmap ladder --example` prints a file to begin with; `halfmap ladder FILE` in the project "
    "begins it."
)


class LaddersScreen(StartingScreen):
    """Lists ladders, and shows the steps of the one at the cursor."""

    DEFAULT_CSS = """
    LaddersScreen .heading {
        text-style: bold;
    }
    LaddersScreen LadderTable {
        height: auto;
        max-height: 6;
    }
    LaddersScreen #reason, LaddersScreen #about {
        height: 2;
        text-wrap: wrap;
    }
    """
    AUTO_FOCUS = "StepTable"
    HINTS = ("S", "enter", "o", "X", "r", "tab", "escape")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "options", "options", tooltip="Options of the step, with their reasons; those to come can be set"),
        Binding("X", "stop", "stop", tooltip="Stop the ladder: what runs is stopped, what waits is held; asks"),
        Binding("r", "go_on", "continue", tooltip="Continue the ladder after a stop or a failed step; asks"),
        Binding("escape,q", "back", "back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._detail: LadderDetail | None = None

    def compose(self) -> ComposeResult:
        """Ladders, why the one at the cursor rests or what it waits for, its steps, the one at the cursor, keys."""
        yield Words(id="ladders-title", classes="heading")
        yield LadderTable()
        yield Words(id="reason")
        yield StepTable()
        yield Words(id="about")
        yield StatusLine()

    # --- asking ------------------------------------------------------------------------------------------------------

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (whichever they are)
        """List the ladders, and show the one at the cursor."""
        rows = await self.ask(lambda: self.service.ladders(None))
        if rows is None:
            return
        self.query_one("#ladders-title", Words).say(Cell("Ladders of binnings"), Cell(f"  {len(rows)}", "note"))
        table = self.query_one(LadderTable)
        table.styles.height = min(_MOST_LADDERS, max(1, len(rows))) + 1
        table.show(sorted(rows, key=lambda row: _ORDER.index(row.state)))
        await self._show_steps()

    async def _show_steps(self) -> None:
        which = self._which()
        reason = self.query_one("#reason", Words)
        if which is None:
            reason.say(Cell(_NONE, "note"))
            self.query_one(StepTable).show(())
            return
        detail = await self.ask(lambda: self.service.ladder(which))
        if detail is None or which != self._which():
            return
        self._detail = detail
        role = "alarm" if detail.row.state == "trouble" else "note"
        warnings = "; ".join(detail.warnings)
        reason.say(Cell(plain(detail.row.reason), role), Cell(f"\n{plain(warnings)}" if warnings else "", "second"))
        self.query_one(StepTable).show(detail.steps)

    def away(self, reason: str) -> None:
        """Tell that the daemon is away; the last picture stays."""
        self.query_one(StatusLine).warn(f"The daemon is away. S starts it. ({reason})" if reason else "")
        self.refresh_bindings()

    def _which(self) -> LadderName | None:
        row = self.query_one(LadderTable).current
        return None if row is None else LadderName(project=row.project, name=row.name)

    # --- showing -----------------------------------------------------------------------------------------------------

    @on(RowTable.Moved)
    def _moved(self) -> None:
        row, detail = self.query_one(LadderTable).current, self._detail
        if row is not None and (detail is None or _names(detail.row) != _names(row)):
            self.run_worker(self._show_steps(), group="steps", exclusive=True)
        step = self.query_one(StepTable).current
        self.query_one("#about", Words).say(*(() if step is None else about_step(step)))

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        step = self.query_one(StepTable).current
        if isinstance(event.table, LadderTable):
            self.query_one(StepTable).focus()
        elif step is not None and step.job is not None:
            self.halfmap.open_job(step.job)
        else:
            self.action_options()

    # --- what keys do ------------------------------------------------------------------------------------------------

    def action_options(self) -> None:
        """Show the options of the step at the cursor."""
        from halfmap.tui.screens.ladder_step import LadderStepScreen

        which, step = self._which(), self.query_one(StepTable).current
        if which is None or step is None:
            self.tell("there is no step here.", "warning")
        else:
            self.app.push_screen(LadderStepScreen(which, step))

    def action_stop(self) -> None:
        """Stop the ladder at the cursor."""
        consequence = "What runs is stopped as by RELION_JOB_ABORT_NOW, what waits is held; it can be continued."
        self._ask_about("Stop", Choice("y", "yes, stop it", consequence))

    def action_go_on(self) -> None:
        """Continue the ladder at the cursor."""
        consequence = "Steps that failed or were stopped go on, or are made anew if their options have changed."
        self._ask_about("Continue", Choice("y", "yes, continue it", consequence))

    def _ask_about(self, verb: str, sure: Choice) -> None:
        which = self._which()
        if which is None:
            self.tell("there is no ladder here to do that with.", "warning")
        elif self.look.read_only:
            self.tell("this session is read-only; nothing is changed.", "warning")
        else:

            def answered(letter: str | None) -> None:
                if letter is not None:
                    self.run_worker(self._do(which, verb), group="ladder")

            self.app.push_screen(AskScreen(f"{verb} the ladder {which.name}?", [sure]), answered)

    async def _do(self, which: LadderName, verb: str) -> None:
        service = self.service
        work = service.stop_ladder if verb == "Stop" else service.continue_ladder
        detail = await self.change(lambda key: work(which, key))
        if detail is not None:
            self.tell(f"{which.name} is {detail.row.state}: {plain(detail.row.reason)}")
            await self.changed(frozenset())

    def action_back(self) -> None:
        """Go back."""
        self.app.pop_screen()


def _names(row: LadderRow) -> tuple[str, str]:
    return row.project, row.name
