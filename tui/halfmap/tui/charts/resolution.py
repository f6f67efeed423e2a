"""Resolution along the iterations, on an axis of 1/Å labelled in Å: finer is further up."""

from collections.abc import Sequence

from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.known import along, before, known, looked_at, overlaid, positive
from halfmap.tui.charts.plot import Axis, Level, Plot, Series
from halfmap.tui.charts.ticks import brief
from halfmap.tui.job.course import Course, Iteration

_NEAR_NYQUIST = 2.0
_AT_NYQUIST = 1.02


def plots(course: Course, cursor: int | None = None, overlays: Sequence[Course] = ()) -> tuple[Plot, ...]:
    """Draw the resolution of a course: while it ran, where the half maps' FSC is 0.143, and of the joined map.

    Parameters
    ----------
    course, overlays
        What is drawn, and what lies behind it.
    cursor
        The iteration that is looked at; None for the latest.
    """
    levels, finest = _nyquist(course, overlays)
    return (
        Plot(
            title="Resolution",
            x=iteration_axis(course, overlays),
            y=Axis("Å", "reciprocal", high=finest),
            series=(*overlaid(overlays, _resolution), *_series(course)),
            levels=levels,
            cursor_x=cursor,
            notes=_notes(course, cursor),
            empty="no iteration has ended yet",
        ),
    )


def _resolution(one: Iteration) -> float | None:
    return _distance(one.resolution_angstrom)


def _distance(value: float | None) -> float | None:
    return positive(known(value))


def _series(course: Course) -> tuple[Series, ...]:
    running = along((one for one in course.iterations if not one.converged), _resolution)
    halves = along(course.iterations, lambda one: _distance(one.resolution_fsc_143_angstrom))
    joined = along((one for one in course.iterations if one.converged), _resolution)
    found: list[Series] = []
    if not halves.is_empty:
        found.append(Series("FSC 0.143", halves.x, halves.y, "second", "line", "g"))
    if not running.is_empty:
        found.append(Series("in run", running.x, running.y, "first", "line", "r"))
    if not joined.is_empty:
        found.append(Series("joined", joined.x, joined.y, "final", "points", "J"))
    return tuple(found)


def _nyquist(course: Course, overlays: Sequence[Course]) -> tuple[tuple[Level, ...], float | None]:
    """Name Nyquist, and have it shown where the resolution is not far from it."""
    nyquist = _distance(course.nyquist_angstrom)
    if nyquist is None:
        return (), None
    finest = _finest([course, *overlays])
    is_near = finest is not None and nyquist * 0.999 <= finest <= _NEAR_NYQUIST * nyquist
    return (Level(nyquist, f"Nyquist {brief(nyquist)} Å"),), 0.98 * nyquist if is_near else None


def _finest(courses: Sequence[Course]) -> float | None:
    values = [
        value
        for course in courses
        for one in course.iterations
        for value in (_resolution(one), _distance(one.resolution_fsc_143_angstrom))
        if value is not None
    ]
    return min(values, default=None)


def _notes(course: Course, cursor: int | None) -> tuple[str, ...]:
    one = course.at(cursor)
    if one is None:
        return ()
    reached, halves = _resolution(one), _distance(one.resolution_fsc_143_angstrom)
    told = "resolution not known" if reached is None else f"{brief(reached)} Å{_change(course, one)}"
    first = f"{looked_at(one, cursor)}{'joined: ' if one.converged else ''}{told}"
    return (first,) if halves is None else (first, f"FSC 0.143 at {brief(halves)} Å{_limit(course, halves)}")


def _change(course: Course, one: Iteration) -> str:
    """Tell the change to the iteration before, or since when there was none."""
    earlier = before(course, one)
    now, then = _resolution(one), None if earlier is None else _resolution(earlier)
    if now is None or then is None:
        return ""
    if abs(now - then) >= 0.005 * now:
        return f", {brief(abs(now - then))} Å {'finer' if now < then else 'coarser'} than before"
    return f" since iteration {_since(course, one, now)}"


def _since(course: Course, one: Iteration, value: float) -> int:
    curve = along((other for other in course.iterations if other.iteration <= one.iteration), _resolution)
    since = one.iteration
    for x, y in zip(reversed(curve.x), reversed(curve.y), strict=True):
        if y is None or abs(y - value) >= 0.005 * value:
            break
        since = int(x)
    return since


def _limit(course: Course, distance: float) -> str:
    nyquist = _distance(course.nyquist_angstrom)
    return ", which is Nyquist" if nyquist is not None and distance <= _AT_NYQUIST * nyquist else ""
