"""What the engine tells while it runs: one line of JSON per event in ``run_progress.jsonl``.

The file only grows; it has one writer (the first rank) and any number of readers. A reader can meet a line that is only
half written; it waits there for the rest.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from halfmap.contract.progress_events import (
    AnyEvent,
    Event,
    IterationFinished,
    Phase,
    PhaseProgress,
    RunAborted,
    RunFailed,
    RunFinished,
    RunStarted,
)

__all__ = [
    "Event",
    "IterationFinished",
    "Phase",
    "PhaseProgress",
    "ProgressReader",
    "ProgressWriter",
    "RunAborted",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "UnreadableLine",
    "read_progress",
]

_SomeEvent = TypeVar("_SomeEvent", bound=AnyEvent)
_READ: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def _now() -> datetime:
    return datetime.now(UTC)


class ProgressWriter:
    """Appends events to a progress file, each with a single write, so that no reader sees two of them mixed.

    Parameters
    ----------
    path
        The file; it is made if it does not exist, and continued if it does.
    now
        The clock.

    Raises
    ------
    OSError
        If the file cannot be written.
    """

    def __init__(self, path: str | Path, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._sequence = max((event.sequence for event in read_progress(path)), default=0)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        self._line_is_open = _ends_within_a_line(path)

    def write(self, event: _SomeEvent) -> _SomeEvent:
        """Append an event, with its number and the time, and return it as it was written.

        Raises
        ------
        OSError
            If the disk takes no more, or only a part of it. The next event then begins on a line of its own.
        """
        written = event.model_copy(update={"sequence": self._sequence + 1, "time": self._now()})
        # What a killed writer or a full disk left unfinished is ended first, so that this event stands alone.
        line = (b"\n" if self._line_is_open else b"") + written.model_dump_json().encode() + b"\n"
        self._line_is_open = os.write(self._descriptor, line) != len(line)
        if self._line_is_open:
            raise OSError(f"event {written.sequence} was written to the progress file only in part; is the disk full?")
        self._sequence += 1
        return written

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _ends_within_a_line(path: str | Path) -> bool:
    with Path(path).open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


@dataclass(frozen=True, slots=True)
class UnreadableLine:
    """A line that is no event of this version: where it is (counted from 1) and why."""

    number: int
    reason: str


@dataclass
class ProgressReader:
    """Reads a progress file that is still growing.

    Attributes
    ----------
    path
        The file; it need not exist yet.
    unreadable
        The lines that were passed over so far.
    """

    path: str | Path
    unreadable: list[UnreadableLine] = field(default_factory=list)
    _inode: int = 0
    _offset: int = 0
    _lines: int = 0

    def read_new(self) -> list[Event]:
        """Read the events added since the last call; a last line without its end is left for the next call."""
        events = []
        for line in self._whole_new_lines():
            self._lines += 1
            try:
                if line:
                    events.append(_READ.validate_json(line))
            except ValidationError as error:
                self.unreadable.append(UnreadableLine(self._lines, error.errors()[0]["msg"]))
        return events

    def _whole_new_lines(self) -> list[bytes]:
        try:
            with Path(self.path).open("rb") as file:
                self._start_over_if_replaced(os.fstat(file.fileno()))
                file.seek(self._offset)
                added, end_of_line, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(added + end_of_line)
        return added.split(b"\n") if end_of_line else []

    def _start_over_if_replaced(self, status: os.stat_result) -> None:
        if status.st_ino != self._inode or status.st_size < self._offset:
            self._offset, self._lines = 0, 0
            self.unreadable.clear()
        self._inode = status.st_ino


def read_progress(path: str | Path) -> list[Event]:
    """Read all events of a progress file; unreadable lines are passed over, and a file that is not there has none."""
    return ProgressReader(path).read_new()
