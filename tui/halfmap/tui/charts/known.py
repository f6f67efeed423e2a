"""Values of iterations as charts take them: what is not known is None, whatever stands for it."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from halfmap.tui.charts.plot import Plot, Series
from halfmap.tui.job.course import Course, Iteration

_UNKNOWN = 999.0
OVERLAY_LETTERS = "ABCDEFGHI"
"""What curves of other jobs are called; more of them are not drawn."""

Value = Callable[[Iteration], float | None]


def known(value: object) -> float | None:
    """Give a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def estimated(value: object) -> float | None:
    """Give an estimate; 999 and more mean that there was none (RELION: ``MlOptimiser::initialiseGeneral``)."""
    number = known(value)
    return None if number is None or number >= _UNKNOWN else number


def positive(value: float | None) -> float | None:
    """Give a value that logarithms and reciprocals have; None for any other."""
    return value if value is not None and value > 0 else None


class Curve(NamedTuple):
    """Values along the iterations of a course."""

    x: tuple[float, ...]
    y: tuple[float | None, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is no value at all."""
        return all(value is None for value in self.y)


def along(iterations: Iterable[Iteration], value: Value) -> Curve:
    """Give a value along iterations."""
    pairs = [(float(one.iteration), value(one)) for one in iterations]
    return Curve(tuple(x for x, _ in pairs), tuple(y for _, y in pairs))


def overlaid(overlays: Iterable[Course], value: Value) -> tuple[Series, ...]:
    """Give the same value of other jobs, as curves that lie behind, each with a letter."""
    series: list[Series] = []
    for letter, course in zip(OVERLAY_LETTERS, overlays, strict=False):
        curve = along(course.iterations, value)
        if not curve.is_empty:
            series.append(Series(short_name(course), curve.x, curve.y, "overlay", "line", letter))
    return tuple(series)


def short_name(course: Course) -> str:
    """Call another job by the last part of its name: ``job012`` for ``Refine3D/job012/``."""
    return course.name.rstrip("/").rpartition("/")[2] or "another job"


def before(course: Course, one: Iteration) -> Iteration | None:
    """Give the iteration before another."""
    earlier = [other for other in course.iterations if other.iteration < one.iteration]
    return earlier[-1] if earlier else None


def looked_at(one: Iteration, cursor: int | None) -> str:
    """Begin a sentence about an iteration: with its number if it is not simply the latest."""
    return "" if cursor is None else f"at {one.iteration}: "


def has_curves(plot: Plot) -> bool:
    """Whether a plot shows any value."""
    return any(value is not None for series in plot.series for value in series.y)
