"""The lines of a large file: found from its end on, so that the last ones are there at once; read a few at a time."""

import errno
import os
import re
from array import array
from collections import OrderedDict
from dataclasses import dataclass

from halfmap.tui.files.text_index import BLOCK, TextIndex, joined
from halfmap.tui.text.log_text import RawLine, line_of

TAIL = 4 * BLOCK
"""So much of the end is looked at before anything is shown (bytes)."""
STEP = 32 * BLOCK
"""So much is counted at once (bytes)."""
_BLOCKS_KEPT = 4


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines, and the number of the first of them."""

    first: int = 0
    lines: tuple[RawLine, ...] = ()

    @property
    def end(self) -> int:
        """The number after the last one's."""
        return self.first + len(self.lines)

    def get(self, number: int) -> RawLine | None:
        """Give a line; None if it is not among these."""
        return self.lines[number - self.first] if self.first <= number < self.end else None


class TextLines:
    """Finds lines in an open file.

    Until all of it is counted lines are numbered from 0 on from shortly before the end; those before get negative
    numbers, so that no number changes.

    Parameters
    ----------
    file
        Descriptor of an ordinary file.
    size
        As far as it is to be read (bytes); `target` raises it.
    """

    def __init__(self, file: int, size: int) -> None:
        self.target = size
        self._file = file
        base = max(0, size - TAIL) // BLOCK * BLOCK
        self._head = TextIndex() if base else None
        self._tail = TextIndex(base)
        # line 0 begins after so many line ends of the tail
        self._shift = 1 if base else 0
        self._last_byte = b""
        self._places: OrderedDict[tuple[int, int], array[int]] = OrderedDict()

    @property
    def size(self) -> int:
        """Up to where the end was counted (bytes)."""
        return self._tail.size

    @property
    def to_count(self) -> int:
        """How much is not counted yet (bytes)."""
        before = self._tail.base - self._head.size if self._head is not None else 0
        return self.target - self._tail.size + before

    @property
    def first(self) -> int:
        """The number of the first line that is known."""
        return 0 if self._head is not None else -self._shift

    @property
    def end(self) -> int:
        """The number after that of the last line; what stands behind the last line end is a line too."""
        is_torn = self._last_byte not in (b"", b"\n")
        return max(self.first, self._tail.line_ends + is_torn - self._shift)

    # --- counting ----------------------------------------------------------------------------------------------------

    def count(self, most: int = STEP) -> None:
        """Count on: first at the end, then what lies before.

        Raises
        ------
        OSError
            If it cannot be read, or ends before it should.
        """
        if self._tail.size < self.target:
            data = self.read(self._tail.size, min(most, self.target - self._tail.size))
            self._tail.feed(data)
            self._last_byte = data[-1:] or self._last_byte
            # it may end earlier than it was said to
            self.target = self.target if data else self._tail.size
        elif self._head is not None:
            self._count_head(self._head, most)

    def _count_head(self, head: TextIndex, most: int) -> None:
        data = self.read(head.size, min(most, self._tail.base - head.size))
        if not data:
            raise OSError(errno.EIO, "it ends earlier than it did")
        head.feed(data)
        if head.size == self._tail.base:
            self._shift += head.line_ends
            self._tail, self._head = joined(head, self._tail), None

    # --- finding -----------------------------------------------------------------------------------------------------

    def lines(self, first: int, count: int) -> Lines:
        """Read lines; those that are not known are left out."""
        low, high = max(first, self.first), min(first + count, self.end)
        return Lines(low, tuple(self._line(number) for number in range(low, high)))

    def offset_of(self, number: int) -> int:
        """Tell where a line begins (bytes); after the last line, the end."""
        return self._begin(max(number, self.first)) if number < self.end else self._tail.size

    def number_at(self, offset: int) -> int:
        """Tell which line an offset (bytes) lies in; all that lies before is counted first, if need be."""
        while self._head is not None and offset < self._tail.base:
            self.count()
        block, before = self._tail.count_before(offset)
        return before + sum(1 for place in self._line_ends(block) if block + place < offset) - self._shift

    def read(self, place: int, length: int) -> bytes:
        """Read so many bytes from a place; fewer if the file ends."""
        return os.pread(self._file, length, place) if length > 0 else b""

    def _line(self, number: int) -> RawLine:
        begin, end = self._begin(number), self._end(number)
        return line_of(lambda place, length: self.read(begin + place, length), end - begin)

    def _begin(self, number: int) -> int:
        line_end = number + self._shift
        return self._place(line_end) + 1 if line_end else self._tail.base

    def _end(self, number: int) -> int:
        line_end = number + self._shift + 1
        return self._place(line_end) if line_end <= self._tail.line_ends else self._tail.size

    def _place(self, line_end: int) -> int:
        block, number = self._tail.find(line_end)
        places = self._line_ends(block)
        if number > len(places):
            raise OSError(errno.EIO, "it was written anew")
        return block + places[number - 1]

    def _line_ends(self, block: int) -> "array[int]":
        size = min(BLOCK, self._tail.size - block)
        places = self._places.get((block, size))
        if places is None:
            places = array("I", (found.start() for found in re.finditer(b"\n", self.read(block, size))))
            self._places[block, size] = places
            if len(self._places) > _BLOCKS_KEPT:
                self._places.popitem(last=False)
        return places
