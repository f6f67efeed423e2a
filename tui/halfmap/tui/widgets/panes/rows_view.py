"""Rows of characters that something draws for the room there is; kept, so that what was seen costs nothing again."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from halfmap.tui.charts.pixels import Row
from halfmap.tui.text.plain import in_ascii

Draw = Callable[[int, int], list[Row]]
_MOST_FRAMES = 24


class RowsView(Widget):
    """Shows rows of characters; only rows that changed are written anew."""

    DEFAULT_CSS: ClassVar[str] = """
    RowsView {
        height: 1fr;
    }
    """
    can_focus = True

    def __init__(self) -> None:
        super().__init__()
        self.is_ascii = False
        self.strips: tuple[Strip, ...] = ()
        self._content: Hashable = None
        self._draw: Draw = lambda *_: []
        self._frames: OrderedDict[tuple[Hashable, int, int], tuple[Strip, ...]] = OrderedDict()

    def show(self, content: Hashable, draw: Draw) -> None:
        """Show something.

        Parameters
        ----------
        content
            What it is: equal content of the same size is drawn once.
        draw
            Draws it in so many columns and rows.
        """
        self._content, self._draw = content, draw
        self._redraw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def notify_style_update(self) -> None:
        """Draw anew in other colours."""
        super().notify_style_update()
        self._frames.clear()
        if self.is_mounted:
            self._redraw()

    def render_line(self, y: int) -> Strip:
        """Give a row."""
        return self.strips[y] if y < len(self.strips) else Strip.blank(self.size.width, self.rich_style)

    def _redraw(self) -> None:
        width, height = self.size
        before, self.strips = self.strips, self._frame(width, height)
        blank = Strip.blank(width, self.rich_style)
        rows = range(max(len(before), len(self.strips)))
        changed = [row for row in rows if _at(before, row, blank) != _at(self.strips, row, blank)]
        if changed:
            self.refresh(*(Region(0, row, width, 1) for row in changed))

    def _frame(self, width: int, height: int) -> tuple[Strip, ...]:
        key = (self._content, width, height)
        if key in self._frames:
            self._frames.move_to_end(key)
            return self._frames[key]
        rows = self._draw(width, height)[:height] if width > 0 and height > 0 else []
        frame = tuple(self._strip(row, width) for row in rows)
        self._frames[key] = frame
        while len(self._frames) > _MOST_FRAMES:
            self._frames.popitem(last=False)
        return frame

    def _strip(self, row: Row, width: int) -> Strip:
        base = self.rich_style
        drawn = [Segment(self._written(one.text), _over(base, one.style)) for one in row]
        return Strip(drawn).adjust_cell_length(width, base)

    def _written(self, text: str) -> str:
        return in_ascii(text) if self.is_ascii else text


def _over(base: Style, style: Style | None) -> Style:
    """Lay a style over that of the widget; one with a ground of its own is whole, and costs fewer bytes alone."""
    if style is None:
        return base
    return style if style.bgcolor is not None else base + style


def _at(strips: tuple[Strip, ...], row: int, blank: Strip) -> Strip:
    return strips[row] if row < len(strips) else blank
