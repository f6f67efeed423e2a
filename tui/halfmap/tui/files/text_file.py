"""A text file that may be huge, grow, be cut, be replaced or vanish, and how it was when it was last looked at.

Everything here blocks; `halfmap.tui.files.text_feed` does it in a thread.
"""

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from halfmap.tui.files.text_lines import STEP, Lines, TextLines

_MARK = 64


@dataclass(frozen=True, slots=True)
class TextState:
    """How a file was.

    Attributes
    ----------
    generation
        Goes up when the file is another one or was written anew; 0 before it was opened. Numbers of lines hold within
        a generation.
    first, end
        Numbers of the first line known, and of the one after the last; see `TextLines`.
    size
        Of the file, as far as it was read (bytes).
    to_count
        How much of it is not counted yet (bytes).
    trouble
        Why it cannot be read (any more), in a sentence.
    """

    generation: int = 0
    first: int = 0
    end: int = 0
    size: int = 0
    to_count: int = 0
    trouble: str = ""

    @property
    def lines(self) -> int:
        """How many lines are known."""
        return self.end - self.first


class TextFile:
    """Reads a file by lines.

    Parameters
    ----------
    path
        Where it is; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: TextLines | None = None
        self._file: int | None = None
        self._generation = 0
        self._trouble = ""
        self._seen = (0, 0, 0, 0)
        # how it begins, and how it ended as far as it was read
        self._marks = (b"", 0, b"")

    @property
    def state(self) -> TextState:
        """How it was when it was last looked at."""
        lines = self._lines
        if lines is None:
            return TextState(generation=self._generation, trouble=self._trouble)
        return TextState(self._generation, lines.first, lines.end, lines.size, lines.to_count, self._trouble)

    @property
    def wants_counting(self) -> bool:
        """Whether there is more to be counted, and nothing hinders."""
        return self._lines is not None and self._lines.to_count > 0 and not self._trouble

    def refresh(self) -> TextState:
        """Look whether the file has changed, and read what is new at its end, as far as that is quickly done."""
        try:
            found = self.path.stat()
            seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if self._lines is None or seen[:2] != self._seen[:2]:
                self._open()
            elif seen != self._seen or self._lines.size < found.st_size:
                self._follow(self._lines, found.st_size)
            self._seen, self._trouble = seen, ""
        except OSError as error:
            self._trouble = self._sentence(error)
        return self.state

    def count_more(self) -> None:
        """Count a further part of what is not counted yet."""
        try:
            if self._lines is not None:
                self._count(self._lines, STEP)
        except OSError as error:
            self._trouble = self._sentence(error)

    def lines(self, first: int | None, count: int) -> Lines:
        """Read lines, from a number on or, for None, the last ones. Those that are not known are left out."""
        if self._lines is None:
            return Lines()
        try:
            return self._lines.lines(self._lines.end - count if first is None else first, count)
        except OSError as error:
            self._trouble = self._sentence(error)
            return Lines()

    def offset_of(self, number: int) -> int:
        """Tell where a line begins (bytes)."""
        return self._lines.offset_of(number) if self._lines is not None else 0

    def number_at(self, offset: int) -> int:
        """Tell which line an offset (bytes) lies in; may count all lines before."""
        return self._lines.number_at(offset) if self._lines is not None else 0

    def close(self) -> None:
        """Let go of the file."""
        self._lines = None
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None

    def _open(self) -> None:
        # a pipe must not keep one waiting
        file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "it is no ordinary file")
        self.close()
        self._file = file
        self._begin(file, found.st_size)

    def _begin(self, file: int, size: int) -> None:
        self._generation += 1
        self._marks = (b"", 0, b"")
        self._lines = TextLines(file, size)
        self._count(self._lines, size)

    def _follow(self, lines: TextLines, size: int) -> None:
        if self._file is not None and (size < lines.size or not self._is_same(lines)):
            self._begin(self._file, size)
            return
        lines.target = size
        self._count(lines, STEP)

    def _is_same(self, lines: TextLines) -> bool:
        first, place, last = self._marks
        return lines.read(0, len(first)) == first and lines.read(place, len(last)) == last

    def _count(self, lines: TextLines, most: int) -> None:
        before = lines.size
        lines.count(most)
        if lines.size > before:
            size = min(_MARK, lines.size)
            place = lines.size - size
            self._marks = (lines.read(0, size), place, lines.read(place, size))

    def _sentence(self, error: OSError) -> str:
        name = self.path.name
        if isinstance(error, FileNotFoundError):
            return f"{name} is gone; this is what it held." if self._lines else f"{name} is not there: {self.path}"
        return f"{name} cannot be read: {(error.strerror or f'{error}').lower()}."
