"""All keys of the screen beneath."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from halfmap.tui.terminal.look import Look
from halfmap.tui.text.key_help import KeyGroup, key_group, without_repeats, written

_WIDTH, _FRAME = 78, 5
"""Cells of the box, and those of its frame and scroll bar."""
_MOVING = (
    Binding("tab", "app.focus_next", "To the next part"),
    Binding("shift+tab", "app.focus_previous", "To the part before"),
)


class HelpScreen(ModalScreen[None]):
    """Shows the keys of a screen and its parts, those of the part in focus first; made from their bindings.

    Parameters
    ----------
    beneath
        The screen.
    """

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: transparent;
    }
    HelpScreen > VerticalScroll {
        width: 78;
        max-width: 100%;
        height: auto;
        max-height: 100%;
        padding: 0 1;
        border: round $primary;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    HelpScreen:ansi > VerticalScroll {
        border: round ansi_bright_cyan;
    }
    HelpScreen.-ascii > VerticalScroll {
        border: ascii ansi_bright_cyan;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1", "close", "Close"),
        Binding("j,down", "scroll('down')", "Down", show=False, priority=True),
        Binding("k,up", "scroll('up')", "Up", show=False, priority=True),
        Binding("pagedown,space", "scroll('page_down')", "A page down", show=False, priority=True),
        Binding("pageup", "scroll('page_up')", "A page up", show=False, priority=True),
        Binding("g,home", "scroll('home')", "To the begin", show=False, priority=True),
        Binding("G,end", "scroll('end')", "To the end", show=False, priority=True),
    ]

    def __init__(self, beneath: Screen[Any]) -> None:
        super().__init__()
        self._groups = key_groups(beneath)

    def compose(self) -> ComposeResult:
        """The keys, in a box that scrolls."""
        found = getattr(self.app, "look", None)
        look = found if isinstance(found, Look) else Look()
        self.set_class(look.ascii, "-ascii")
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc closes"
            yield Static(written(self._groups, look.theme, min(_WIDTH, self.app.size.width) - _FRAME), markup=False)

    def action_scroll(self, way: str) -> None:
        """Scroll."""
        box = self.query_one(VerticalScroll)
        getattr(box, f"scroll_{way}")(animate=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss()


def key_groups(screen: Screen[Any]) -> tuple[KeyGroup, ...]:
    """Give the keys of the screen, of its part in focus and those around it, of its other parts, and of the program."""
    focused = screen.focused
    inner = [node for node in (focused.ancestors_with_self if focused else ()) if not isinstance(node, Screen | App)]
    others = [node for node in screen.query("*") if node not in inner]
    groups = [key_group(_title(node), _own_bindings(node)) for node in (screen, *inner, *others)]
    everywhere = [*_MOVING, *(binding for _, binding in screen.app._bindings)]
    return without_repeats([*groups, key_group("Everywhere", everywhere)])


def _title(node: DOMNode) -> str:
    if isinstance(node, Screen):
        return "This screen"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__)
    return getattr(node, "TITLE", "") or words.capitalize()


def _own_bindings(node: DOMNode) -> Iterator[Binding]:
    """Give the bindings that our own classes declare; the general ones of Textual's, such as scrolling, go unsaid."""
    for kind in type(node).__mro__:
        if kind.__module__.startswith("halfmap."):
            yield from Binding.make_bindings(kind.__dict__.get("BINDINGS", ()))
