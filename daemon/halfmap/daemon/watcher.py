"""Hints that something changed in a project, from the kernel where it tells, and the reason where it does not.

A hint is never the truth: events are lost when the kernel's queue overflows, and other machines' changes raise none.
Whoever gets a hint looks for itself, and looks now and then without one.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from halfmap.daemon import file_system
from halfmap.daemon.folder_events import FolderEvents, NoEvents

VARIABLE = "HALFMAP_INOTIFY"
FOLDERS = ("", "Refine3D", "halfmap", "halfmap/inbox")
"""What is watched of a project, besides the folders of its running jobs; never what lies below them."""

_CANARY = ".canary"
_PIPELINE_CHANGED = ".pipeline_has_changed"


@dataclass(frozen=True, slots=True)
class Watching:
    """How changes of a project are noticed; `reason` says why not by events."""

    mode: Literal["events", "polling"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds.

    Attributes
    ----------
    canary_s
        How long the event of a file that was just written may take.
    retry_s
        After which a file system without events is tried again.
    pause_s
        From an event to its hint; what follows in between is told with it.
    apart_s
        Least time between two hints of a project.
    """

    canary_s: float = 2.0
    retry_s: float = 3600.0
    pause_s: float = 0.1
    apart_s: float = 0.5


@dataclass(slots=True)
class _Project:
    """What is known of a project: the times are monotonic seconds."""

    watching: Watching = Watching("polling", "not looked at yet")
    canary: threading.Event = field(default_factory=threading.Event)
    is_proved: bool = False
    deaf_since: float | None = None
    to_tell: bool = False
    told: float = float("-inf")


class Watcher:
    """Watches projects with one inotify instance.

    `attend` and `forget` touch the project's file system: they are to be called in its own thread. The rest is for
    the event loop.

    Parameters
    ----------
    loop, hint
        Where, and what, is called with a project in which something may have changed.
    environ
        ``HALFMAP_INOTIFY=off`` in it leaves everything to polling.
    kind_of
        Tells the file system of a path.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        hint: Callable[[Path], None],
        environ: Mapping[str, str],
        patience: Patience = Patience(),
        kind_of: Callable[[Path], file_system.FileSystem] = file_system.kind_of,
    ) -> None:
        self.overflows = 0
        """How often the kernel has dropped events."""
        self._loop, self._hint, self._patience, self._kind_of = loop, hint, patience, kind_of
        self._projects: dict[Path, _Project] = {}
        self._events: FolderEvents | None = None
        self._off = f"{VARIABLE}=off" if environ.get(VARIABLE) == "off" else ""
        if not self._off:
            try:
                self._events = FolderEvents(self._heard, self._overflowed)
            except NoEvents as reason:
                self._off = str(reason)

    def mode(self, project: Path) -> Watching:
        """Tell how a project is watched."""
        return self._projects.get(project, _Project()).watching

    def attend(self, project: Path, running: Collection[Path] = ()) -> Watching:
        """Watch a project, and the folders of its running jobs, as they are now; to be repeated as they may change.

        Folders that have appeared, or were deleted and made again, are followed from then on. The first time a file is
        written to see whether its event arrives, which may take up to `Patience.canary_s`.
        """
        known = self._projects.setdefault(project, _Project())
        folders = [project / name for name in FOLDERS] + list(running)
        try:
            known.watching = self._attend(project, known, folders)
        except NoEvents as reason:
            known.watching = Watching("polling", str(reason))
        if self._events and known.watching.mode == "polling":
            self._events.forget(project)
        return known.watching

    def forget(self, project: Path) -> None:
        """Watch a project no more."""
        self._projects.pop(project, None)
        if self._events:
            self._events.forget(project)

    def close(self) -> None:
        """Stop watching; waits for no file system that hangs."""
        if self._events:
            self._events.close()

    def _attend(self, project: Path, known: _Project, folders: list[Path]) -> Watching:
        if not self._events:
            raise NoEvents(self._off)
        if not self._events.is_alive:
            raise NoEvents("the thread that hears events has died; restart the daemon")
        self._refuse_network(folders)  # before anything there is touched
        if not os.access(project, os.R_OK | os.X_OK):
            raise NoEvents(f"{project} is not there, or cannot be read")
        if known.deaf_since is not None and time.monotonic() - known.deaf_since < self._patience.retry_s:
            return known.watching
        if not known.is_proved:
            _make_folder(project / "halfmap")
        self._events.watch(project, folders)
        if not known.is_proved:
            self._prove(project / "halfmap", known)
        return Watching("events")

    def _refuse_network(self, folders: list[Path]) -> None:
        for folder in folders:
            kind = self._kind_of(folder)
            if kind.is_network:
                raise NoEvents(f"{folder} is on {kind.name}: other machines' changes raise no events")

    def _prove(self, folder: Path, known: _Project) -> None:
        """Write a file and wait for its event."""
        canary = folder / f"{_CANARY}-{os.getuid()}"
        known.canary.clear()
        try:
            os.close(os.open(canary, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            canary.unlink()
        except OSError as error:
            raise NoEvents(_unproved(canary, error)) from None
        known.is_proved = known.canary.wait(self._patience.canary_s)
        known.deaf_since = None if known.is_proved else time.monotonic()
        if not known.is_proved:
            raise NoEvents(f"events do not arrive: none within {self._patience.canary_s:g} s of writing {canary}")

    def _heard(self, project: Path, name: str) -> None:
        """Take an event, in a thread of watchdog's."""
        known = self._projects.get(project)
        if known and name.startswith(_CANARY):
            known.canary.set()
        elif known and (not name.startswith(".") or name == _PIPELINE_CHANGED):  # no locks, no half-written files
            self._pass_on(project, known)

    def _overflowed(self) -> None:
        """Have all projects looked at."""
        self.overflows += 1
        for project, known in list(self._projects.items()):
            self._pass_on(project, known)

    def _pass_on(self, project: Path, known: _Project) -> None:
        """Tell the loop, unless it is about to tell of this project; called in any thread."""
        if not known.to_tell:
            known.to_tell = True
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._tell_soon, project, known)

    def _tell_soon(self, project: Path, known: _Project) -> None:
        wait = max(self._patience.pause_s, known.told + self._patience.apart_s - self._loop.time())
        self._loop.call_later(wait, self._tell, project, known)

    def _tell(self, project: Path, known: _Project) -> None:
        known.to_tell, known.told = False, self._loop.time()
        if self._projects.get(project) is known:
            self._hint(project)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise NoEvents(_unproved(folder, error)) from None


def _unproved(path: Path, error: OSError) -> str:
    return f"{path} cannot be written ({error.strerror}), so it cannot be tried whether events arrive"
