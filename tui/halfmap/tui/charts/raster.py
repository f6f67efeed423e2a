"""A canvas of character cells with dots in them: Braille's two by four, or three levels of ASCII.

What is painted later is opaque: a cell shows the dots of the last one that painted there, because a cell has one
colour. Lines across the plot, such as levels and the cursor, lie below all curves.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from halfmap.tui.charts.runs import Run

BELOW = -1
"""The owner of cells that hold no curve's dots."""


@dataclass(frozen=True, slots=True)
class Dots:
    """How dots lie in a cell.

    Attributes
    ----------
    across, down
        Their number.
    bits
        What each adds to a cell's mask: ``bits[y][x]``.
    characters
        By mask.
    """

    across: int
    down: int
    bits: tuple[tuple[int, ...], ...]
    characters: str


BRAILLE = Dots(2, 4, ((1, 8), (2, 16), (4, 32), (64, 128)), "".join(map(chr, range(0x2800, 0x2900))).replace("⠀", " "))
ASCII = Dots(1, 3, ((1,), (2,), (4,)), " '-\".:,|")


class Canvas:
    """So many cells.

    Parameters
    ----------
    width, height
        In cells, at least 1.
    dots
        How dots lie in a cell.

    Attributes
    ----------
    across, down
        Its size in dots; dot (0, 0) is at the upper left.
    """

    def __init__(self, width: int, height: int, dots: Dots) -> None:
        self.width, self.height, self.dots = width, height, dots
        self.across, self.down = width * dots.across, height * dots.down
        self._masks = [0] * (width * height)
        self._owners = [BELOW] * (width * height)
        self._roles = [""] * (width * height)
        self._characters: dict[int, str] = {}
        self._owner, self._role = BELOW, ""

    def take_pen(self, owner: int, role: str) -> None:
        """Paint in a role from now on; cells of other owners are painted over."""
        self._owner, self._role = owner, role

    def dot(self, x: int, y: int) -> None:
        """Paint a dot; outside the canvas there is nothing to paint."""
        if not (0 <= x < self.across and 0 <= y < self.down):
            return
        across, down = self.dots.across, self.dots.down
        cell = y // down * self.width + x // across
        if self._owners[cell] != self._owner or self._roles[cell] != self._role:
            self._masks[cell] = 0
            self._owners[cell], self._roles[cell] = self._owner, self._role
            self._characters.pop(cell, None)
        self._masks[cell] |= self.dots.bits[y % down][x % across]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Paint a straight line between two places (dots), as far as it is on the canvas."""
        inside = clipped((x0, y0, x1, y1), self.across - 0.5, self.down - 0.5)
        if inside is None:
            return
        x0, y0, x1, y1 = inside
        steps = max(1, math.ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for step in range(steps + 1):
            share = step / steps
            self.dot(round(x0 + share * (x1 - x0)), round(y0 + share * (y1 - y0)))

    def block(self, columns: range, rows: range) -> None:
        """Fill a rectangle of dots."""
        for y in range(max(rows.start, 0), min(rows.stop, self.down)):
            for x in range(max(columns.start, 0), min(columns.stop, self.across)):
                self.dot(x, y)

    def write(self, column: int, row: int, text: str, role: str) -> None:
        """Write narrow characters over whatever is there, as the present owner's."""
        for nth, character in enumerate(text):
            if 0 <= column + nth < self.width and 0 <= row < self.height:
                cell = row * self.width + column + nth
                self._characters[cell], self._roles[cell], self._owners[cell] = character, role, self._owner

    def owner(self, column: int, row: int) -> int:
        """Tell who painted a cell last; `BELOW` if no curve did."""
        return self._owners[row * self.width + column]

    def is_free(self, column: int, row: int, length: int) -> bool:
        """Whether no curve and no text is in these cells."""
        if column < 0 or column + length > self.width or not 0 <= row < self.height:
            return False
        cells = range(row * self.width + column, row * self.width + column + length)
        return all(self._owners[cell] == BELOW and cell not in self._characters for cell in cells)

    def rows(self) -> Iterator[list[Run]]:
        """Give what is to be seen, row by row."""
        for row in range(self.height):
            first, last = row * self.width, (row + 1) * self.width
            ends = [cell for cell in range(first + 1, last) if self._roles[cell] != self._roles[cell - 1]]
            yield [Run(self._text(*cells), self._roles[cells[0]]) for cells in pairwise([first, *ends, last])]

    def _text(self, begin: int, end: int) -> str:
        shown, characters = self.dots.characters, self._characters
        return "".join(characters.get(cell) or shown[self._masks[cell]] for cell in range(begin, end))


def clipped(
    ends: tuple[float, float, float, float], right: float, bottom: float, left: float = -0.5, top: float = -0.5
) -> tuple[float, float, float, float] | None:
    """Cut a line (x0, y0, x1, y1) to a rectangle (Liang and Barsky); None if nothing of it is inside."""
    x0, y0, x1, y1 = ends
    if not all(map(math.isfinite, ends)):
        return None
    first, last = 0.0, 1.0
    for step, room in ((x0 - x1, x0 - left), (x1 - x0, right - x0), (y0 - y1, y0 - top), (y1 - y0, bottom - y0)):
        if step == 0:
            if room < 0:
                return None
        elif step < 0:
            first = max(first, room / step)
        else:
            last = min(last, room / step)
    if first > last:
        return None
    return x0 + first * (x1 - x0), y0 + first * (y1 - y0), x0 + last * (x1 - x0), y0 + last * (y1 - y0)
