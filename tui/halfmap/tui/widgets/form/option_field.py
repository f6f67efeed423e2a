"""A row of the form: what the option is called, its value, and what is to be said beside it."""

from rich.text import Text
from textual.app import ComposeResult, RenderResult
from textual.containers import Horizontal
from textual.reactive import reactive

from halfmap.daemon.client import OptionRow
from halfmap.tui.form.field_state import FieldState
from halfmap.tui.text.option_help import beside, title
from halfmap.tui.text.plain import cut
from halfmap.tui.widgets.form.choice_field import ChoiceField
from halfmap.tui.widgets.form.form_part import FormPart
from halfmap.tui.widgets.form.line_field import LineField
from halfmap.tui.widgets.form.path_field import Complete, PathField
from halfmap.tui.widgets.form.switch_field import SwitchField

Editor = SwitchField | ChoiceField | LineField


class FieldLabel(FormPart):
    """The option's name, after a mark: ``!`` for a problem, ``*`` for a change, ``>`` for where one is."""

    DEFAULT_CSS = """
    FieldLabel {
        width: 40;
        height: 1;
    }
    """
    is_here = reactive(False)
    mark = reactive(" ")
    is_locked = reactive(False)

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self) -> RenderResult:
        """Draw it."""
        pointer = (">" if self.look.ascii else "▸") if self.is_here else " "
        drawn = self.line(self.mark, "alarm" if self.mark == "!" else "second")
        style = "bold" if self.is_here else "dim" if self.is_locked else ""
        return Text.assemble(drawn, self.line(cut(f"{pointer}{self._text}", 38), style=style), end="")


class FieldNote(FormPart):
    """Unit and limits, or what is wrong."""

    DEFAULT_CSS = """
    FieldNote {
        width: 1fr;
        height: 1;
        padding: 0 0 0 1;
    }
    """
    text = reactive("")
    is_alarm = reactive(False)

    def render(self) -> RenderResult:
        """Draw it."""
        return self.line(cut(self.text, self.size.width), "alarm" if self.is_alarm else "note")


class OptionField(Horizontal):
    """A row of the form.

    Parameters
    ----------
    row
        The declaration.
    complete
        Completes paths.
    """

    DEFAULT_CSS = """
    OptionField {
        height: 1;
        width: 100%;
    }
    """

    def __init__(self, row: OptionRow, complete: Complete) -> None:
        super().__init__()
        self.row = row
        self.editor: Editor = _editor(row, complete)
        self._label = FieldLabel(title(row))
        self._note = FieldNote()
        self._state: FieldState | None = None

    def compose(self) -> ComposeResult:
        """Name, value, note."""
        yield self._label
        yield self.editor
        yield self._note

    def on_descendant_focus(self) -> None:
        """Point at the row."""
        self._label.is_here = True
        self._share_line()

    def on_descendant_blur(self) -> None:
        """Point at it no more."""
        self._label.is_here = False
        self._share_line()

    def show(self, state: FieldState) -> None:
        """Show how the field stands; nothing is drawn if it stands as before.

        The value is shown only where it cannot have been typed here, for what is told may be older than what was typed.
        """
        before, self._state = self._state, state
        if state == before:
            return
        if before is None or before.is_locked or state.is_locked:
            self.editor.put(state.value)
        self.display = state.is_shown
        self.editor.show(state)
        self._label.mark = "!" if state.problem else "*" if state.is_changed else " "
        self._label.is_locked = state.is_locked
        self._note.text = state.problem or state.advice or beside(self.row)
        self._note.is_alarm = bool(state.problem)
        self._share_line()

    def _share_line(self) -> None:
        """Give a text the whole line, or half of it while one is elsewhere and something is wrong with it."""
        state = self._state
        if state is None or self.row.kind != "text" or self.row.choices:
            return
        has_note = bool(state.problem and state.value) and not self._label.is_here
        self._note.display = has_note
        self._note.styles.max_width = "50%" if has_note else None


def _editor(row: OptionRow, complete: Complete) -> Editor:
    if row.kind == "switch":
        return SwitchField(row.key)
    if row.choices:
        return ChoiceField(row.key, row.choices)
    if row.file_pattern:
        return PathField(row.key, row.file_pattern, complete)
    return LineField(row.key, is_number=row.kind != "text")
