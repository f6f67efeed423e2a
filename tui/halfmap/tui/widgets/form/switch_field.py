"""A switch of the form: Yes or No."""

from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType

from halfmap.tui.form.field_state import FieldState, turned
from halfmap.tui.form.form import NO, YES
from halfmap.tui.widgets.form.form_part import FieldChanged, FormPart


class SwitchField(FormPart, can_focus=True):
    """Shows ``[x] Yes`` or ``[ ] No``; Space turns it round, y and n set it.

    Parameters
    ----------
    key
        The option.
    """

    KEY = ("Space", "switch")
    DEFAULT_CSS = """
    SwitchField {
        height: 1;
        width: 12;
    }
    SwitchField:focus {
        text-style: reverse;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", "Yes or No"),
        Binding("y", "set('Yes')", "Yes", show=False),
        Binding("n", "set('No')", "No", show=False),
    ]

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self._text = NO

    def show(self, state: FieldState) -> None:
        """Show whether it can be changed."""
        self.disabled = state.is_locked

    def put(self, text: str) -> None:
        """Show a value that was not set here."""
        if self._text != text:
            self._text = text
            self.refresh()

    def render(self) -> RenderResult:
        """Draw it."""
        mark = {YES: "[x] ", NO: "[ ] "}.get(self._text, "")
        return Text(self.safe(f"{mark}{self._text}"), no_wrap=True)

    def on_click(self) -> None:
        """Turn it round, as Space does."""
        self.action_turn()

    def action_turn(self) -> None:
        """Turn it round."""
        self.action_set(turned(self._text))

    def action_set(self, text: str) -> None:
        """Set it."""
        if text != self._text and not self.disabled:
            self._text = text
            self.refresh()
            self.post_message(FieldChanged(self.key, text))
