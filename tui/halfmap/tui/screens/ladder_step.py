"""Options of one step of a ladder with their reasons; those of a step to come can be set."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from halfmap.daemon.client import LadderName, LadderOption, LadderOrder, LadderStep
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.ladder_words import called, job_of
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.status_line import StatusLine
from halfmap.tui.widgets.tables.ladder_tables import OptionTable
from halfmap.tui.widgets.tables.row_table import RowTable
from halfmap.tui.widgets.words import Words

_HOW = "Enter sets the option in ladder.toml, Esc leaves it. An empty value takes it out again: it is derived."
_BY_HAND = "set in ladder.toml"


class SettingLine(Input):
    """Takes an option and its value, as ``key = value``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "set it"),
        Binding("escape", "screen.leave_line", "leave it", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="key = value, by the names of job.star", compact=True)
        self.cursor_blink = False


class LadderStepScreen(HalfmapScreen):
    """Shows a step's options; sets those of a step that is not queued yet.

    Parameters
    ----------
    which
        The ladder.
    step
        Its step, as it was when the screen was opened.
    """

    DEFAULT_CSS = """
    LadderStepScreen {
        overflow: hidden;
    }
    LadderStepScreen .heading {
        text-style: bold;
    }
    LadderStepScreen Horizontal {
        height: 1;
    }
    LadderStepScreen #prompt {
        width: auto;
    }
    LadderStepScreen Input, LadderStepScreen Input:focus {
        border: none;
        height: 1;
        width: 1fr;
        padding: 0;
    }
    LadderStepScreen #about {
        height: 3;
        text-wrap: wrap;
    }
    """
    AUTO_FOCUS = "OptionTable"
    HINTS = ("enter", "a", "d", "escape")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "another option", tooltip="Set another option of the job, by its name in job.star"),
        Binding("d", "derive", "derive", tooltip="Take the option out of ladder.toml, so that it is derived again"),
        Binding("escape,q", "back", "back"),
    ]

    def __init__(self, which: LadderName, step: LadderStep) -> None:
        super().__init__()
        self._which = which
        self._step = step

    def compose(self) -> ComposeResult:
        """What step it is, its options, the one at the cursor in full, a line to set it, keys."""
        yield Words(id="step-title", classes="heading")
        yield OptionTable()
        yield Words(id="about")
        with Horizontal():
            yield Words(id="prompt")
            yield SettingLine()
        yield StatusLine()

    def on_mount(self) -> None:
        """Show what is known."""
        self.query_one("#prompt", Words).say(Cell("Set:", "second"))
        self.query_one(SettingLine).disabled = True
        self._show(self._step)

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (whichever they are)
        """Ask for the step anew."""
        detail = await self.ask(lambda: self.service.ladder(self._which))
        for step in detail.steps if detail else ():
            if step.step == self._step.step:
                self._show(step)

    def _show(self, step: LadderStep) -> None:
        self._step = step
        state = f"  {job_of(step) or 'not queued yet'}, {step.state}"
        self.query_one("#step-title", Words).say(
            Cell(called(step).capitalize()), Cell(f"{state}  ladder {plain(self._which.name)}", "note")
        )
        self.query_one(OptionTable).show(step.options)

    @on(RowTable.Moved)
    def _moved(self) -> None:
        option = self.query_one(OptionTable).current
        if option is not None:
            value = "not known yet" if option.value is None else plain(option.value)
            self.query_one("#about", Words).say(Cell(f"{option.key} = {value}\n"), Cell(plain(option.why), "note"))

    # --- setting -----------------------------------------------------------------------------------------------------

    @on(RowTable.Opened)
    def _opened(self) -> None:
        option = self.query_one(OptionTable).current
        if option is not None:
            self._type(f"{option.key} = {option.value or ''}")

    def action_add(self) -> None:
        """Type another option."""
        self._type("")

    def _type(self, text: str) -> None:
        if self.look.read_only:
            self.tell("this session is read-only; nothing is changed.", "warning")
        elif self._step.state != "planned":
            self.tell(f"this step is {self._step.state}; only options of steps to come can be set.", "warning")
        else:
            line = self.query_one(SettingLine)
            line.disabled = False
            line.value = text
            line.cursor_position = len(text)
            line.focus()
            self.query_one("#about", Words).say(Cell(_HOW, "note"))

    def action_leave_line(self) -> None:
        """Set nothing."""
        self._close_line()
        self._moved()

    def _close_line(self) -> None:
        line = self.query_one(SettingLine)
        line.value = ""
        line.disabled = True
        self.query_one(OptionTable).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        key, mark, value = (part.strip() for part in event.value.partition("="))
        if not key or not mark:
            self.query_one("#about", Words).say(Cell("write it as key = value.", "alarm"))
            return
        self._close_line()
        self.run_worker(self._set(key, value or None), group="set")

    def action_derive(self) -> None:
        """Take the option at the cursor out of the file."""
        option = self.query_one(OptionTable).current
        if option is not None and self._may_be_derived(option):
            self.run_worker(self._set(option.key, None), group="set")

    def _may_be_derived(self, option: LadderOption) -> bool:
        own = f"{_BY_HAND}, [bin.{self._step.binning}.{self._step.does}]"
        if option.why != own:
            self.tell(f"{option.key} is not set for this step alone.", "warning")
        return option.why == own

    async def _set(self, key: str, value: str | None) -> None:
        order = LadderOrder(**dict(self._which), step=self._step.step, options={key: value})
        detail = await self.change(lambda once: self.service.set_ladder_options(order, once))
        if detail is not None:
            self.tell(f"{key} is derived again." if value is None else f"{key} is set in ladder.toml.")
            await self.changed(frozenset())

    def action_back(self) -> None:
        """Go back."""
        self.app.pop_screen()
