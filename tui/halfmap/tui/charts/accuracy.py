"""How accurately particles can be aligned, with the sampling steps as stairs: why sampling became finer, or stopped.

RELION makes the angular step finer unless it is below three quarters of the estimated accuracy already; offset steps
become finer together with it (RELION: ``MlOptimiser::updateAngularSampling``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.known import Value, along, estimated, known, looked_at, overlaid, positive
from halfmap.tui.charts.plot import Axis, Mark, Plot, Series
from halfmap.tui.charts.ticks import brief
from halfmap.tui.job.course import Course, Iteration

FINE_ENOUGH = 0.75
"""A step below this share of the accuracy is fine enough."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Angles or offsets: what they are called, and their accuracy and step."""

    title: str
    unit: str
    accuracy: Value
    step: Value


_ANGLES = _Kind(
    "Angles",
    "°",
    lambda one: positive(estimated(one.accuracy_rotation_deg)),
    lambda one: positive(known(one.angular_step_deg)),
)
_OFFSETS = _Kind(
    "Offsets",
    "Å",
    lambda one: positive(estimated(one.accuracy_translation_angstrom)),
    lambda one: positive(known(one.offset_step_angstrom)),
)


def plots(course: Course, cursor: int | None = None, overlays: Sequence[Course] = ()) -> tuple[Plot, ...]:
    """Draw angles, and offsets.

    Parameters
    ----------
    course, overlays
        What is drawn, and what lies behind it.
    cursor
        The iteration that is looked at; None for the latest.
    """
    one = course.at(cursor)
    told = {_ANGLES: _angles_told, _OFFSETS: _offsets_told}
    return tuple(
        Plot(
            title=kind.title,
            x=iteration_axis(course, overlays),
            y=Axis(kind.unit, "log"),
            series=(*overlaid(overlays, kind.accuracy), *_series(course, kind)),
            marks=_local_searches(course),
            cursor_x=cursor,
            notes=() if one is None else (f"{looked_at(one, cursor)}{tell(one)}",),
            empty="no iteration has ended yet",
        )
        for kind, tell in told.items()
    )


def _series(course: Course, kind: _Kind) -> tuple[Series, ...]:
    accuracy, step = along(course.iterations, kind.accuracy), along(course.iterations, kind.step)
    enough = tuple(None if value is None else FINE_ENOUGH * value for value in accuracy.y)
    found: list[Series] = []
    if not accuracy.is_empty:
        found.append(Series("75 % of a", accuracy.x, enough, "third", "line", "%"))
    if not step.is_empty:
        found.append(Series("step", step.x, step.y, "second", "stairs", "s"))
    if not accuracy.is_empty:
        found.append(Series("accuracy", accuracy.x, accuracy.y, "first", "line", "a"))
    return tuple(found)


def _local_searches(course: Course) -> tuple[Mark, ...]:
    first = next((one.iteration for one in course.iterations if one.local_searches), None)
    return () if first is None else (Mark(float(first), "local searches"),)


def _angles_told(one: Iteration) -> str:
    step, accuracy = _ANGLES.step(one), _ANGLES.accuracy(one)
    if step is None:
        return "angular step not known"
    if accuracy is None:
        return f"step {brief(step)}°; the accuracy has not been estimated yet"
    share = f"75 % of {brief(accuracy)}°"
    if step < FINE_ENOUGH * accuracy:
        return f"fine enough: step {brief(step)}° is below {share}, no finer step is needed"
    return f"not fine enough: step {brief(step)}° is above {share}; a finer one follows once nothing improves any more"


def _offsets_told(one: Iteration) -> str:
    step, accuracy = _OFFSETS.step(one), _OFFSETS.accuracy(one)
    if step is None:
        return "offset step not known"
    if accuracy is None:
        return f"step {brief(step)} Å; the accuracy has not been estimated yet"
    relation = "below" if step < FINE_ENOUGH * accuracy else "above"
    return (
        f"step {brief(step)} Å is {relation} 75 % of {brief(accuracy)} Å; it becomes finer with the angular step only"
    )
