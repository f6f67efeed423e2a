"""A list over the form to pick from; the field that opened it keeps the focus and moves in it."""

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Region

from halfmap.tui.text.plain import cut, cut_front
from halfmap.tui.widgets.form.form_part import FormPart

_MOST_ROWS = 9
_NARROWEST = 20


class PickList(FormPart):
    """A list of texts."""

    DEFAULT_CSS = """
    PickList {
        position: absolute;
        overlay: screen;
        display: none;
        border: round $primary;
        border-subtitle-color: $foreground;
        background: $surface;
        color: $foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: tuple[str, ...] = ()
        self.chosen: int | None = None
        self._top = 0

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return bool(self.display)

    @property
    def picked(self) -> str | None:
        """The text that is highlighted; None for none."""
        return None if self.chosen is None else self.texts[self.chosen]

    def open(self, texts: tuple[str, ...], at: Region, chosen: int | None) -> None:
        """Show texts under a field, or above it where there is more room."""
        self.texts, self._top = texts, 0
        self.chosen = chosen if texts and chosen is not None and chosen < len(texts) else None
        below, above = self.screen.size.height - at.bottom, at.y
        rows = max(1, min(len(texts), _MOST_ROWS, max(below, above) - 2))
        y = at.bottom if below >= rows + 2 or below >= above else at.y - rows - 2
        width = max(_NARROWEST, min(at.width + 2, self.screen.size.width - max(0, at.x - 1)))
        self.styles.width, self.styles.height = width, rows + 2
        self.styles.offset = (max(0, at.x - 1), max(0, y))
        self.display = True
        self._tell()

    def close(self) -> None:
        """Hide it."""
        if self.is_open:
            self.display = False

    def move(self, by: int) -> None:
        """Highlight another text; the first or last one when nothing was."""
        if not self.texts:
            return
        last = len(self.texts) - 1
        at = (0 if by > 0 else last) if self.chosen is None else self.chosen + by
        self.chosen = at % len(self.texts) if abs(by) == 1 else min(max(at, 0), last)
        self._tell()

    def render(self) -> RenderResult:
        """Draw the rows that fit."""
        rows, width = max(1, self.size.height), max(1, self.size.width)
        if self.chosen is not None:
            self._top = min(max(self._top, self.chosen - rows + 1), self.chosen)
        drawn = Text(no_wrap=True, end="")
        for place, text in enumerate(self.texts[self._top : self._top + rows], self._top):
            line = self.safe(cut_front(self.safe(text), width))
            drawn.append(cut(line.ljust(width), width), "reverse" if place == self.chosen else "")
            drawn.append("\n")
        return drawn

    def _tell(self) -> None:
        place = "" if self.chosen is None else f"{self.chosen + 1} of "
        self.border_subtitle = f"{place}{len(self.texts)}" if len(self.texts) > _MOST_ROWS else ""
        self.refresh()


def list_of(part: FormPart) -> PickList:
    """Give the list of the screen that a field stands in."""
    found = next(iter(part.screen.query(PickList)), None)
    if found is None:
        found = PickList()
        part.screen.mount(found)
    return found
