"""A choice of the form: one of a few texts."""

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType

from halfmap.tui.form.field_state import FieldState
from halfmap.tui.widgets.form.form_part import FieldChanged, FormPart
from halfmap.tui.widgets.form.pick_list import list_of

_PAGE = 5


class ChoiceField(FormPart, can_focus=True):
    """Shows the choice; Enter or Space opens the list, letters go to what begins with them.

    Parameters
    ----------
    key
        The option.
    choices
        What can be chosen.
    """

    KEY = ("Enter", "list")
    DEFAULT_CSS = """
    ChoiceField {
        height: 1;
        width: 18;
    }
    ChoiceField:focus {
        text-style: reverse;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "open", "Open the list, or pick from it"),
        Binding("left", "step(-1)", "Choice before", show=False),
        Binding("right", "step(1)", "Choice after", show=False),
    ]

    def __init__(self, key: str, choices: tuple[str, ...]) -> None:
        super().__init__()
        self.key = key
        self._choices = choices
        self._text = ""
        self._typed = ""

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
        return Text(self.safe(f"{self._text} {'v' if self.look.ascii else '▾'}"), no_wrap=True)

    def on_click(self) -> None:
        """Open the list."""
        self.action_open()

    def on_blur(self) -> None:
        """Close the list."""
        list_of(self).close()

    def on_key(self, event: events.Key) -> None:
        """Move in the open list; letters go to what begins with them."""
        picking = list_of(self)
        moves = {"up": -1, "down": 1, "pageup": -_PAGE, "pagedown": _PAGE}
        if picking.is_open and event.key in moves:
            picking.move(moves[event.key])
        elif picking.is_open and event.key == "escape":
            picking.close()
        elif picking.is_open and event.key == "enter":
            self.action_open()
        elif event.is_printable and event.character and event.character != " ":
            self._type(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def action_open(self) -> None:
        """Open the list, or pick from it."""
        picking, self._typed = list_of(self), ""
        if picking.is_open:
            picking.close()
            self._set(picking.picked or self._text)
            return
        chosen = self._choices.index(self._text) if self._text in self._choices else None
        picking.open(self._choices, self.region, chosen)

    def action_step(self, by: int) -> None:
        """Take the next choice, without the list."""
        at = self._choices.index(self._text) + by if self._text in self._choices else 0
        self._set(self._choices[min(max(at, 0), len(self._choices) - 1)])

    def _type(self, character: str) -> None:
        """Go to the choice that begins with what was typed; a letter that fits nothing begins anew."""
        for typed in (self._typed + character, character):
            found = next((n for n, one in enumerate(self._choices) if one.lower().startswith(typed.lower())), None)
            if found is not None:
                self._typed = typed
                list_of(self).open(self._choices, self.region, found)
                return

    def _set(self, text: str) -> None:
        if text != self._text and not self.disabled:
            self._text = text
            self.refresh()
            self.post_message(FieldChanged(self.key, text))
