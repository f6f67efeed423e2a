"""What the terminal shows, remembered, so that only what differs is written to it.

Textual draws whole widgets, often the whole screen, where a digit has changed; over a slow line that is most of what is
sent. Cells that are shown as they should be already are left out here, and colours are told only where they change.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|([^\x1b\r\n]+)|\r?\n")
_MOVE, _STYLE, _TEXT = 2, 3, 4
"""Which group of a token is its last: a place, a style, a text; None for the end of a line, which a place follows."""
_NARROW = re.compile(
    "[ -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u0482\u2010-\u2027\u2030-\u205e\u2070-\u209c"
    "\u2100-\u214f\u2190-\u22ff\u2500-\u25fc\u25ff\u2800-\u28ff]*"
)
"""Texts of which every sign takes one cell, in all terminals alike."""
_STEP_BYTES = len("\x1b[9C")
_COLOUR_PARTS = {"5": 1, "2": 3}
"""How many numbers follow: that of a colour in a palette, or red, green and blue."""


class NotAFrame(Exception):
    """Something else than places, styles and text within the screen."""


@dataclass
class _Row:
    """A line of the terminal: the sign in each cell and its style; an empty sign is not known."""

    signs: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)

    def reach(self, width: int) -> None:
        missing = width - len(self.signs)
        if missing > 0:
            self.signs += [""] * missing
            self.styles += [""] * missing


@dataclass
class _Pen:
    """What is written, where the cursor is after it, and which style is on."""

    written: list[str] = field(default_factory=list)
    place: tuple[int, int] | None = None
    style: str = ""

    def write(self, y: int, x: int, text: str, style: str) -> None:
        self.go(y, x)
        self.turn(style)
        self.written.append(text)
        self.place = y, x + len(text)

    def go(self, y: int, x: int) -> None:
        if self.place == (y, x):
            return
        is_further = self.place is not None and self.place[0] == y and self.place[1] < x
        self.written.append(f"\x1b[{x - self.place[1]}C" if is_further and self.place else f"\x1b[{y};{x}H")
        self.place = y, x

    def turn(self, style: str) -> None:
        if style != self.style:
            self.written.append(change_of_style(self.style, style))
            self.style = style


class ScreenMemory:
    """Remembers what was written, frame by frame."""

    def __init__(self) -> None:
        self._rows = dict[int, _Row]()
        self._cursor: tuple[int, int] | None = None

    def forget(self) -> None:
        """Take nothing for known: the terminal may show anything."""
        self._rows.clear()
        self._cursor = None

    def spare(self, frame: str, width: int, height: int) -> str:
        """Give what has to be written so that a terminal shows a frame; empty if it shows it already.

        Parameters
        ----------
        frame
            Places, styles and text, the cursor's place at its end. Anything else is given back as it is, and the
            terminal is not known then; so is a frame that is larger than the terminal, which has just become smaller:
            what does not fit is written over its last column and line.
        width, height
            The terminal's size (cells).
        """
        pen = _Pen()
        try:
            cursor = self._draw(frame, pen, width, height)
        except NotAFrame:
            self.forget()
            return frame
        pen.turn("")
        if cursor is not None and (pen.written or cursor != self._cursor):
            pen.go(*cursor)
            self._cursor = cursor
        return "".join(pen.written)

    def _draw(self, frame: str, pen: _Pen, width: int, height: int) -> tuple[int, int] | None:
        """Write what differs; give where the cursor is in the end."""
        place: tuple[int, int] | None = None
        style, end, is_plain = "", 0, True
        for token in _TOKEN.finditer(frame):
            if token.start() != end:
                raise NotAFrame
            end, kind = token.end(), token.lastindex
            if kind == _STYLE:
                style = "" if token[3] in ("", "0") else token[3]
            elif kind == _MOVE:
                pen.place = pen.place if is_plain else None
                place, is_plain = (int(token[1]), int(token[2])), True
            elif kind is None:
                place = None
            elif place is None or place[0] > height or place[1] + len(token[4]) > width + 1:
                raise NotAFrame
            else:
                text = token[4]
                is_plain = is_plain and _NARROW.fullmatch(text) is not None
                (self._differ if is_plain else self._as_it_is)(*place, text, style, pen)
                place = place[0], place[1] + len(text)
        if end != len(frame):
            raise NotAFrame
        return place

    def _differ(self, y: int, x: int, text: str, style: str, pen: _Pen) -> None:
        """Write the cells of a text that differ from those that are shown."""
        row = self._rows.setdefault(y, _Row())
        stop, signs = x + len(text), [*text]
        row.reach(stop)
        if row.signs[x:stop] == signs and row.styles[x:stop] == [style] * len(text):
            return
        differing = [at for at in range(len(text)) if (row.signs[x + at], row.styles[x + at]) != (signs[at], style)]
        for first, last in _joined(differing):
            pen.write(y, x + first, text[first : last + 1], style)
        row.signs[x:stop] = signs
        row.styles[x:stop] = [style] * len(text)

    def _as_it_is(self, y: int, x: int, text: str, style: str, pen: _Pen) -> None:
        """Write signs of other widths behind what was written; from there on nothing is known of the line."""
        row = self._rows.setdefault(y, _Row())
        # a mark may sit on the sign before
        del row.signs[max(1, x - 1) :], row.styles[max(1, x - 1) :]
        pen.write(y, x, text, style)


def _joined(places: list[int]) -> Iterator[tuple[int, int]]:
    """Give stretches that hold all places; a gap that costs no more than a step over it is part of a stretch."""
    first = last = places[0]
    for place in places[1:]:
        if place - last > _STEP_BYTES:
            yield first, last
            first = place
        last = place
    yield first, last


@lru_cache(maxsize=4096)
def change_of_style(old: str, new: str) -> str:
    """Give the sequence after which a terminal that writes in one style writes in another."""
    (old_ink, old_ground, old_traits), (ink, ground, traits) = _parts(old), _parts(new)
    if old_traits != traits:
        return f"\x1b[0;{new}m" if new else "\x1b[0m"
    changes = [ink or "39"] if ink != old_ink else []
    changes += [ground or "49"] if ground != old_ground else []
    return f"\x1b[{';'.join(changes)}m" if new else "\x1b[0m"


def _parts(style: str) -> tuple[str, str, tuple[str, ...]]:
    """Take a style apart: colour of the signs, of the ground, and all else."""
    codes, ink, ground, traits = iter(style.split(";") if style else ()), "", "", list[str]()
    for first in codes:
        code = first
        if first in ("38", "48"):
            kind = next(codes, "")
            code = ";".join([first, kind, *(next(codes, "") for _ in range(_COLOUR_PARTS.get(kind, 0)))])
        if code.startswith("38;") or _is_in(code, 30, 90):
            ink = code
        elif code.startswith("48;") or _is_in(code, 40, 100):
            ground = code
        else:
            traits.append(code)
    return ink, ground, tuple(traits)


def _is_in(code: str, dark: int, bright: int) -> bool:
    return code.isdecimal() and (dark <= int(code) < dark + 8 or bright <= int(code) < bright + 8)
