"""The lock that RELION's programs share: the folder ``.relion_lock`` with a mark file, held for milliseconds.

RELION never asks who holds it, so a holder that died leaves a project locked for ever. The mark file of halfmap says
who wrote it; a lock is taken from a process of halfmap that is provably dead, and from nobody else.

    halfmap/lock             locked (flock) by the one process of this machine that deals with the lock
    halfmap/.locking-HOST    the note of who is about to lock; written first, then moved into the lock as its mark file
    .relion_lock             made with the sticky bit, which RELION does not use: without a mark file it is ours too

Dying between any two of these steps leaves a note and, if the lock is there, its sticky bit or its mark file.
"""

import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from halfmap.contract.whole_file import write_whole
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.lock_note import identity, identity_from, is_dead, owner_in_words

LOCK_FOLDER = ".relion_lock"
MARK_FILE = "lock_default_pipeline.star"
CHANGED_FILE = ".pipeline_has_changed"
OWN_FOLDER = "halfmap"

PATIENCE_S = 5.0
_POLL_S = 0.02
_MODE = 0o700 | stat.S_ISVTX


class NotNow(OSError):
    """A project's files cannot be used at the moment, and it may be tried again; the message says why."""


class ProjectLocked(NotNow):
    """Somebody else holds the project's lock; the message says who, since when, and what to do."""


@contextmanager
def held(project: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold a project's lock.

    Parameters
    ----------
    project
        The project's folder, absolute.
    patience_s
        How long to wait for whoever has it (s).

    Raises
    ------
    ProjectLocked
        If it could not be had in that time.
    OSError
        If the project cannot be written.
    """
    deadline = time.monotonic() + patience_s
    (project / OWN_FOLDER).mkdir(exist_ok=True)
    with _only_one_here(project, deadline):
        _acquire(project, deadline)
        try:
            yield
        finally:
            _release(project)


@contextmanager
def _only_one_here(project: Path, deadline: float) -> Iterator[None]:
    """Let one process of this machine at a time deal with the lock: what it then finds of ours, a dead one left."""
    path = project / OWN_FOLDER / "lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        while not _flock(descriptor):
            if time.monotonic() >= deadline:
                raise ProjectLocked(f"Another halfmap process of this machine is working on {project}; try again.")
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # a network file system that has no such locks: RELION's lock alone has to do
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise
    return True


def _acquire(project: Path, deadline: float) -> None:
    lock, note = project / LOCK_FOLDER, _note_file(project)
    while not _try(lock, note):
        problem = _why_not_ours(lock, note)
        if not problem:
            _remove_left_over(lock, note)
        elif time.monotonic() >= deadline:
            raise ProjectLocked(problem)
        else:
            time.sleep(_POLL_S)


def _try(lock: Path, note: Path) -> bool:
    if os.path.lexists(lock):
        return False
    write_whole(note, json.dumps(identity()) + "\n")
    crash_point("lock.noted")
    try:
        lock.mkdir(_MODE)
    except FileExistsError:
        note.unlink()
        return False
    crash_point("lock.made")
    note.rename(lock / MARK_FILE)
    crash_point("lock.marked")
    return True


def _release(project: Path) -> None:
    lock, note = project / LOCK_FOLDER, _note_file(project)
    crash_point("lock.releasing")
    # somebody may have removed the lock by hand
    with suppress(FileNotFoundError):
        (lock / MARK_FILE).rename(note)
        crash_point("lock.unmarked")
        lock.rmdir()
        crash_point("lock.removed")
    note.unlink(missing_ok=True)
    (project / CHANGED_FILE).touch()


def _remove_left_over(lock: Path, note: Path) -> None:
    with suppress(FileNotFoundError):
        (lock / MARK_FILE).rename(note)
    lock.rmdir()


def _why_not_ours(lock: Path, note: Path) -> str:
    """Tell why a lock that is in the way has to be left alone; "" if a dead process of halfmap left it."""
    try:
        found = lock.lstat()
    except FileNotFoundError:
        return f"{lock} comes and goes; other programs are working on the project."
    age_s = max(time.time() - found.st_mtime, 0.0)
    mark = _read(lock / MARK_FILE)
    is_ours_unmarked = mark is None and bool(found.st_mode & stat.S_ISVTX) and not _notes_of_others(note)
    owner = identity_from(_read(note) if is_ours_unmarked else mark)
    if owner and is_dead(owner, identity()) and _holds_only_the_mark(lock):
        return ""
    who = owner_in_words(owner, mark)
    return (
        f"The project is locked by {who} for {_duration(age_s)}: {lock}. If no RELION window or program is working on "
        f"the project, remove that folder with what is in it."
    )


def _notes_of_others(note: Path) -> bool:
    """Whether a process on another machine may be between its note and its mark."""
    return any(other.name != note.name for other in note.parent.glob(".locking-*"))


def _holds_only_the_mark(lock: Path) -> bool:
    return {path.name for path in lock.iterdir()} <= {MARK_FILE}


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes()[:10_000].decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _note_file(project: Path) -> Path:
    return project / OWN_FOLDER / f".locking-{socket.gethostname()}"
