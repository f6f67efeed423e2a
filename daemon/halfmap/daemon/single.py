"""One daemon for each user: a lock that the kernel gives back when its holder dies, however it dies."""

import contextlib
import errno
import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path


class AlreadyRuns(Exception):
    """Another daemon holds the lock."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, as the file tells; only a word for people, since a pid alone proves nothing."""

    process_id: int
    socket: str


class Lock:
    """The lock file, held until the process ends.

    Raises
    ------
    AlreadyRuns
        If another process holds it.
    """

    def __init__(self, path: Path, socket: Path) -> None:
        self._descriptor = _opened(path, os.O_CREAT)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            found = holder(path)
            who = f"pid {found.process_id}, socket {found.socket}" if found else "its pid is not known"
            raise AlreadyRuns(f"a daemon of yours runs already ({who}).") from None
        # a disk that takes nothing keeps nobody from looking at what is there
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps({"process_id": os.getpid(), "socket": str(socket)}).encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)


def _opened(path: Path, more: int = 0) -> int:
    """Open a lock file; on a file system that can only be read that is enough for a lock."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | more, 0o600)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def holder(path: Path) -> Holder | None:
    """Read who held the lock last; None if that cannot be told."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Whether a daemon runs."""
    try:
        descriptor = _opened(path)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
