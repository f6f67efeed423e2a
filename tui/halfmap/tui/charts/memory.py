"""The memory of a refinement's ranks, iteration by iteration."""

from collections.abc import Sequence

from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.known import along, known, looked_at, overlaid
from halfmap.tui.charts.plot import Axis, Plot, Role, Series
from halfmap.tui.job.course import Course, Iteration
from halfmap.tui.text.figures import megabytes

_SINGLE: tuple[Role, ...] = ("first", "second", "third")


def memory_plot(course: Course, cursor: int | None, overlays: Sequence[Course]) -> Plot:
    """Draw the largest memory so far of each rank; of many ranks the least and the largest only."""
    one = course.at(cursor)
    return Plot(
        title="Rank memory",
        x=iteration_axis(course, overlays),
        y=Axis("GB", low=0.0),
        series=(*overlaid(overlays, _largest), *_series(course)),
        cursor_x=cursor,
        notes=() if one is None else _told(one, cursor),
    )


def _series(course: Course) -> tuple[Series, ...]:
    ranks = max((len(one.memory_mb) for one in course.iterations), default=0)
    if ranks <= len(_SINGLE):
        return tuple(_of_rank(course, rank) for rank in range(ranks))
    least, largest = along(course.iterations, _least), along(course.iterations, _largest)
    return (
        Series("least", least.x, least.y, "second", "line", "l"),
        Series("largest", largest.x, largest.y, "first", "line", "m"),
    )


def _of_rank(course: Course, rank: int) -> Series:
    curve = along(course.iterations, lambda one: _gigabytes_of(one, rank))
    return Series(f"rank {rank}", curve.x, curve.y, _SINGLE[rank], "line", f"{rank}")


def _largest(one: Iteration) -> float | None:
    return max(_gigabytes(one), default=None)


def _least(one: Iteration) -> float | None:
    return min(_gigabytes(one), default=None)


def _gigabytes_of(one: Iteration, rank: int) -> float | None:
    value = known(one.memory_mb[rank]) if rank < len(one.memory_mb) else None
    return None if value is None else value / 1024


def _gigabytes(one: Iteration) -> list[float]:
    return [value for rank in range(len(one.memory_mb)) if (value := _gigabytes_of(one, rank)) is not None]


def _told(one: Iteration, cursor: int | None) -> tuple[str, ...]:
    found = _gigabytes(one)
    if not found:
        return ()
    largest, together = megabytes(1024 * max(found)), megabytes(1024 * sum(found))
    ranks = f"; {len(found)} ranks together {together}" if len(found) > 1 else ""
    return (f"{looked_at(one, cursor)}at most {largest}{ranks}",)
