"""The fields of one tab."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from halfmap.daemon.client import OptionRow
from halfmap.tui.form.field_state import FieldState
from halfmap.tui.widgets.form.option_field import OptionField
from halfmap.tui.widgets.form.path_field import Complete

StateOf = Callable[[OptionRow], FieldState]
"""Tells how a field stands."""


class FormPage(VerticalScroll, can_focus=False, inherit_bindings=False):
    """The fields of one tab, one under the other; up and down go from one to the next.

    Parameters
    ----------
    rows
        The declarations.
    sentence
        What stands above them; empty for nothing.
    state_of
        How each stands at first.
    complete
        Completes paths.
    """

    DEFAULT_CSS = """
    FormPage {
        height: 1fr;
        width: 1fr;
        scrollbar-size-vertical: 1;
    }
    FormPage > Static {
        padding: 1 2;
        width: 100%;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "go(-1)", "Field before", show=False),
        Binding("down", "go(1)", "Next field", show=False),
    ]

    def __init__(self, rows: tuple[OptionRow, ...], sentence: str, state_of: StateOf, complete: Complete) -> None:
        super().__init__()
        self.fields = tuple(OptionField(row, complete) for row in rows)
        self._sentence = sentence
        self._state_of = state_of

    def compose(self) -> ComposeResult:
        """The sentence and the fields."""
        if self._sentence:
            yield Static(self._sentence, markup=False)
        yield from self.fields

    def on_mount(self) -> None:
        """Show how the fields stand."""
        self.show(self._state_of)

    def show(self, state_of: StateOf) -> None:
        """Show how the fields stand now."""
        for one in self.fields:
            one.show(state_of(one.row))

    def field(self, key: str) -> OptionField | None:
        """Give the field of an option; None if it is none of this tab."""
        return next((one for one in self.fields if one.row.key == key), None)

    def here(self) -> OptionField | None:
        """Give the field that has the focus."""
        return next((one for one in self.fields if one.editor.has_focus), None)

    def enter(self, key: str = "") -> Widget | None:
        """Go to a field, or to the first that can be changed."""
        wanted = self.field(key)
        able = [one for one in self.fields if one.display and not one.editor.disabled]
        chosen = wanted if wanted in able else next(iter(able), None)
        self.screen.set_focus(chosen.editor if chosen else None)
        return chosen.editor if chosen else None

    def action_go(self, by: int) -> None:
        """Go to the next field or the one before."""
        if by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()
