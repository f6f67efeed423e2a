"""The keys of the form that fit into a line, those of the field one is at first."""

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult

from halfmap.tui.widgets.form.form_part import FormPart

_ALWAYS = (("^S", "submit"), ("F1", "help"), ("Esc", "leave"))
_IF_THERE_IS_ROOM = (("F2", "problems"), ("^N/^P", "tab"), ("^E", "editor"), ("F3", "job"), ("F4", "run with"))
_GAP = "  "


class FormKeys(FormPart):
    """One line."""

    DEFAULT_CSS = """
    FormKeys {
        height: 1;
        width: 100%;
        padding: 0 1;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._own: tuple[tuple[str, str], ...] = ()

    def show(self, own: tuple[str, str] | None) -> None:
        """Tell the key of a field, with a word, besides those of the form."""
        told = () if own is None else (own,)
        if told != self._own:
            self._own = told
            self.refresh()

    def render(self) -> RenderResult:
        """Draw them."""
        drawn = Text(no_wrap=True, end="")
        for key, word in fitting(self._own, self.size.width):
            drawn.append(f"{_GAP}" if drawn else "")
            drawn.append(key, self.role("first") + Style(bold=True))
            drawn.append(f" {word}", self.role("note"))
        return drawn


def fitting(own: tuple[tuple[str, str], ...], width: int) -> tuple[tuple[str, str], ...]:
    """Choose the keys that fit: the field's and the most important ones, then the others as long as there is room."""
    chosen = [*own, *_ALWAYS]
    room = width - sum(_cells(one) for one in chosen)
    for one in _IF_THERE_IS_ROOM:
        room -= _cells(one)
        if room < 0:
            break
        chosen.insert(-2, one)
    return tuple(chosen)


def _cells(key: tuple[str, str]) -> int:
    return len(key[0]) + len(key[1]) + 1 + len(_GAP)
