"""Where the time goes: seconds by phase and memory by iteration, and what the cards did meanwhile."""

from collections.abc import Sequence

from halfmap.daemon.client import CardSample
from halfmap.tui.charts.cards import card_plots
from halfmap.tui.charts.iterations import iteration_axis
from halfmap.tui.charts.known import has_curves, known, looked_at, overlaid
from halfmap.tui.charts.memory import memory_plot
from halfmap.tui.charts.plot import Axis, Plot, Role, Series
from halfmap.tui.job.course import Course, Iteration
from halfmap.tui.text.figures import duration

_PHASES: tuple[tuple[str, Role, str], ...] = (
    ("expectation", "first", "e"),
    ("maximization", "second", "m"),
    ("accuracy", "third", "a"),
    ("write", "fourth", "w"),
)
_REST: tuple[str, Role, str] = ("the rest", "faded", "r")
_UNITS = ((2 * 86400.0, "d", 86400.0), (2 * 3600.0, "h", 3600.0), (300.0, "min", 60.0), (0.0, "s", 1.0))


def plots(
    course: Course, cursor: int | None = None, overlays: Sequence[Course] = (), samples: Sequence[CardSample] = ()
) -> tuple[Plot, ...]:
    """Draw seconds by phase, memory, and the cards' power, memory and utilisation where they are known.

    Parameters
    ----------
    course, overlays
        What is drawn, and what lies behind it.
    cursor
        The iteration that is looked at; None for the latest.
    samples
        What the job's cards did.
    """
    others = (memory_plot(course, cursor, overlays), *card_plots(samples))
    return (_time(course, cursor, overlays), *filter(has_curves, others))


def total_seconds(one: Iteration) -> float | None:
    """Give the time of all phases of an iteration; None if none is known."""
    found = [value for value in map(known, one.seconds.values()) if value is not None]
    return sum(found) if found else None


def _time(course: Course, cursor: int | None, overlays: Sequence[Course]) -> Plot:
    longest = max((total for one in course.iterations if (total := total_seconds(one)) is not None), default=0.0)
    unit, seconds = next((unit, seconds) for least, unit, seconds in _UNITS if longest >= least)
    one = course.at(cursor)

    def in_unit(other: Iteration) -> float | None:
        value = total_seconds(other)
        return None if value is None else value / seconds

    return Plot(
        title="Time",
        x=iteration_axis(course, overlays),
        y=Axis(unit, low=0.0),
        series=(*_bars(course, seconds), *overlaid(overlays, in_unit)),
        cursor_x=cursor,
        notes=() if one is None else _time_told(one, cursor),
        empty="this program does not tell how long its phases take"
        if course.iterations
        else "no iteration has ended yet",
    )


def _bars(course: Course, unit_s: float) -> list[Series]:
    """Stack phases: bars of the sums so far, the highest first, each covering the lower part of the one before."""
    kinds = [kind for kind in (*_PHASES, _REST) if any(_of_phase(one, kind[0]) for one in course.iterations)]
    stacked: list[Series] = []
    for nth, (name, role, glyph) in enumerate(kinds):
        phases = [phase for phase, _, _ in kinds[: nth + 1]]
        x = tuple(float(one.iteration) for one in course.iterations)
        y = tuple(sum(_of_phase(one, phase) for phase in phases) / unit_s or None for one in course.iterations)
        stacked.append(Series(name, x, y, role, "bars", glyph))
    return stacked[::-1]


def _of_phase(one: Iteration, phase: str) -> float:
    """Give the seconds of a phase; of all that have no name here for the rest."""
    if phase != _REST[0]:
        return max(known(one.seconds.get(phase)) or 0.0, 0.0)
    named_ones = {name for name, _, _ in _PHASES}
    return sum(max(known(value) or 0.0, 0.0) for name, value in one.seconds.items() if name not in named_ones)


def _time_told(one: Iteration, cursor: int | None) -> tuple[str, ...]:
    total = total_seconds(one)
    if not total:
        return ()
    names = [name for name, _, _ in (*_PHASES, _REST)]
    shares = sorted(((_of_phase(one, name) / total, name) for name in names), reverse=True)
    told = ", ".join(f"{name} {100 * share:.0f} %" for share, name in shares if share >= 0.01)
    return (f"{looked_at(one, cursor)}{duration(total)}; {told}",)
