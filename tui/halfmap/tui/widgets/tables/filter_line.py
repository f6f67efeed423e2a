"""The head of a list: what is shown, and a line to type a filter in."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from halfmap.tui.text.cells import Cell
from halfmap.tui.widgets.words import Words

DEBOUNCE_S = 0.03
"""Keys that follow each other more quickly are asked about together: those that are pasted (s)."""
_LONGEST = 200


class PatternLine(Input):
    """Takes a regular expression."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "keep the filter")]

    def __init__(self) -> None:
        super().__init__(max_length=_LONGEST, placeholder="regular expression; ! first inverts it", compact=True)
        self.cursor_blink = False


class FilterLine(Vertical):
    """Tells what a list shows; while it is open, takes a regular expression and tells of each change of it."""

    TITLE = "Filter, while it is typed"
    DEFAULT_CSS = """
    FilterLine {
        height: auto;
    }
    FilterLine > Horizontal {
        height: 1;
    }
    FilterLine #title {
        width: 1fr;
        text-style: bold;
    }
    FilterLine #prompt {
        width: auto;
        padding: 0 0 0 1;
    }
    FilterLine Input, FilterLine Input:focus {
        border: none;
        height: 1;
        width: 1fr;
        padding: 0;
        background: transparent;
    }
    FilterLine #trouble {
        height: auto;
        max-height: 2;
        text-wrap: wrap;
        display: none;
    }
    FilterLine.-typing #title, FilterLine #prompt, FilterLine Input {
        display: none;
    }
    FilterLine.-typing #prompt, FilterLine.-typing Input {
        display: block;
    }
    FilterLine.-wrong #trouble {
        display: block;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear the filter"),
        Binding("down,up", "close", "to the list", show=False),
    ]

    class Changed(Message):
        """Another filter is wanted."""

        def __init__(self, match: str) -> None:
            super().__init__()
            self.match = match

    class Closed(Message):
        """The filter is typed."""

    def __init__(self) -> None:
        super().__init__()
        self._told = ""
        self._waiting: Timer | None = None

    def compose(self) -> ComposeResult:
        """A title, or a line to type in; beneath it, what is wrong with it."""
        with Horizontal():
            yield Words(id="title")
            yield Words(id="prompt")
            yield PatternLine()
        yield Words(id="trouble")

    def on_mount(self) -> None:
        """Write what stands before the line."""
        self.query_one("#prompt", Words).say(Cell("/", "second"))

    def show_title(self, *parts: Cell) -> None:
        """Tell what the list shows."""
        self.query_one("#title", Words).say(*parts)

    def show_trouble(self, sentence: str) -> None:
        """Tell what is wrong with the filter; empty if nothing is."""
        self.query_one("#trouble", Words).say(Cell(sentence, "alarm"))
        self.set_class(bool(sentence), "-wrong")

    def open(self, match: str) -> None:
        """Let a filter be typed, beginning with this one."""
        line = self.query_one(Input)
        self._told = match
        with line.prevent(Input.Changed):
            line.value = match
        line.cursor_position = len(match)
        self.add_class("-typing")
        line.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self.set_timer(DEBOUNCE_S, self._tell)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_close()

    def _tell(self) -> None:
        if self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
        match = self.query_one(Input).value
        if match != self._told:
            self._told = match
            self.post_message(self.Changed(match))

    def action_close(self) -> None:
        """End typing; what was typed stays."""
        self._tell()
        self.remove_class("-typing")
        self.post_message(self.Closed())

    def action_clear(self) -> None:
        """Take the filter away."""
        self.query_one(Input).value = ""
        self.action_close()
