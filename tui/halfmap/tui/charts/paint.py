"""Curves, stairs, points, bars and the lines across, painted on a canvas."""

import itertools
import math
from collections.abc import Iterator

from halfmap.tui.charts.frame import Frame, bar_width, drawable
from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.charts.raster import ASCII, Canvas
from halfmap.tui.charts.rules import paint_rules, write_names

_LETTERS_APART = {True: 5, False: 9}
Point = tuple[float, float]


def paint(canvas: Canvas, plot: Plot, frame: Frame) -> None:
    """Paint a plot: lines across first, then the curves in their order, then letters and names where there is room."""
    paint_rules(canvas, plot, frame)
    series = [drawable(one) for one in plot.series]
    for owner, one in enumerate(series):
        canvas.take_pen(owner, one.role)
        _PAINT[one.line](canvas, one, frame)
    for owner, one in enumerate(series):
        canvas.take_pen(owner, one.role)
        _write_letters(canvas, one, frame, owner)
    write_names(canvas, plot, frame)


def _points(canvas: Canvas, series: Series, frame: Frame) -> list[Point]:
    return [frame.to_dots(x, y, canvas.across, canvas.down) for x, y in zip(series.x, series.y, strict=True)]


def _is_there(point: Point) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _is_within(canvas: Canvas, point: Point) -> bool:
    """Whether a point is on the canvas; NaN is not."""
    return -0.5 <= point[0] < canvas.across - 0.5 and -0.5 <= point[1] < canvas.down - 0.5


def _pieces(points: list[Point]) -> Iterator[list[Point]]:
    """Give the stretches between gaps."""
    for there, piece in itertools.groupby(points, _is_there):
        if there:
            yield list(piece)


def _paint_line(canvas: Canvas, series: Series, frame: Frame) -> None:
    for piece in _pieces(_points(canvas, series, frame)):
        if len(piece) == 1:
            _paint_point(canvas, piece[0])
        for (x0, y0), (x1, y1) in itertools.pairwise(piece):
            canvas.line(x0, y0, x1, y1)


def _paint_stairs(canvas: Canvas, series: Series, frame: Frame) -> None:
    for piece in _pieces(_points(canvas, series, frame)):
        if len(piece) == 1:
            _paint_point(canvas, piece[0])
        for (x0, y0), (x1, y1) in itertools.pairwise(piece):
            canvas.line(x0, y0, x1, y0)
            canvas.line(x1, y0, x1, y1)


def _paint_points(canvas: Canvas, series: Series, frame: Frame) -> None:
    for point in filter(_is_there, _points(canvas, series, frame)):
        _paint_point(canvas, point)


def _paint_point(canvas: Canvas, point: Point) -> None:
    """Paint a point: a square of dots within its cell, so that a letter can stand in its place."""
    if not _is_within(canvas, point):
        return
    x, y = round(point[0]), round(point[1])
    left = x - x % canvas.dots.across
    top = min(y, y - y % canvas.dots.down + canvas.dots.down - 2) if canvas.dots is not ASCII else y
    canvas.block(range(left, left + canvas.dots.across), range(top, top + canvas.dots.across))


def _paint_bars(canvas: Canvas, series: Series, frame: Frame) -> None:
    wide = bar_width(series, frame) * canvas.across
    half = max(0, math.floor(wide * 0.4))
    _, ground = frame.to_dots(None, 0.0, canvas.across, canvas.down)
    ground = canvas.down - 1 if math.isnan(ground) else ground
    for x, y in filter(_is_there, _points(canvas, series, frame)):
        top, bottom = sorted((min(max(y, -1.0), canvas.down), min(max(ground, -1.0), canvas.down)))
        middle = round(min(max(x, -1e6), 1e6))
        canvas.block(range(middle - half, middle + max(half, 1)), range(round(top), round(bottom) + 1))


_PAINT = {"line": _paint_line, "stairs": _paint_stairs, "points": _paint_points, "bars": _paint_bars}


def _write_letters(canvas: Canvas, series: Series, frame: Frame, owner: int) -> None:
    """Write the letter of a series on its points, from the last one back, wherever it is not painted over."""
    letter = series.glyph[:1]
    if not letter.isprintable() or not letter:
        return
    apart = 1 if series.line == "points" else _LETTERS_APART[canvas.dots is ASCII]
    last = math.inf
    for point in reversed(_points(canvas, series, frame)):
        column, row = _cell_of(canvas, point, series)
        if 0 <= column <= last - apart and 0 <= row < canvas.height and canvas.owner(column, row) == owner:
            canvas.write(column, row, letter, series.role)
            last = column


def _cell_of(canvas: Canvas, point: Point, series: Series) -> tuple[int, int]:
    if not _is_within(canvas, point):
        return -1, -1
    below = canvas.dots.down // 2 if series.line == "bars" else 0
    column, row = round(point[0]) // canvas.dots.across, (round(point[1]) + below) // canvas.dots.down
    return min(column, canvas.width - 1), min(row, canvas.height - 1)
