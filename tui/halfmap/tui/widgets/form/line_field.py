"""A text or a number of the form."""

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.reactive import var
from textual.strip import Strip
from textual.widgets import Input

from halfmap.tui.form.field_state import FieldState
from halfmap.tui.text.plain import cut, cut_front
from halfmap.tui.widgets.form.form_part import FieldChanged, FormPart

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class LineField(Input, FormPart):
    """A line to type in, one row high; what is wrong may be typed, and is explained.

    Parameters
    ----------
    key
        The option.
    is_number
        A number is overwritten by what is typed first; a text is gone on with.
    """

    KEY: ClassVar[tuple[str, str] | None] = None
    DEFAULT_CSS = """
    LineField, LineField:focus {
        height: 1;
        width: 1fr;
        border: none;
        padding: 0;
        background: $panel;
        color: $foreground;
    }
    LineField.-number {
        width: 12;
    }
    LineField > .input--placeholder {
        color: $text-muted;
    }
    LineField:disabled:can-focus {
        background: $background;
        color: $text-muted;
        opacity: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+u", "empty", "Empty the line", show=False)]
    cursor_blink = var(False)

    def __init__(self, key: str, is_number: bool = False) -> None:
        super().__init__(select_on_focus=is_number, classes="-number" if is_number else "")
        self.key = key
        self._hint = ""

    @property
    def _value(self) -> Text:
        """The text as it can be shown: cell for cell, so that the cursor stands where it should."""
        limit = 128 if self.look.ascii else 0x110000
        shown = "?" if self.look.ascii else _REPLACEMENT
        safe = "".join(one if one.isprintable() and ord(one) < limit else shown for one in self.value)
        return Text(safe, no_wrap=True, overflow="ignore", end="")

    def show(self, state: FieldState) -> None:
        """Show whether it can be changed, and what stands there while it is empty."""
        self.disabled = state.is_locked
        if state.hint != self._hint:
            self._hint = state.hint
            self.refresh()

    def put(self, text: str) -> None:
        """Show a value that was not typed here."""
        if self.value != text:
            with self.prevent(Input.Changed):
                self.value = text

    def render_line(self, y: int) -> Strip:
        """Draw the line: the end of a long one, and the hint while it is empty; what is typed in scrolls."""
        width = max(1, self.size.width)
        if y or (self.value and self.has_focus):
            return super().render_line(y)
        if self.value:
            return Strip([Segment(cut_front(self._value.plain, width).ljust(width), self.rich_style)], width)
        hint = self.safe(cut(self.safe(self._hint), width)).ljust(width)
        first = self.get_component_rich_style("input--cursor") if self.has_focus else None
        rest = self.get_component_rich_style("input--placeholder")
        return Strip([Segment(hint[:1], first or rest), Segment(hint[1:], rest)], width).apply_style(self.rich_style)

    def on_focus(self) -> None:
        """Begin at the end of a text, in sight."""
        if not self.select_on_focus:
            self.action_home()
            self.action_end()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what was typed."""
        event.stop()
        self.post_message(FieldChanged(self.key, event.value))

    def action_empty(self) -> None:
        """Empty the line."""
        self.value = ""
