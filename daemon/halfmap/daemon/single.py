"""One daemon for each user: a lock that the kernel gives back when its holder dies, however it dies."""

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
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            found = holder(path)
            who = f"pid {found.process_id}, socket {found.socket}" if found else "its pid is not known"
            raise AlreadyRuns(f"a daemon of yours runs already ({who}).") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps({"process_id": os.getpid(), "socket": str(socket)}).encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._descriptor)


def holder(path: Path) -> Holder | None:
    """Read who held the lock last; None if that cannot be told."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def is_held(path: Path) -> bool:
    """Whether a daemon runs."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
