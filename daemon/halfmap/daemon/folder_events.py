"""Events of single folders from the kernel, through one inotify instance; never of what lies below them."""

import contextlib
import errno
import logging
import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import ObservedWatch
from watchdog.observers.inotify import InotifyObserver

# that a file was opened or only read is nobody's business here: whoever follows a hint does just that
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]
_LIMITS = {
    errno.ENOSPC: ("watches", "fs.inotify.max_user_watches"),
    errno.EMFILE: ("instances", "fs.inotify.max_user_instances"),
}
_WATCHDOG = logging.getLogger("watchdog.observers")

Heard = Callable[[Path, str], None]
"""Told of an event: the project, and the name of the file that it is about."""


class NoEvents(Exception):
    """The kernel does not tell of events; the message says why, and what to change."""


class _Folder(FileSystemEventHandler):
    """A watched folder, and the projects it belongs to (two, if one is a link to the other)."""

    def __init__(self, path: str, projects: frozenset[Path], heard: Heard) -> None:
        self.path = path
        self.identity = _identity(path)
        self.projects = projects
        self.watch: ObservedWatch | None = None
        self.is_gone = False
        self._heard = heard

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Runs in the observer's thread, under its lock: it takes no other."""
        if isinstance(event, DirDeletedEvent) and event.src_path == self.path:
            self.is_gone = True
        name = Path(os.fsdecode(event.dest_path or event.src_path)).name
        for project in self.projects:
            self._heard(project, name)

    def is_still(self, path: str) -> bool:
        """Whether this watches what lies there now: a folder may be deleted and made again."""
        return not self.is_gone and self.identity == _identity(path)


class _Overflow(logging.Handler):
    """Hears what watchdog logs when the kernel has dropped events; it has no other way of telling."""

    def __init__(self, overflowed: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._overflowed = overflowed

    def emit(self, record: logging.LogRecord) -> None:
        """Runs in the thread that reads the kernel's queue."""
        if "overflow" in record.getMessage():
            self._overflowed()


class FolderEvents:
    """Watches folders for projects.

    Parameters
    ----------
    heard
        Called for each event, in a thread of watchdog's.
    overflowed
        Called, in another, when events were lost.

    Raises
    ------
    NoEvents
        If there is no inotify instance left for this user.
    """

    def __init__(self, heard: Heard, overflowed: Callable[[], None]) -> None:
        self._heard = heard
        self._lock = threading.Lock()
        self._folders: dict[str, _Folder] = {}
        try:
            self._observer = InotifyObserver()
        except OSError as error:
            raise NoEvents(_refusal("inotify", error)) from None
        self._observer.start()
        self._overflowed = overflowed
        self._ear = _Overflow(self._after_overflow)
        _WATCHDOG.addHandler(self._ear)

    @property
    def is_alive(self) -> bool:
        """Whether events are still heard."""
        return self._observer.is_alive()

    def watch(self, project: Path, folders: Collection[Path]) -> None:
        """Watch, of a project, these folders and no others; those that are not there are passed over.

        Raises
        ------
        NoEvents
            If one cannot be watched.
        """
        there = {os.path.realpath(folder) for folder in folders if os.access(folder, os.R_OK | os.X_OK)}
        for path in there:
            try:
                with self._lock:
                    self._add(project, path)
            except FileNotFoundError:  # deleted since
                continue
            except OSError as error:
                raise NoEvents(_refusal(path, error)) from None
        self._keep(project, there)

    def forget(self, project: Path) -> None:
        """Watch no folder of a project any more."""
        self._keep(project, ())

    def close(self) -> None:
        """Stop; waits for no file system that hangs."""
        _WATCHDOG.removeHandler(self._ear)
        end = threading.Thread(target=self._observer.stop, daemon=True)
        end.start()
        end.join(2.0)

    def _add(self, project: Path, path: str) -> None:
        known = self._folders.get(path)
        if known and known.is_still(path):
            known.projects |= {project}
            return
        if known:
            self._drop(known)
        folder = _Folder(path, (known.projects if known else frozenset()) | {project}, self._heard)
        folder.watch = self._observer.schedule(folder, path, event_filter=_EVENTS)
        self._folders[path] = folder

    def _keep(self, project: Path, paths: Collection[str]) -> None:
        with self._lock:
            for folder in [f for f in self._folders.values() if project in f.projects and f.path not in paths]:
                folder.projects -= {project}
                if not folder.projects:
                    self._drop(folder)

    def _drop(self, folder: _Folder) -> None:
        del self._folders[folder.path]
        if folder.watch:
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(folder.watch)

    def _after_overflow(self) -> None:
        for folder in list(self._folders.values()):
            folder.is_gone = True  # whether it was deleted may be among what was lost
        self._overflowed()


def _identity(path: str) -> tuple[int, int]:
    found = Path(path).stat()
    return found.st_dev, found.st_ino


def _refusal(what: str, error: OSError) -> str:
    if error.errno in _LIMITS:
        things, name = _LIMITS[error.errno]
        return f"no inotify {things} are left for this user; an administrator can raise {name} with sysctl"
    return f"{what} cannot be watched: {error.strerror or error}"
