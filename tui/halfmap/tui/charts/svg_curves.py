"""Curves, levels and marks of a plot as SVG. Dashes and letters tell curves apart where colours do not."""

import itertools
import math
from collections.abc import Iterator

from halfmap.tui.charts.frame import Frame, bar_width, drawable
from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.charts.raster import clipped
from halfmap.tui.charts.svg_parts import Area, colour_of, harmless, line_at, text_at

_DASHES = {"second": "7 3", "third": "2 3", "fourth": "8 3 2 3", "overlay": "12 4"}
_WIDTHS = {"faded": 1.0, "overlay": 1.2, "final": 2.4}
Point = tuple[float, float]


def dashes_of(series: Series) -> str:
    """Tell how a curve is dashed."""
    return "" if series.line == "bars" else _DASHES.get(series.role, "")


def rules(plot: Plot, frame: Frame, area: Area) -> Iterator[str]:
    """Draw levels, marks and the cursor, with their names."""
    for level in plot.levels:
        place = frame.y.place(level.y)
        if 0 <= place <= 1:
            yield line_at(area.left, area.y(place), area.right, area.y(place), level.role, "4 4")
            yield text_at(area.left + 4, area.y(place) - 3, level.name, level.role)
    for mark in plot.marks:
        place = frame.x.place(mark.x)
        if 0 <= place <= 1:
            yield line_at(area.x(place), area.top, area.x(place), area.bottom, mark.role, "2 3")
            anchor, shift = ("start", 3) if place < 0.5 else ("end", -3)
            yield text_at(area.x(place) + shift, area.top + 11, mark.name, mark.role, anchor)
    cursor = frame.x.place(plot.cursor_x)
    if 0 <= cursor <= 1:
        yield line_at(area.x(cursor), area.top, area.x(cursor), area.bottom, "cursor")


def curves(plot: Plot, frame: Frame, area: Area) -> Iterator[str]:
    """Draw the series in their order; each has its letter at its end."""
    for series in map(drawable, plot.series):
        points = [(area.x(frame.x.place(x)), area.y(frame.y.place(y))) for x, y in zip(series.x, series.y, strict=True)]
        if series.line == "bars":
            yield from _bars(series, points, frame, area)
        else:
            yield from _line(series, points, area, dashes_of(series))
        yield from _letter(series, [point for point in points if _is_in(point, area)])


def _line(series: Series, points: list[Point], area: Area, dashes: str) -> Iterator[str]:
    colour = colour_of(series.role)
    pieces = [list(piece) for there, piece in itertools.groupby(points, _is_there) if there]
    path = "".join(_path(_stairs(piece) if series.line == "stairs" else piece, area) for piece in pieces)
    if path and series.line != "points":
        width = _WIDTHS.get(series.role, 1.6)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        yield f'<path d="{path}" stroke="{colour}" stroke-width="{width}" fill="none"{dashed}/>'
    for piece in pieces:
        for x, y in piece if series.line == "points" or len(piece) == 1 else ():
            if _is_in((x, y), area):
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def _path(piece: list[Point], area: Area) -> str:
    """Give the steps of a path, cut to the area."""
    steps, last = [], None
    for (x0, y0), (x1, y1) in itertools.pairwise(piece):
        inside = clipped((x0, y0, x1, y1), area.right, area.bottom, area.left, area.top)
        if inside is None:
            continue
        begin, end = inside[:2], inside[2:]
        steps.append(("" if begin == last else f"M{begin[0]:.1f} {begin[1]:.1f}") + f"L{end[0]:.1f} {end[1]:.1f}")
        last = end
    return "".join(steps)


def _stairs(piece: list[Point]) -> list[Point]:
    corners = [[(x0, y0), (x1, y0)] for (x0, y0), (x1, _) in itertools.pairwise(piece)]
    return [*itertools.chain.from_iterable(corners), piece[-1]]


def _bars(series: Series, points: list[Point], frame: Frame, area: Area) -> Iterator[str]:
    half = 0.4 * bar_width(series, frame) * (area.right - area.left)
    zero = frame.y.place(0.0)
    ground = min(max(area.y(zero), area.top), area.bottom) if math.isfinite(zero) else area.bottom
    for x, y in filter(_is_there, points):
        top, bottom = sorted((min(max(y, area.top), area.bottom), ground))
        left, right = max(x - half, area.left), min(x + half, area.right)
        if right > left:
            yield (
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
                f'fill="{colour_of(series.role)}"/>'
            )


def _letter(series: Series, inside: list[Point]) -> Iterator[str]:
    if not series.glyph or not inside:
        return
    x, y = inside[-1]
    colour = "#ffffff" if series.line == "bars" else colour_of(series.role)
    shift = 12 if series.line == "bars" else -5
    yield (
        f'<text x="{x:.1f}" y="{y + shift:.1f}" fill="{colour}" text-anchor="middle" font-size="11">'
        f"{harmless(series.glyph[:1])}</text>"
    )


def _is_there(point: Point) -> bool:
    return math.isfinite(point[0]) and math.isfinite(point[1])


def _is_in(point: Point, area: Area) -> bool:
    return area.left - 0.5 <= point[0] <= area.right + 0.5 and area.top - 0.5 <= point[1] <= area.bottom + 0.5
