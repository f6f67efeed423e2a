"""Fourier shell correlation of the half maps, by iteration, on an axis of 1/Å labelled in Å."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from halfmap.tui.charts.known import OVERLAY_LETTERS, known, short_name
from halfmap.tui.charts.plot import Axis, Level, Mark, Plot, Role, Series
from halfmap.tui.charts.ticks import brief
from halfmap.tui.job.course import Course, Iteration

GOLD_STANDARD = 0.143
HALF = 0.5
_FADED = 6


@dataclass(frozen=True, slots=True)
class _Shells:
    """Where shells lie: at their distance (Å) if the box is known, else at their number.

    Attributes
    ----------
    extent_angstrom
        Box times pixel size; None if not known.
    """

    extent_angstrom: float | None

    def place(self, shell: float) -> float:
        """Give a shell's place on the axis of x."""
        if self.extent_angstrom is None:
            return shell
        return self.extent_angstrom / shell if shell > 0 else math.inf

    def told(self, shell: float) -> str:
        """Name a shell's place."""
        if self.extent_angstrom is None:
            return f"shell {shell:.3g}"
        return f"{brief(self.extent_angstrom / shell)} Å" if shell > 0 else "shell 0"


def plots(course: Course, cursor: int | None = None, overlays: Sequence[Course] = ()) -> tuple[Plot, ...]:
    """Draw the curve of an iteration, those of some before it faded, and that of the joined map's halves.

    Parameters
    ----------
    course, overlays
        What is drawn, and what lies behind it: the last curve of each.
    cursor
        The iteration that is looked at; None for the latest.
    """
    shells = _shells_of(course)
    one = course.at(cursor)
    has_curve = one is not None and any(value is not None for value in curve_of(one))
    return (
        Plot(
            title="FSC",
            x=_axis(course, shells),
            y=Axis("", low=-0.1, high=1.02),
            series=(*_overlaid(overlays, shells), *_series(course, one, shells)),
            levels=(Level(HALF, "0.5"), Level(GOLD_STANDARD, "0.143")),
            marks=_marks(one, shells),
            notes=_notes(one, shells) if has_curve and one is not None else (),
            empty="no curve yet" if one is None else f"iteration {one.iteration} has no curve",
        ),
    )


def _shells_of(course: Course) -> _Shells:
    box, pixel = known(course.box_px), known(course.pixel_size_angstrom)
    return _Shells(box * pixel if box and pixel and box > 0 and pixel > 0 else None)


def _axis(course: Course, shells: _Shells) -> Axis:
    if shells.extent_angstrom is None:
        return Axis("shell", low=0.0, whole=True)
    return Axis("Å", "reciprocal", low=math.inf, high=course.nyquist_angstrom)


def curve_of(one: Iteration) -> tuple[float | None, ...]:
    """Give the curve by shell; None beyond the images that the iteration used, where RELION writes zeros."""
    size = known(one.current_size_px)
    last = math.inf if size is None else size // 2
    values = [known(value) for value in one.fsc]
    return tuple(None if value == 0 and shell > last else value for shell, value in enumerate(values))


def crossing(curve: Sequence[float | None], level: float) -> float | None:
    """Find the shell where a curve first falls below a level, linearly between shells.

    None if it never does. Shell 0 is passed over: it holds the mean only. A curve that begins below falls there.
    """
    known_ones = [(shell, value) for shell, value in enumerate(curve) if shell and value is not None]
    if known_ones and known_ones[0][1] < level:
        return float(known_ones[0][0])
    for (shell, above), (next_shell, below) in pairwise(known_ones):
        if above >= level > below:
            return shell + (next_shell - shell) * (above - level) / (above - below)
    return None


def _series(course: Course, one: Iteration | None, shells: _Shells) -> Iterator[Series]:
    if one is None:
        return
    before = _some_before(course, one)
    for earlier in before:
        yield _curve(earlier, shells, "faded", "earlier" if earlier is before[-1] else "", "")
    final = next((other for other in course.iterations if other.converged), None)
    if final is not None and final.iteration != one.iteration:
        yield _curve(final, shells, "final", "joined", "J")
    if one.converged:
        yield _curve(one, shells, "final", f"{one.iteration}, joined", "J")
    else:
        yield _curve(one, shells, "first", f"iteration {one.iteration}", "i")


def _some_before(course: Course, one: Iteration) -> list[Iteration]:
    """Choose earlier iterations, evenly, with the first and the one before among them."""
    earlier = [other for other in course.iterations if other.iteration < one.iteration and other.fsc]
    if len(earlier) <= _FADED:
        return earlier
    return [earlier[round(nth * (len(earlier) - 1) / (_FADED - 1))] for nth in range(_FADED)]


def _curve(one: Iteration, shells: _Shells, role: Role, name: str, glyph: str) -> Series:
    curve = curve_of(one)
    return Series(name, tuple(map(shells.place, range(len(curve)))), curve, role, "line", glyph)


def _overlaid(overlays: Sequence[Course], shells: _Shells) -> Iterator[Series]:
    """Other jobs' last curves; without boxes, shells of two jobs are not the same."""
    for letter, course in zip(OVERLAY_LETTERS, overlays, strict=False):
        theirs = _shells_of(course)
        last = course.at(None)
        if last is not None and (theirs.extent_angstrom is None) == (shells.extent_angstrom is None):
            yield _curve(last, theirs, "overlay", short_name(course), letter)


def _marks(one: Iteration | None, shells: _Shells) -> tuple[Mark, ...]:
    shell = None if one is None else crossing(curve_of(one), GOLD_STANDARD)
    return () if not shell else (Mark(shells.place(shell), shells.told(shell)),)


def _notes(one: Iteration, shells: _Shells) -> tuple[str, ...]:
    curve = curve_of(one)
    last = max(shell for shell, value in enumerate(curve) if value is not None)
    parts = [_told(level, crossing(curve, level), last, shells) for level in (GOLD_STANDARD, HALF)]
    told = ", ".join(parts)
    if shells.extent_angstrom is None:
        return told, "the box is not known, so that x is the number of the shell"
    return told, f"linear between shells, the last of which is at {shells.told(last)}"


def _told(level: float, crossed: float | None, last: int, shells: _Shells) -> str:
    return f"{level:g} at {shells.told(crossed)}" if crossed else f"{level:g} beyond {shells.told(last)}"
