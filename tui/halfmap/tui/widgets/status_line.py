"""The foot of a screen: its most important keys, whether the session is read-only, and what is wrong."""

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.widget import Widget

from halfmap.tui.palette import style_of
from halfmap.tui.terminal.look import Look
from halfmap.tui.text.keys import key_name
from halfmap.tui.text.plain import plain
from halfmap.tui.widgets.words import Words

_HELP = ("question_mark", "help")
_READ_ONLY = "[read-only]"
_GAP = "  "


class StatusLine(Words):
    """Tells the keys of its screen that fit, the help always; above them, what is wrong, as long as it is.

    A screen may have an attribute `HINTS` with the keys (as Textual spells them) that come first.
    """

    DEFAULT_CSS = """
    StatusLine {
        dock: bottom;
        height: auto;
        max-height: 5;
        padding: 0;
        text-wrap: wrap;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._wrong = ""

    def warn(self, wrong: str) -> None:
        """Tell what is wrong, in a sentence; empty if all is well again."""
        if wrong != self._wrong:
            self._wrong = wrong
            self._write()

    def on_mount(self) -> None:
        """Follow the keys of what is in focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._write())
        self._write()

    def on_resize(self) -> None:
        """Tell what fits."""
        self._write()

    def _write(self) -> None:
        found = getattr(self.app, "look", None)
        look = found if isinstance(found, Look) else Look()
        text = Text()
        if self._wrong:
            text.append(f" ! {plain(self._wrong)} \n", style_of("alarm", look.theme) + Style(reverse=True))
        text.append_text(self._hints(look, self.size.width))
        self.say_text(text)

    def _hints(self, look: Look, width: int) -> Text:
        key_style, word_style = style_of("first", look.theme) + Style(bold=True), style_of("note", look.theme)
        help_key = [] if _is_typed(_HELP[0], self.screen.focused) else [_HELP]
        last = [*help_key, *([("", _READ_ONLY)] if look.read_only else [])]
        room = width - 1 - sum(len(key_name(key)) + len(words) + len(_GAP) + 1 for key, words in last)
        text = Text(" ")
        for key, words in [*_fitting(self._keys(), room), *last]:
            if not key:
                text.append(words, Style(reverse=True, bold=True))
                continue
            text.append(key_name(key), key_style)
            text.append(f" {words}{_GAP}", word_style)
        text.rstrip()
        return text

    def _keys(self) -> list[tuple[str, str]]:
        """Give keys and words of the bindings that are shown, what the screen names first at the front."""
        focused = self.screen.focused
        shown = {
            key: one.binding
            for key, one in self.screen.active_bindings.items()
            if one.binding.show and not _is_typed(key, focused)
        }
        first = [key for key in getattr(self.screen, "HINTS", ()) if key in shown]
        return _once((key, shown[key]) for key in (*first, *(key for key in shown if key not in first)))


def _is_typed(key: str, focused: Widget | None) -> bool:
    """Whether what is in focus takes a key as text."""
    name = " " if key == "space" else key_name(key)
    return focused is not None and len(name) == 1 and focused.check_consume_key(key, name)


def _once(bindings: Iterable[tuple[str, Binding]]) -> list[tuple[str, str]]:
    """Leave out further keys of the same action, and the help, which is told anyway."""
    found = dict[str, tuple[str, str]]()
    for key, binding in bindings:
        if binding.description and key != _HELP[0]:
            found.setdefault(binding.action, (key, binding.description))
    return list(found.values())


def _fitting(keys: list[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    chosen = list[tuple[str, str]]()
    for key, words in keys:
        needed = len(key_name(key)) + len(words) + len(_GAP) + 1
        if needed > room:
            break
        chosen.append((key, words))
        room -= needed
    return chosen
