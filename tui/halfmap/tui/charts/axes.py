"""The values along a plot's axes, written in characters."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from halfmap.tui.charts.frame import Frame
from halfmap.tui.charts.runs import Row, Run
from halfmap.tui.charts.ticks import Room, Tick, ticks_across, ticks_up

_SHORT_UNIT = 3


class LeftAxis:
    """The values of y, in a margin as narrow as they are.

    Parameters
    ----------
    frame, whole
        What is shown, and whether only whole numbers are written.
    rows, width
        Rows of the plot, and its whole width with the margin; without a margin if that would take a third of it.
    """

    def __init__(self, frame: Frame, whole: bool, rows: int, width: int) -> None:
        ticks = ticks_up(frame.y, rows, whole)
        margin = max((len(tick.text) for tick in ticks), default=0) + 1
        self.margin = margin if 3 * margin <= width else 0
        self._labels = {round((1 - tick.place) * (rows - 1)): tick.text for tick in ticks}

    def run(self, row: int, ascii_only: bool) -> Row:
        """Write a row of the margin."""
        if not self.margin:
            return ()
        label = self._labels.get(row)
        line = ("|" if ascii_only else "│") if label is None else ("+" if ascii_only else "┤")
        return (Run(f"{label or '':>{self.margin - 1}}{line}", "axis"),)


def bottom_row(frame: Frame, whole: bool, unit: str, cells: int) -> str:
    """Write the values of x and their unit; values before the last are left out if the unit needs their place."""
    ticks = ticks_across(frame.x, cells, whole)
    room = Room(cells, 1, True)
    return next(filter(None, (_with_unit(kept, room, unit) for kept in _ever_fewer(ticks))), _row(ticks, room))


def _ever_fewer(ticks: tuple[Tick, ...]) -> Iterator[tuple[Tick, ...]]:
    yield ticks
    for fewer in range(2, len(ticks)):
        yield (*ticks[:-fewer], ticks[-1])


def _with_unit(ticks: tuple[Tick, ...], room: Room, unit: str) -> str:
    """Write values and unit; empty if there is no room for it."""
    if not ticks or not unit:
        return _row(ticks, room)
    if len(unit) <= _SHORT_UNIT:
        with_unit = (*ticks[:-1], replace(ticks[-1], text=f"{ticks[-1].text} {unit}"))
        return _row(with_unit, room) if room.holds(with_unit) else ""
    row = _row(ticks, room)
    gaps = [gap.span() for gap in re.finditer(" +", row)]
    for begin, end in reversed(gaps):
        first, last = begin + (begin > 0), end - (end < len(row))
        if last - first >= len(unit):
            at = first + (last - first - len(unit)) // 2
            return row[:at] + unit + row[at + len(unit) :]
    return ""


def _row(ticks: tuple[Tick, ...], room: Room) -> str:
    row = [" "] * room.cells
    for tick in ticks:
        row[room.begin(tick) : room.end(tick)] = tick.text
    return "".join(itertools.islice(row, room.cells))
