"""A program on a pseudo terminal of a given size: what it shows, how many bytes that takes, how soon it answers keys.

The terminal is read only while a test looks at it; what a program writes meanwhile waits in the kernel's buffer.
"""

import contextlib
import errno
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

from tests.terminal.keys import in_brackets, written
from tests.terminal.process import in_session

_CHUNK = 1 << 16
_WITH_TERMINAL = ("setsid", "--ctty")
"""Makes a session of its own whose signals come from standard input's terminal, and becomes the program."""
_QUERY = re.compile(rb"\x1b\[(?:\?(2026|2048)\$p|(c)|(6n)|>[0-9]*(u)|<(u)|\?(u)|(16t))")
"""What Textual asks of a terminal, and what pyte would misread."""
_ANSWERS = {
    b"2026": b"\x1b[?2026;2$y",  # whole frames: known, and off
    b"2048": b"\x1b[?2048;0$y",  # sizes in the input: not known
    b"c": b"\x1b[?62;22c",
    b"16t": b"\x1b[6;20;10t",
}


class NotShown(AssertionError):
    """What was waited for did not come; the message holds the screen."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes that came at a time (of `time.monotonic`)."""

    time: float
    size: int


class Terminal:
    """A program, and the terminal that it draws on. Use it with ``with``: nothing of the program is left at the end.

    Parameters
    ----------
    argv
        The program.
    environ
        All that it finds in its environment.
    columns, rows
        The terminal's size.
    folder
        Where it is started.
    is_controlling
        Whether the kernel tells the program with a signal when the terminal goes.

    Attributes
    ----------
    began
        When it was started (of `time.monotonic`).
    arrivals
        When how many bytes came.
    stream
        All bytes.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        folder: Path | None = None,
        is_controlling: bool = True,
    ) -> None:
        self.columns, self.rows = columns, rows
        self.arrivals: list[Arrival] = []
        self.stream = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._parser = pyte.ByteStream(self._screen)
        self._master, slave = os.openpty()
        self._set_size(columns, rows)
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [*(_WITH_TERMINAL if is_controlling else ()), *argv],
            env=dict(environ), cwd=folder, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=not is_controlling,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- looking -----------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """The screen's lines, without blanks at their ends."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen."""
        return "\n".join(self.lines)

    @property
    def cells(self) -> list[dict[int, Any]]:
        """What each cell shows, with its colours, line by line."""
        return [{x: self._screen.buffer[y][x] for x in range(self.columns)} for y in range(self.rows)]

    def look(self, seconds: float) -> int:
        """Read for so long, and count the bytes that came."""
        before, until = len(self.stream), time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and self._read(left):
            pass
        return len(self.stream) - before

    def until(self, shown: str | Callable[[str], object], seconds: float = 10.0) -> float:
        """Read until a text is on the screen, or a condition of the screen's text holds; when that was.

        Raises
        ------
        NotShown
            If that does not happen in time, or the program ends first.
        """
        happens = (lambda text: shown in text) if isinstance(shown, str) else shown
        end, came = time.monotonic() + seconds, time.monotonic()
        while not happens(self.text):
            found = self._read(end - time.monotonic())
            if found is None or time.monotonic() >= end:
                what = repr(shown) if isinstance(shown, str) else "what was waited for"
                raise NotShown(f"{what} is not on the screen after {seconds} s{self._ended()}:\n{self.framed()}")
            came = found or came
        return came

    def settle(self, quiet_s: float = 0.3, seconds: float = 10.0) -> None:
        """Read until nothing came for a while.

        Raises
        ------
        NotShown
            If it never ceases.
        """
        end = time.monotonic() + seconds
        while self._read(quiet_s):
            if time.monotonic() > end:
                raise NotShown(f"the screen was drawn without end for {seconds} s:\n{self.framed()}")

    def framed(self) -> str:
        """Give the screen in a frame, to be printed."""
        edge = "+" + "-" * self.columns + "+"
        return "\n".join([edge, *(f"|{line:<{self.columns}}|" for line in self.lines), edge])

    # --- keys --------------------------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys, by name (``Enter``, ``C-s``, ``PageDown``) or as they are typed (``hello``)."""
        for key in keys:
            self.send(written(key))

    def paste(self, text: str) -> None:
        """Paste, as a terminal does that was asked for brackets around what is pasted."""
        self.send(in_brackets(text))

    def send(self, raw: bytes) -> None:
        """Write bytes as a terminal would."""
        os.write(self._master, raw)

    def echo(self, key: str, shown: Callable[[str], object] | None = None, seconds: float = 5.0) -> float:
        """Press a key, and tell how long it takes until the screen looks different (s), colours counted.

        With `shown`, until that holds for the screen's text.
        """
        before, pressed = self._cells(), time.monotonic()
        self._screen.dirty.clear()
        self.press(key)
        end = pressed + seconds
        while (came := self._read(end - time.monotonic())) and time.monotonic() < end:
            changed = shown(self.text) if shown else any(self._row(y) != before[y] for y in self._screen.dirty)
            if changed:
                return came - pressed
        raise NotShown(f"{key} changed nothing within {seconds} s{self._ended()}:\n{self.framed()}")

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        self.columns, self.rows = columns, rows
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    # --- the end -----------------------------------------------------------------------------------------------------

    def hang_up(self) -> None:
        """Close our end, as a connection that breaks does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait(self, seconds: float = 10.0) -> int:
        """Read until the program has ended, and give its exit code.

        Raises
        ------
        NotShown
            If it does not end in time.
        """
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise NotShown(f"the program has not ended after {seconds} s:\n{self.framed()}")
            self._read(0.05) if self._master >= 0 else time.sleep(0.05)
        if self._master >= 0:
            self.look(0.05)
        return self.process.returncode

    def close(self) -> None:
        """End the program and whatever it has started in its session."""
        for process in in_session(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        self.hang_up()

    # --- parts -------------------------------------------------------------------------------------------------------

    def _read(self, seconds: float) -> float | None:
        """Read once, and tell when that was; None if nothing came within the time, or nobody is at the other end."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return None
        came = time.monotonic()
        try:
            raw = os.read(self._master, _CHUNK)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return None
        self.arrivals.append(Arrival(came, len(raw)))
        self.stream += raw
        self._answer(raw)
        self._parser.feed(_QUERY.sub(b"", raw))
        return came

    def _answer(self, raw: bytes) -> None:
        for match in _QUERY.finditer(raw):
            asked = next(group for group in match.groups() if group)
            if asked == b"6n":
                cursor = self._screen.cursor
                self.send(b"\x1b[%d;%dR" % (cursor.y + 1, cursor.x + 1))
            elif asked in _ANSWERS:
                self.send(_ANSWERS[asked])

    def _row(self, y: int) -> dict[int, Any]:
        return dict(self._screen.buffer[y])

    def _cells(self) -> list[dict[int, Any]]:
        return [self._row(y) for y in range(self.rows)]

    def _ended(self) -> str:
        code = self.process.poll()
        return "" if code is None else f" (the program has ended with {code})"

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
