"""The names of the tabs, with how many problems each has."""

from collections.abc import Mapping

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.message import Message

from halfmap.tui.text.plain import cut
from halfmap.tui.widgets.form.form_part import FormPart

_SHORTEST = 4


class FormTabs(FormPart):
    """One line; it is looked at, and clicked where there is a mouse."""

    DEFAULT_CSS = """
    FormTabs {
        height: 1;
        width: 100%;
        background: $panel;
    }
    """

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[tuple[str, ...], str, Mapping[str, int]] = ((), "", {})

    def show(self, tabs: tuple[str, ...], at: str, counts: Mapping[str, int]) -> None:
        """Show the tabs, which one is open, and how many problems each has."""
        if (tabs, at, counts) != self._shown:
            self._shown = (tabs, at, counts)
            self.refresh()

    def render(self) -> RenderResult:
        """Draw them."""
        drawn = Text(no_wrap=True, end="")
        for tab, words, count in self._words():
            is_open = tab == self._shown[1]
            drawn.append(words, "bold reverse" if is_open else "")
            drawn.append(self.line(count, "alarm"))
            drawn.append(" ")
        return drawn

    def on_click(self, event: events.Click) -> None:
        """Tell which was clicked."""
        at = 0
        for tab, words, count in self._words():
            at += len(words) + len(count) + 1
            if event.x < at:
                self.post_message(self.Chosen(tab))
                return

    def _words(self) -> list[tuple[str, str, str]]:
        """Give each tab with its name and its count, the longest names cut until all fit."""
        tabs, at, counts = self._shown
        told = [f"{self.safe('·')}{counts[tab]}!" if counts.get(tab) else "" for tab in tabs]
        names = [*tabs]
        while sum(map(len, names)) + sum(map(len, told)) + 2 * len(names) > max(self.size.width, 1):
            longest = max((name for tab, name in zip(tabs, names, strict=True) if tab != at), key=len, default="")
            if len(longest) <= _SHORTEST:
                break
            names[names.index(longest)] = cut(longest.removesuffix("…"), len(longest.removesuffix("…")) - 1)
        return [(tab, f" {self.safe(name)}", count) for tab, name, count in zip(tabs, names, told, strict=True)]
