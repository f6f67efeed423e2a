"""Lines across a plot, such as levels, marks and the cursor, with their names beside them."""

import math

from halfmap.tui.charts.frame import Frame
from halfmap.tui.charts.plot import Level, Mark, Plot
from halfmap.tui.charts.raster import ASCII, BELOW, Canvas


def paint_rules(canvas: Canvas, plot: Plot, frame: Frame) -> None:
    """Paint levels, marks and the cursor; curves are to be painted over them."""
    for level in plot.levels:
        _paint_level(canvas, frame, level)
    for mark in plot.marks:
        _paint_upright(canvas, frame, mark.x, mark.role, dashed=True)
    if plot.cursor_x is not None:
        _paint_upright(canvas, frame, plot.cursor_x, "cursor", dashed=False)


def _paint_level(canvas: Canvas, frame: Frame, level: Level) -> None:
    y = _y_of(canvas, frame, level)
    canvas.take_pen(BELOW, level.role)
    dash = canvas.dots.across
    for x in range(canvas.across):
        if x // dash % 2 == 0:
            canvas.dot(x, y)


def _paint_upright(canvas: Canvas, frame: Frame, value: float, role: str, dashed: bool) -> None:
    x = _x_of(canvas, frame, value)
    canvas.take_pen(BELOW, role)
    rows = canvas.dots.down
    for y in range(canvas.down):
        if not dashed or y % rows % 2 == 0:
            canvas.dot(x, y)


def _x_of(canvas: Canvas, frame: Frame, value: float) -> int:
    x, _ = frame.to_dots(value, None, canvas.across, canvas.down)
    return round(x) if math.isfinite(x) and abs(x) < 1e6 else -1


def _y_of(canvas: Canvas, frame: Frame, level: Level) -> int:
    _, y = frame.to_dots(None, level.y, canvas.across, canvas.down)
    if math.isnan(y):
        return canvas.down
    return round(min(max(y, -1.0), float(canvas.down)))


def write_names(canvas: Canvas, plot: Plot, frame: Frame) -> None:
    """Write the names of levels and marks where no curve is."""
    canvas.take_pen(BELOW, "")
    for level in plot.levels:
        _write_level_name(canvas, frame, level)
    for mark in plot.marks:
        _write_mark_name(canvas, frame, mark)


def _write_level_name(canvas: Canvas, frame: Frame, level: Level) -> None:
    """Write the name on its line, as far right as can be; at the rim, with an arrow, if the line is beyond it."""
    y = _y_of(canvas, frame, level)
    row = min(max(y, 0) // canvas.dots.down, canvas.height - 1)
    name = f" {level.name} {_arrow(canvas, y)}".rstrip() + " "
    if not level.name:
        return
    for column in range(canvas.width - len(name), -1, -1):
        if canvas.is_free(column, row, len(name)):
            canvas.write(column, row, name, level.role)
            return


def _arrow(canvas: Canvas, y: int) -> str:
    if y < 0:
        return "^" if canvas.dots is ASCII else "↑"
    if y >= canvas.down:
        return "v" if canvas.dots is ASCII else "↓"
    return ""


def _write_mark_name(canvas: Canvas, frame: Frame, mark: Mark) -> None:
    """Write the name beside its line, right or left of it, as far up as can be."""
    x = _x_of(canvas, frame, mark.x)
    if not 0 <= x < canvas.across or not mark.name:
        return
    column = x // canvas.dots.across
    for row in range(canvas.height):
        for begin in (column + 1, column - len(mark.name)):
            if canvas.is_free(begin, row, len(mark.name)):
                canvas.write(begin, row, mark.name, mark.role)
                return
