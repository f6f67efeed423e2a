"""What still changes from one iteration to the next: poses, how sharp their assignment is, the likelihood."""

from collections.abc import Sequence

from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.known import Value, along, before, estimated, has_curves, known, looked_at, overlaid, positive
from halfmap.tui.charts.plot import Axis, Plot, Series
from halfmap.tui.charts.ticks import brief
from halfmap.tui.job.course import Course, Iteration

_EARLY = 3


def plots(course: Course, cursor: int | None = None, overlays: Sequence[Course] = ()) -> tuple[Plot, ...]:
    """Draw changes of poses, average Pmax, significant samples and log-likelihood.

    Values that no iteration has are left out, but for the changes.

    Parameters
    ----------
    course, overlays
        What is drawn, and what lies behind it.
    cursor
        The iteration that is looked at; None for the latest.
    """
    others = (_pmax(course, cursor, overlays), _samples(course, cursor, overlays), _likelihood(course, cursor))
    return (_poses(course, cursor, overlays), *filter(has_curves, others))


def _orientations(one: Iteration) -> float | None:
    return positive(estimated(one.changes_orientations_deg))


def _offsets(one: Iteration) -> float | None:
    return positive(estimated(one.changes_offsets_angstrom))


def _poses(course: Course, cursor: int | None, overlays: Sequence[Course]) -> Plot:
    angles, offsets = along(course.iterations, _orientations), along(course.iterations, _offsets)
    one = course.at(cursor)
    return Plot(
        title="Changes of poses",
        x=iteration_axis(course, overlays),
        y=Axis("", "log"),
        series=(
            *overlaid(overlays, _orientations),
            Series("offset Å", offsets.x, offsets.y, "second", "line", "x"),
            Series("orientation °", angles.x, angles.y, "first", "line", "o"),
        ),
        cursor_x=cursor,
        notes=() if one is None else (f"{looked_at(one, cursor)}{_poses_told(one)}",),
        empty="changes are not known yet",
    )


def _poses_told(one: Iteration) -> str:
    parts = (
        _in_steps(_orientations(one), "°", known(one.angular_step_deg)),
        _in_steps(_offsets(one), " Å", known(one.offset_step_angstrom)),
    )
    return ", ".join(part for part in parts if part) or "changes not known"


def _in_steps(value: float | None, unit: str, step: float | None) -> str:
    if value is None:
        return ""
    return f"{brief(value)}{unit}{f' ({value / step:.2g} steps)' if step and step > 0 else ''}"


def _pmax(course: Course, cursor: int | None, overlays: Sequence[Course]) -> Plot:
    def value(one: Iteration) -> float | None:
        return known(one.average_pmax)

    return Plot(
        title="Average Pmax",
        x=iteration_axis(course, overlays),
        y=Axis("", low=0.0, high=1.0),
        series=(*overlaid(overlays, value), *_single(course, value, "p")),
        cursor_x=cursor,
        notes=_told(course, cursor, value),
    )


def _samples(course: Course, cursor: int | None, overlays: Sequence[Course]) -> Plot:
    def value(one: Iteration) -> float | None:
        return positive(known(one.significant_samples_mean))

    return Plot(
        title="Significant samples",
        x=iteration_axis(course, overlays),
        y=Axis("", "log"),
        series=(*overlaid(overlays, value), *_single(course, value, "n")),
        cursor_x=cursor,
        notes=_told(course, cursor, value),
    )


def _likelihood(course: Course, cursor: int | None) -> Plot:
    """Draw the log-likelihood. Other jobs' are not laid over: those of other data cannot be compared."""

    def value(one: Iteration) -> float | None:
        return known(one.log_likelihood)

    return Plot(
        title="Log-likelihood",
        x=iteration_axis(course),
        y=Axis("", low=_low_of_later(course, value)),
        series=_single(course, value, "L"),
        cursor_x=cursor,
        notes=_told(course, cursor, value),
    )


def _low_of_later(course: Course, value: Value) -> float | None:
    """The axis begins below all but the first iterations, which are often of another kind, and far lower."""
    values = [number for one in course.iterations if (number := value(one)) is not None]
    later = values[min(_EARLY - 1, len(values) // 3) :]
    if len(later) < 2:
        return None
    return min(later) - 0.1 * (max(later) - min(later))


def _single(course: Course, value: Value, glyph: str) -> tuple[Series, ...]:
    curve = along(course.iterations, value)
    return () if curve.is_empty else (Series("", curve.x, curve.y, "first", "line", glyph),)


def _told(course: Course, cursor: int | None, value: Value) -> tuple[str, ...]:
    """Tell a value and how it changed."""
    one = course.at(cursor)
    now = None if one is None else value(one)
    if one is None or now is None:
        return ()
    earlier = before(course, one)
    then = None if earlier is None else value(earlier)
    change = "" if then is None else f" ({'+' if now >= then else '-'}{brief(abs(now - then))})"
    return (f"{looked_at(one, cursor)}{brief(now)}{change}",)
