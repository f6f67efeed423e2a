"""Angles of the particles of a STAR file, line by line."""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from halfmap.tui.files.patient import Beat

_TABLE, _ROT, _TILT = b"data_particles", b"_rlnAngleRot", b"_rlnAngleTilt"
_LONGEST_LINE = 2**20
_BEAT_LINES = 2000
# a quote opens a field only at its beginning, and closes it only before a blank
_FIELD = re.compile(rb"""'(?:[^']|'(?=\S))*'(?=\s|$)|"(?:[^"]|"(?=\S))*"(?=\s|$)|\S+""")


class BadDirections(Exception):
    """A file without the particles' angles, or that cannot be read; the message says so, without its name."""


def angles(file: BinaryIO, beat: Beat) -> Iterator[tuple[float, float] | None]:
    """Give rot and tilt of each particle (degrees); None for a line that cannot be read. A torn last one is left out.

    Raises
    ------
    BadDirections
        If the file has no such table or columns.
    """
    lines = _lines(file, beat)
    rot, tilt, first = _header(lines)
    last = max(rot, tilt) + 1
    for line in _rows(first, lines):
        found = fields(line, last)
        try:
            at = float(found[rot]), float(found[tilt])
        except (ValueError, IndexError):
            yield None
        else:
            yield at if math.isfinite(at[0] + at[1]) else None


def fields(line: bytes, at_most: int) -> Sequence[bytes]:
    """Split a line into its fields, quoted ones as one; only the first `at_most` need be right."""
    if b'"' in line or b"'" in line:
        return _FIELD.findall(line)
    return line.split(None, at_most)


def _lines(file: BinaryIO, beat: Beat) -> Iterator[bytes]:
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b"")):
        if not number % _BEAT_LINES:
            beat()
        yield line


def _header(lines: Iterator[bytes]) -> tuple[int, int, bytes]:
    """Find the columns of rot and tilt, and the table's first row."""
    labels: list[bytes] = []
    is_there, has_begun = False, False
    for line in lines:
        has_begun, word = True, line.split(None, 1)[:1]
        if line.startswith(b"data_") and not labels:
            is_there = line.strip() == _TABLE
        elif is_there and line.startswith(b"_"):
            labels += word
        elif labels and word and not line.startswith(b"#"):
            return _column(labels, _ROT), _column(labels, _TILT), line
    if not has_begun:
        raise BadDirections("is empty.")
    if not labels:
        raise BadDirections("has no table of particles (data_particles); it may still be being written.")
    _column(labels, _ROT), _column(labels, _TILT)
    raise BadDirections("has no particles yet; it may still be being written.")


def _column(labels: Sequence[bytes], label: bytes) -> int:
    if label not in labels:
        raise BadDirections(f"has no column {label[1:].decode()}.")
    return labels.index(label)


def _rows(first: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Give the rows of the table that begins with this one; one without its line end is not whole."""
    for line in chain([first], lines):
        if not line.endswith(b"\n") or line.startswith((b"data_", b"loop_", b"_")):
            return
        if not line.startswith(b"#") and not line.isspace():
            yield line
