"""Several plots in one area: beside one another where it is wide, below one another where it is high."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from halfmap.tui.charts.draw import draw
from halfmap.tui.charts.plot import Plot
from halfmap.tui.charts.runs import Row, Run, merged

_LEAST_WIDTH, _LEAST_HEIGHT = 30, 8
_BETWEEN = 2
_WELL_SHAPED = 4.0


@dataclass(frozen=True, slots=True)
class Grid:
    """How plots are arranged: so many beside one another, in so many rows of them."""

    columns: int
    rows: int

    def widths(self, width: int) -> list[int]:
        """Share a width, with room between."""
        return _shares(width - _BETWEEN * (self.columns - 1), self.columns)

    def heights(self, height: int) -> list[int]:
        """Share a height."""
        return _shares(height, self.rows)


def arranged(plots: int, width: int, height: int) -> Grid:
    """Choose the grid that shows most plots, and of those the one whose plots have the best shape.

    A plot that would have less than 30 by 8 cells is not shown, unless it is the only one.
    """
    grids = [
        Grid(columns, rows)
        for columns in range(1, plots + 1)
        for rows in range(1, -(-plots // columns) + 1)
        if (columns == 1 or min(Grid(columns, rows).widths(width)) >= _LEAST_WIDTH)
        and (rows == 1 or height // rows >= _LEAST_HEIGHT)
    ]
    return max(grids, key=lambda grid: (min(grid.columns * grid.rows, plots), -_misshape(grid, width, height)))


def draw_all(plots: Sequence[Plot], width: int, height: int, ascii_only: bool, zoom: float = 1.0) -> tuple[Row, ...]:
    """Draw the first plots, as many as there is room for; see `halfmap.tui.charts.draw.draw`."""
    if not plots or width < 1 or height < 1:
        return tuple((Run(" " * width),) if width > 0 else () for _ in range(max(height, 0)))
    grid = arranged(len(plots), width, height)
    rows: list[Row] = []
    for nth, tall in enumerate(grid.heights(height)):
        beside = plots[nth * grid.columns : (nth + 1) * grid.columns]
        widths = Grid(len(beside), 1).widths(width)
        drawn = [draw(plot, wide, tall, ascii_only, zoom) for plot, wide in zip(beside, widths, strict=True)]
        rows += map(_beside, zip_longest(*drawn, fillvalue=()))
    return tuple(rows)


def _beside(parts: Sequence[Row]) -> Row:
    return merged(_with_room_between(parts))


def _with_room_between(parts: Sequence[Row]) -> Iterator[Run]:
    for nth, part in enumerate(parts):
        if nth:
            yield Run(" " * _BETWEEN)
        yield from part


def _misshape(grid: Grid, width: int, height: int) -> float:
    shape = max(min(grid.widths(width)), 1) / max(min(grid.heights(height)), 1)
    return abs(math.log(shape / _WELL_SHAPED))


def _shares(whole: int, parts: int) -> list[int]:
    each, over = divmod(max(whole, 0), parts)
    return [each + (nth < over) for nth in range(parts)]
