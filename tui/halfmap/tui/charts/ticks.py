"""Round values along an axis, as many as can be written without touching."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from halfmap.tui.charts.scales import Span

_SUFFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_ROUND_DISTANCES = ((1,), (2, 5), (4,), (3, 6, 8), (1.5, 2.5, 3.5), (7, 4.5, 9))
_FINER_DISTANCES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
_ENOUGH = 3
_LONGEST_SHARE = 25.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A value with its place on the axis (0 to 1) and how it is written."""

    value: float
    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Room:
    """How much room ticks have.

    Attributes
    ----------
    cells
        Length of the axis.
    gap
        Least distance between two of them (cells).
    is_across
        Whether they are written along the axis, so that their width counts.
    """

    cells: int
    gap: int
    is_across: bool

    def begin(self, tick: Tick) -> int:
        """Tell the cell where a tick's text begins; it is centred, but stays within the axis."""
        cell = round(tick.place * (self.cells - 1))
        size = self._size(tick)
        return min(max(cell - size // 2, 0), max(self.cells - size, 0))

    def end(self, tick: Tick) -> int:
        """Tell the cell after a tick's text."""
        return self.begin(tick) + self._size(tick)

    def holds(self, ticks: Sequence[Tick]) -> bool:
        """Whether all of them, in order, can be written."""
        if any(self.end(tick) > self.cells for tick in ticks):
            return False
        return all(self.end(one) + self.gap <= self.begin(next_one) for one, next_one in itertools.pairwise(ticks))

    def _size(self, tick: Tick) -> int:
        return len(tick.text) if self.is_across else 1


def ticks_up(span: Span, rows: int, whole: bool = False) -> tuple[Tick, ...]:
    """Choose the values of an axis that goes up; each is written in a row of its own."""
    return _ticks(span, Room(rows, 1 if rows >= 5 else 0, False), max(2, rows // 2), whole)


def ticks_across(span: Span, cells: int, whole: bool = False) -> tuple[Tick, ...]:
    """Choose the values of an axis that goes across."""
    return _ticks(span, Room(cells, 2 if cells > 24 else 1, True), max(2, cells // 3), whole)


def _ticks(span: Span, room: Room, most: int, whole: bool) -> tuple[Tick, ...]:
    if room.cells < 1:
        return ()
    if span.scale == "reciprocal":
        return _spread(span, room, most)
    sets = ((_inside(span, values), step) for values, step in _sets(span, most, whole) if len(values) <= most)
    for values, step in sets:
        texts = texts_of(values, step)
        ticks = tuple(Tick(value, span.place(value), text) for value, text in zip(values, texts, strict=True))
        if room.holds(ticks):
            return ticks
    return ()


def _sets(span: Span, most: int, whole: bool) -> Iterator[tuple[list[float], float]]:
    """Give sets of round values, densest first, each with its step (0 for none)."""
    if span.scale == "linear" or span.end - span.start < 1:
        yield from _even(span.low, span.high, most, whole)
    if span.scale == "log":
        decades = range(math.floor(span.start), math.ceil(span.end) + 1)
        for mantissas in (range(1, 10), (1, 2, 5), (1, 3)) if len(decades) <= most else ():
            yield _inside(span, (m * 10.0**k for k in decades for m in mantissas)), 0.0
        for apart in (1, 2, 3, 5, 10, 50, 100):
            yield _inside(span, (10.0**k for k in decades if k % apart == 0)), 0.0


def _even(low: float, high: float, most: int, whole: bool) -> Iterator[tuple[list[float], float]]:
    width = high - low
    least = max(width / max(most, 1), 1.0 if whole else 0.0)
    power = math.floor(math.log10(least)) if least > 0 else 0
    for k, mantissa in itertools.product(range(power, power + 4), (1, 2, 5)):
        step = mantissa * 10.0**k
        if step < least * (1 - 1e-9):
            continue
        first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
        yield [count * step for count in range(first, min(last, first + 1000) + 1)], step


def _inside(span: Span, values: Iterable[float]) -> list[float]:
    return [value for value in values if -1e-6 <= span.place(value) <= 1 + 1e-6]


def _spread(span: Span, room: Room, most: int) -> tuple[Tick, ...]:
    """Place round distances, the roundest first, wherever there is room."""
    placed: list[Tick] = []
    for nth, values in enumerate(_distances(span)):
        if len(placed) >= (_ENOUGH if nth >= len(_ROUND_DISTANCES) else most):
            break
        for value in _inside(span, (value for value in values if value <= _LONGEST_SHARE * span.high)):
            tick = Tick(value, span.place(value), f"{value:.6g}")
            tried = sorted((*placed, tick), key=lambda one: one.place)
            if room.holds(tried) and len(tried) <= most:
                placed = tried
    return tuple(placed)


def _distances(span: Span) -> Iterator[list[float]]:
    least, largest = span.high, min(span.low, _LONGEST_SHARE * span.high)
    if not (0 < least < math.inf and largest > 0):
        return
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(largest)) + 1)
    for mantissas in _ROUND_DISTANCES:
        yield [round(m * 10.0**k, 9 - min(k, 0)) for k in decades for m in mantissas]
    for share in _FINER_DISTANCES:
        step = share * 10.0 ** math.floor(math.log10(largest))
        first = math.ceil(least / step - 1e-6)
        yield [count * step for count in range(first, min(math.floor(largest / step + 1e-6), first + 200) + 1)]


def texts_of(values: Sequence[float], step: float) -> list[str]:
    """Write values alike: with as many decimals as their step needs, large ones as ``12k`` and ``2.21M``."""
    largest = max(map(abs, values), default=0.0)
    if step <= 0:
        return [brief(value) for value in values]
    if largest >= 1e15 or (largest < 1e-4 and largest > 0):
        return [f"{value:.3g}" for value in values]
    unit, suffix = next(((u, s) for u, s in _SUFFIXES if largest >= max(u, 1e4)), (1.0, ""))
    decimals = max(0, -math.floor(math.log10(step / unit) + 1e-9))
    return [f"{value / unit + 0.0:.{decimals}f}{suffix if value else ''}" for value in values]


def brief(value: float) -> str:
    """Write a value in few characters, to three digits: ``0.469``, ``17.2``, ``1220``, ``12.3k``, ``2.22M``."""
    size = abs(value)
    if size < 9999.5:
        return f"{value:.3g}" if size < 999.5 else f"{value:.0f}"
    unit, suffix = next(((u, s) for u, s in _SUFFIXES if size >= 0.9995 * u))
    return f"{value / unit:.3g}{suffix}" if size < 9e14 else f"{value:.2g}"
