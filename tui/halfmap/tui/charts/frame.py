"""The part of a plot that holds the curves: which values it shows, and where they lie on its canvas."""

import itertools
import math
from dataclasses import dataclass, replace

from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.charts.scales import Span, span_of

_ROOM_ABOVE = 0.05


@dataclass(frozen=True, slots=True)
class Frame:
    """What is shown of a plot: a span of x and one of y."""

    x: Span
    y: Span

    def to_dots(self, x: float | None, y: float | None, across: int, down: int) -> tuple[float, float]:
        """Give the place of a point on a canvas of so many dots, the upper left one at (0, 0); NaN if it has none."""
        return self.x.place(x) * (across - 1), (1 - self.y.place(y)) * (down - 1)


def frame_of(plot: Plot, zoom: float = 1.0) -> Frame | None:
    """Find out what is shown; None if there is nothing to draw.

    Parameters
    ----------
    plot
        Its axes have the last word.
    zoom
        Show so many times less of x, with the cursor in the middle, or the last point without one.
    """
    drawn = [drawable(series) for series in plot.series]
    if not any(series.x for series in drawn):
        return None
    x = span_of(plot.x, (value for series in drawn for value in series.x))
    low = replace(plot.y, low=0.0) if plot.y.low is None and _has_bars(drawn) else plot.y
    y = span_of(low, (value for series in drawn for value in series.y), _ROOM_ABOVE)
    if x is None or y is None:
        return None
    if _has_bars(drawn):
        x = _with_room_for_bars(x, drawn)
    about = x.place(plot.cursor_x if plot.cursor_x is not None else _last(drawn))
    return Frame(x.zoomed(zoom, 1.0 if math.isnan(about) else about), y)


def drawable(series: Series) -> Series:
    """Keep the points of a series that are known; gaps are None at their x."""
    pairs = [
        (x, None if y is None or not math.isfinite(y) else y)
        for x, y in zip(series.x, series.y, strict=False)
        if x is not None and not math.isnan(x)
    ]
    if not any(y is not None for _, y in pairs):
        return replace(series, x=(), y=())
    return replace(series, x=tuple(x for x, _ in pairs), y=tuple(y for _, y in pairs))


def bar_width(series: Series, frame: Frame) -> float:
    """Tell how wide a bar may be at most, as a share of the plot: the least distance between two of them."""
    places = sorted(filter(math.isfinite, {frame.x.place(x) for x in series.x}))
    apart = [later - earlier for earlier, later in itertools.pairwise(places) if later > earlier]
    return min([1.0, *apart])


def _last(drawn: list[Series]) -> float:
    return max(series.x[-1] for series in drawn if series.x)


def _has_bars(drawn: list[Series]) -> bool:
    return any(series.line == "bars" and series.x for series in drawn)


def _with_room_for_bars(x: Span, drawn: list[Series]) -> Span:
    bars = [series for series in drawn if series.line == "bars" and series.x]
    room = max(bar_width(series, Frame(x, x)) for series in bars) * (x.end - x.start) / 2
    return replace(x, start=x.start - room, end=x.end + room)
