"""Where values lie on an axis, from 0 at its low end to 1 at its high end, and back."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from halfmap.tui.charts.plot import Axis, Scale

_LEAST_SHARE = 1e-9
_MOST = 1e100
"""Nothing that is measured is larger, or smaller than its reciprocal; arithmetic with such values stays finite."""


def laid_out(scale: Scale, value: float | None) -> float:
    """Lay a value out evenly along a scale: itself, its logarithm (base 10) or its reciprocal.

    NaN where it has no place: not a number, infinite, beyond all measure, not positive on ``log`` and ``reciprocal``.
    An infinite distance has one on ``reciprocal``: 0.
    """
    if value is None or not -_MOST < value < _MOST:
        return 0.0 if scale == "reciprocal" and value == math.inf else math.nan
    if scale == "linear":
        return float(value)
    if value <= 1 / _MOST:
        return math.nan
    return math.log10(value) if scale == "log" else 1 / value


def taken_back(scale: Scale, laid: float) -> float:
    """Give the value that is laid out there; infinite for a distance at 0."""
    if scale == "linear":
        return laid
    if scale == "log":
        return 10**laid
    return 1 / laid if laid > 1 / _MOST else math.inf


@dataclass(frozen=True, slots=True)
class Span:
    """What an axis shows.

    Attributes
    ----------
    scale
        How values are laid out.
    start, end
        Its ends as they are laid out; `start` is less than `end`.
    """

    scale: Scale
    start: float
    end: float

    def place(self, value: float | None) -> float:
        """Tell where a value lies: 0 at the start, 1 at the end, beyond them outside; NaN if it has no place."""
        return (laid_out(self.scale, value) - self.start) / (self.end - self.start)

    def value(self, place: float) -> float:
        """Tell which value lies there."""
        return taken_back(self.scale, self.start + place * (self.end - self.start))

    @property
    def low(self) -> float:
        """The value at the start."""
        return self.value(0.0)

    @property
    def high(self) -> float:
        """The value at the end."""
        return self.value(1.0)

    def zoomed(self, factor: float, about: float = 1.0) -> "Span":
        """Show a part of this: `factor` times less of it, with the place `about` as much in its middle as can be."""
        width = (self.end - self.start) / max(factor, 1.0)
        middle = self.start + about * (self.end - self.start)
        start = min(max(middle - width / 2, self.start), self.end - width)
        return _wide_enough(self.scale, start, start + width, whole=False)


def span_of(axis: Axis, values: Iterable[float | None], pad: float = 0.0) -> Span | None:
    """Find what an axis shows: its own ends, or those of the values; None if neither tells any.

    Parameters
    ----------
    axis
        An end of its own that the scale does not have is passed over.
    values
        Those that are not finite are passed over.
    pad
        Room beyond the values, as a share of the whole; none beyond an end of the axis' own.
    """
    known = [laid for value in values if math.isfinite(laid := _finite(axis.scale, value))]
    low, high = laid_out(axis.scale, axis.low), laid_out(axis.scale, axis.high)
    start = low if math.isfinite(low) else min(known, default=high)
    end = high if math.isfinite(high) else max(known, default=low)
    if not (math.isfinite(start) and math.isfinite(end)):
        return None
    start, end = min(start, end), max(start, end)
    room = pad * (end - start)
    wide = _wide_enough(
        axis.scale,
        start if math.isfinite(low) else start - room,
        end if math.isfinite(high) else end + room,
        axis.whole,
    )
    return wide if axis.scale != "reciprocal" or wide.start >= 0 else Span(axis.scale, 0.0, wide.end)


def _finite(scale: Scale, value: float | None) -> float:
    """An infinite distance has a place, but no axis is made longer for it."""
    return math.nan if value == math.inf else laid_out(scale, value)


def _wide_enough(scale: Scale, start: float, end: float, whole: bool) -> Span:
    """Give two ends that are too near one another some room."""
    if end - start > _LEAST_SHARE * max(abs(start), abs(end)):
        return Span(scale, start, end)
    if whole:
        room = 0.5
    elif scale == "log":
        room = 0.15
    else:
        room = 0.05 * max(abs(start), abs(end)) or 0.5
    return Span(scale, start - max(room, _LEAST_SHARE * abs(start)), end + max(room, _LEAST_SHARE * abs(end)))
