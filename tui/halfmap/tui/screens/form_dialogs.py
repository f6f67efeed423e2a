"""Small screens over the form: text to read, and problems to go to."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from halfmap.daemon.client import FormProblem
from halfmap.tui.widgets.box import Box
from halfmap.tui.widgets.form.form_part import FormPart


class TextScreen(ModalScreen[None], FormPart):
    """Something to read.

    Parameters
    ----------
    title
        What it is.
    lines
        The text.
    """

    DEFAULT_CSS = """
    TextScreen {
        align: center middle;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,f1,f3", "dismiss(None)", "Back"),
        Binding("j,down", "roll(1)", "Down", show=False),
        Binding("k,up", "roll(-1)", "Up", show=False),
        Binding("pagedown,space", "roll(10)", "Page down", show=False),
        Binding("pageup", "roll(-10)", "Page up", show=False),
    ]

    def __init__(self, title: str, lines: tuple[str, ...]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        with Box(self.safe(self._title), "Esc back"):
            yield Static(Text("\n".join(self.safe(one) for one in self._lines)))

    def action_roll(self, by: int) -> None:
        """Move the text."""
        self.query_one(Box).scroll_relative(y=by, animate=False)


class ProblemsScreen(ModalScreen[str | None], FormPart):
    """Lists all problems; gives the key of the option to go to.

    Parameters
    ----------
    problems
        All of them, at least one.
    """

    DEFAULT_CSS = """
    ProblemsScreen {
        align: center middle;
    }
    ProblemsScreen OptionList, ProblemsScreen OptionList:focus {
        height: auto;
        max-height: 100%;
        border: none;
        padding: 0;
        background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f2", "dismiss(None)", "Back"),
        Binding("j", "move(True)", "Down", show=False),
        Binding("k", "move(False)", "Up", show=False),
    ]

    def __init__(self, problems: tuple[FormProblem, ...]) -> None:
        super().__init__()
        self._problems = problems

    def compose(self) -> ComposeResult:
        """A list in a frame."""
        with Box("What keeps the job from running", "Enter goes to the field, Esc back"):
            yield OptionList(*(Option(Text(self.safe(f"! {one.message}"))) for one in self._problems))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go there."""
        self.dismiss(self._problems[event.option_index].key)

    def action_move(self, is_down: bool) -> None:
        """Move in the list."""
        options = self.query_one(OptionList)
        if is_down:
            options.action_cursor_down()
        else:
            options.action_cursor_up()
