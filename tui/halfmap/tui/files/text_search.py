"""Searching a large file for the next line that matches, forwards or backwards."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from heapq import merge

from halfmap.tui.text.log_match import Expression
from halfmap.tui.text.log_text import line_of, shown

CHUNK = 1 << 18

Tell = Callable[[float], None]
"""Is told how much was searched, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Search:
    """What to search, and where.

    Attributes
    ----------
    start
        Where a line begins (bytes): the first to be looked at, or for a search backwards the one after that.
    size
        As far as the file is read (bytes).
    ascii_only
        How lines are shown; what is not shown is not found.
    """

    path: str
    expression: Expression
    start: int
    size: int
    is_backward: bool = False
    ascii_only: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Where a line was found (bytes), and whether the search went past the end, or the beginning, before."""

    offset: int
    is_wrapped: bool = False


def search(wanted: Search, tell: Tell) -> Found | None:
    """Find the next line; all others are looked at, then from the other end.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    file = os.open(wanted.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _Reading(file, wanted, tell).run()
    finally:
        os.close(file)


class _Reading:
    def __init__(self, file: int, wanted: Search, tell: Tell) -> None:
        self._file = file
        self._wanted = wanted
        self._tell = tell
        self._compiled = wanted.expression.compiled()
        self._by_line = wanted.expression.may_cross_lines
        self._done = 0

    def run(self) -> Found | None:
        wanted = self._wanted
        before, after = (0, wanted.start), (wanted.start, wanted.size)
        for is_wrapped, (low, high) in enumerate((before, after) if wanted.is_backward else (after, before)):
            offset = self._range(low, high)
            if offset is not None:
                return Found(offset, bool(is_wrapped))
        return None

    def _range(self, low: int, high: int) -> int | None:
        for begin, end in self._pieces(low, high):
            offset = self._piece(begin, end)
            if offset is not None:
                return offset
            self._done += end - begin
            self._tell(self._done / max(1, self._wanted.size))
        return None

    def _pieces(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        """Cut a range into whole lines of about `CHUNK` bytes together; a longer line stands alone."""
        if self._wanted.is_backward:
            while low < high:
                begin = self._line_begin(max(low, high - CHUNK), low, high)
                yield begin, high
                high = begin
        while low < high:
            end = self._line_end(min(high, low + CHUNK), low, high)
            yield low, end
            low = end

    def _line_begin(self, near: int, low: int, high: int) -> int:
        """Give the first begin of a line from a place on; if there is none before the end, the one before it."""
        if near == low:
            return low
        place = self._read(near - 1, high - 1).find(b"\n")
        if place >= 0:
            return near + place
        while near > low:
            near, until = max(low, near - CHUNK), near
            place = self._read(near, until).rfind(b"\n")
            if place >= 0:
                return near + place + 1
        return low

    def _line_end(self, near: int, low: int, high: int) -> int:
        """Give the last end of a line up to a place; if there is none, the next one."""
        place = self._read(low, near).rfind(b"\n")
        if place >= 0:
            return low + place + 1
        while near < high:
            place = self._read(near, min(high, near + CHUNK)).find(b"\n")
            if place >= 0:
                return near + place + 1
            near += CHUNK
        return high

    def _piece(self, begin: int, end: int) -> int | None:
        """Give where the line begins (bytes) that is wanted of a piece."""
        if end - begin > CHUNK:
            length = end - begin - (self._read(end - 1, end) == b"\n")
            return begin if self._matches(partial(self._read_at, begin), length) else None
        text = self._read(begin, end).decode("utf-8", "surrogateescape")
        hits = self._hits(text)
        hit = max(hits, default=None) if self._wanted.is_backward else next(hits, None)
        return None if hit is None else begin + (hit if text.isascii() else len(_encoded(text[:hit])))

    def _hits(self, text: str) -> Iterator[int]:
        """Give where lines begin that match as they are shown."""
        after = 0
        for place in self._candidates(text):
            if place < after or place == len(text):
                continue
            begin = text.rfind("\n", 0, place) + 1
            after = (text.find("\n", place) + 1) or len(text) + 1
            raw = _encoded(text[begin : after - 1])
            if self._matches(lambda at, length, raw=raw: raw[at : at + length], len(raw)):  # type: ignore[misc]
                yield begin

    def _candidates(self, text: str) -> Iterator[int]:
        """Give places in lines that may match, in order."""
        words, small = self._wanted.expression.words, text.lower()
        if words and len(small) == len(text):
            yield from merge(*(_places(word, small) for word in words))
        elif self._by_line:
            yield from self._lines(text)
        else:
            yield from (found.start() for found in self._compiled.finditer(text.replace("\r", "\n")))

    def _lines(self, text: str) -> Iterator[int]:
        place = 0
        for line in text.split("\n"):
            if "\r" in line or self._compiled.search(line):
                yield place
            place += len(line) + 1

    def _matches(self, read: Callable[[int, int], bytes], length: int) -> bool:
        line = shown(line_of(read, length).kept, self._wanted.ascii_only)
        return self._compiled.search(line) is not None

    def _read(self, begin: int, end: int) -> bytes:
        return os.pread(self._file, end - begin, begin) if end > begin else b""

    def _read_at(self, begin: int, place: int, length: int) -> bytes:
        return self._read(begin + place, begin + place + length)


def _places(word: str, text: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
