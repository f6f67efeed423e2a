"""Asking before something is done that cannot be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from halfmap.tui.palette import style_of
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.plain import plain_lines


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer: its letter, what it is, and what follows from it."""

    letter: str
    text: str
    consequence: str = ""


class AskScreen(ModalScreen[str | None]):
    """Asks a question; gives the letter of the choice, or None for none.

    The cursor begins on the answer that changes nothing: Enter alone never does harm, nor does text that is pasted.

    Parameters
    ----------
    question
        What is asked; several lines are possible.
    choices
        The answers that do something.
    nothing
        What the answer that does nothing is called.
    """

    DEFAULT_CSS = """
    AskScreen {
        align: center middle;
        background: transparent;
    }
    AskScreen > VerticalScroll {
        width: 76;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 0 1;
        border: round $warning;
        background: $surface;
        scrollbar-size: 0 0;
    }
    .-ascii AskScreen > VerticalScroll, AskScreen.-ascii > VerticalScroll {
        border: ascii $warning;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "nothing", "No: change nothing", priority=True),
        Binding("down,tab", "move(1)", "Next answer", show=False, priority=True),
        Binding("up,shift+tab", "move(-1)", "Answer before", show=False, priority=True),
        Binding("enter", "choose", "Choose the answer", priority=True),
    ]

    def __init__(self, question: str, choices: Sequence[Choice], nothing: str = "no, change nothing") -> None:
        super().__init__()
        self.question = question
        self.choices = (*choices, Choice("", nothing))
        self.cursor = len(choices)

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with VerticalScroll(can_focus=False):
            yield Static(self._written(), markup=False)

    def on_mount(self) -> None:
        """Draw frames as the terminal can."""
        self.set_class(self._look.ascii, "-ascii")
        self.call_after_refresh(self._keep_in_sight)

    def on_key(self, event: events.Key) -> None:
        """Take the letter of an answer."""
        if event.character and any(event.character == choice.letter for choice in self.choices):
            event.stop()
            self.dismiss(event.character)

    def action_nothing(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move to another answer."""
        self.cursor = (self.cursor + by) % len(self.choices)
        self.query_one(Static).update(self._written(), layout=False)
        self._keep_in_sight()

    def action_choose(self) -> None:
        """Take the answer at the cursor."""
        self.dismiss(self.choices[self.cursor].letter or None)

    def _keep_in_sight(self) -> None:
        """Scroll about to the cursor, where the terminal has fewer lines than the question."""
        # called after a refresh, when a quick answer may already have taken the box away
        for box in self.query(VerticalScroll):
            box.scroll_to(y=box.max_scroll_y * self.cursor // max(1, len(self.choices) - 1), animate=False)

    @property
    def _look(self) -> Look:
        found = getattr(self.app, "look", None)
        return found if isinstance(found, Look) else Look()

    def _written(self) -> Text:
        look = self._look
        text = Text()
        text.append(plain_lines(self.question), "bold")
        for number, choice in enumerate(self.choices):
            is_here = number == self.cursor
            text.append(f"\n{'> ' if is_here else '  '}", "bold")
            text.append(f"{choice.letter or 'Esc':<4}", style_of("second", look.theme) + Style(bold=True))
            text.append(choice.text, Style(bold=is_here, reverse=is_here))
            if choice.consequence:
                text.append(f"\n      {choice.consequence}", style_of("note", look.theme))
        return text
