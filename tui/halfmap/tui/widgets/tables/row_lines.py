"""The lines of a table: where two differ, and how one is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from halfmap.tui.palette import style_of
from halfmap.tui.text.cells import GAP, GUTTER, Cell, Column
from halfmap.tui.text.plain import cut


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is seen; the gutter is a text of its own."""

    cells: tuple[Cell, ...] = ()
    gutter: str = ""
    is_cursor: bool = False


def difference(old: Line, new: Line, columns: Sequence[Column], width: int) -> tuple[int, int]:
    """Give where two lines of a table that is so wide differ: the first cell and how many."""
    if len(old.cells) != len(new.cells) or (old.gutter, old.is_cursor) != (new.gutter, new.is_cursor):
        return 0, width
    differ = [n for n, (one, other) in enumerate(zip(old.cells, new.cells, strict=True)) if one != other]
    begins = [GUTTER + sum(column.width + GAP for column in columns[:n]) for n in (differ[0], differ[-1])]
    return begins[0], begins[1] + columns[differ[-1]].width - begins[0]


def strip(line: Line, columns: Sequence[Column], style: Style, theme: str | None) -> Strip:
    """Draw a line in a style; roles have their colours of a theme, or none of their own."""
    segments = [Segment(line.gutter, style)]
    for cell, column in zip(line.cells, columns, strict=False):
        text = cut(cell.text, column.width)
        filling = " " * (column.width - cell_len(text))
        placed = f"{filling}{text}" if column.is_right else f"{text}{filling}"
        colours = style if theme is None or not cell.role else style + style_of(cell.role, theme)
        segments += [Segment(placed, colours), Segment(" " * GAP, style)]
    return Strip(segments)
