"""The daemon's log: a JSON object a line, a bounded number of files, and no reason to die when it cannot be written."""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 10_000_000
FILES = 10
"""The current one among them."""

_BLOCK = 65536
_CHATTY = ("aiohttp.access", "apscheduler", "asyncio")
"""Tell of every request and every tick."""


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class LogFile(RotatingFileHandler):
    """Appends to a log that is renamed to ``.1``, ``.2`` … when it is full.

    What cannot be written is counted in `lost`, and said so in the log once it can be written again.
    """

    def __init__(self, path: Path, file_bytes: int = FILE_BYTES, files: int = FILES) -> None:
        super().__init__(path, maxBytes=file_bytes, backupCount=files - 1, encoding="utf-8", delay=True)
        self.setFormatter(_JsonLines())
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Append a line."""
        lost = self.lost
        super().emit(record)
        if lost and self.lost == lost:
            self.lost = 0
            text = f"{lost} lines could not be written before this one"
            super().emit(logging.LogRecord(__name__, logging.WARNING, "", 0, text, None, None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 (logging's name)
        """Drop the line, and the open file with what it still holds: it may never take anything again."""
        self.lost += 1
        stream, self.stream = self.stream, None
        if stream:
            with contextlib.suppress(OSError, ValueError):
                stream.close()

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        with contextlib.suppress(OSError), Path(self.baseFilename).open("rb") as file:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a line that was cut off by a full disk or a kill
                stream.write("\n")
        return stream


def start_logging(path: Path, environ: Mapping[str, str], level: int = logging.INFO) -> LogFile:
    """Send all of this process's log to a file, and to the journal under systemd."""
    root = logging.getLogger()
    root.setLevel(level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    handler = LogFile(path)
    root.addHandler(handler)
    if "JOURNAL_STREAM" in environ:
        root.addHandler(logging.StreamHandler(sys.stderr))
    return handler


def read_log(path: Path, lines: int, end: int | None = None) -> list[str]:
    """Give the last lines of a log, oldest first, from the files before the current one too if need be.

    Parameters
    ----------
    end
        Bytes of the current file to read of; None for all.

    Raises
    ------
    OSError
        If a file is there and cannot be read.
    """
    found: list[str] = []
    number = 0
    while len(found) < lines:
        file = path.with_name(f"{path.name}.{number}") if number else path
        if number and not file.exists():
            break
        found = _last_lines(file, lines - len(found), None if number else end) + found
        number += 1
    return found


def follow_log(path: Path, lines: int, pause_s: float = 0.5) -> Iterator[str]:
    """Give the last lines of a log and then, for ever, each that is added; files that are renamed are followed.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    identity, place = _identity_and_size(path)
    yield from read_log(path, lines, place)
    rest = b""
    while True:
        now, size = _identity_and_size(path)
        if now != identity:
            old = path.with_name(f"{path.name}.1")
            if identity and _identity_and_size(old)[0] == identity:
                rest += _read_from(old, place)
            identity, place = now, 0
        elif size < place:
            place = 0
        added = _read_from(path, place)
        place += len(added)
        *whole, rest = (rest + added).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole if line)
        if not added:
            time.sleep(pause_s)


def for_people(line: str) -> str:
    """Write a line of the log as a person reads it; another line is given as it is. Control characters are left out."""
    try:
        entry = json.loads(line)
        when = datetime.fromisoformat(entry["time"]).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        text = f"{when} {entry['level']:<8} {entry['text']}" + (f"\n{entry['error']}" if "error" in entry else "")
    except (ValueError, KeyError, TypeError):
        text = line
    return "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in text)


def _last_lines(file: Path, lines: int, end: int | None) -> list[str]:
    """Read backwards until there are enough."""
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        return []
    with stream:
        place, tail = stream.seek(0, os.SEEK_END) if end is None else end, b""
        while place > 0 and tail.rstrip(b"\n").count(b"\n") < lines:
            step = min(_BLOCK, place)
            place -= step
            stream.seek(place)
            tail = stream.read(step) + tail
    whole = [line for line in tail.split(b"\n") if line]
    return [line.decode("utf-8", "replace") for line in whole[-lines:]]


def _identity_and_size(file: Path) -> tuple[tuple[int, int] | None, int]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def _read_from(file: Path, place: int) -> bytes:
    try:
        with file.open("rb") as stream:
            stream.seek(place)
            return stream.read()
    except FileNotFoundError:
        return b""
