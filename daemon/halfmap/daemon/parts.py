"""What the daemon is made of, in one place: ports to the world, the store, and what is known only while it runs."""

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from halfmap.daemon.bell import Bell
from halfmap.daemon.card_board import CardBoard
from halfmap.daemon.card_history import CardHistory
from halfmap.daemon.clock import Clock
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.hints import Hints
from halfmap.daemon.lanes import Lanes
from halfmap.daemon.launcher import Launcher
from halfmap.daemon.notifications import Notifier
from halfmap.daemon.places import Places
from halfmap.daemon.preflight import Preflight
from halfmap.daemon.settings import Settings
from halfmap.daemon.slurm_watch import SlurmWatch
from halfmap.daemon.store import Store
from halfmap.daemon.watcher import Watcher

_Result = TypeVar("_Result")
_SLURM_S = 240.0


@dataclass
class Live:
    """What is known of a job only while the daemon runs.

    Attributes
    ----------
    lock
        Held while its folder is made or it is started: one step of a job at a time.
    preflight
        Result of the check before its start; None while it is under way or not yet begun.
    retry_at
        Monotonic time before which it is not started again, after a start that did not work.
    iteration
        The last that was finished.
    figures
        Fields of `JobRow` that change too often to be written down: phase, fraction …
    """

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    preflight: Preflight | None = None
    retry_at: float = 0.0
    iteration: int | None = None
    is_checking: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Counters:
    """What is counted for the metrics since the daemon's start."""

    starts: int = 0
    stalls: int = 0
    schedule_seconds: float = 0.0
    reconciled: dict[Path, float] = field(default_factory=dict)


@dataclass
class Parts:
    """Everything that the daemon's doers share.

    Attributes
    ----------
    changed
        Rings at each change of the store.
    wake
        Set to have the queue looked at now.
    trouble
        Why the store cannot be written; empty if it can. Nothing is started meanwhile.
    """

    places: Places
    settings: Settings
    environ: Mapping[str, str]
    clock: Clock
    store: Store
    lanes: Lanes
    cards: CardBoard
    here: Launcher
    slurm: SlurmWatch
    watcher: Watcher
    notifier: Notifier
    loop: asyncio.AbstractEventLoop
    hints: Hints
    card_history: CardHistory = field(default_factory=CardHistory)
    changed: Bell = field(default_factory=Bell)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.time)
    trouble: str = ""
    project_trouble: dict[Path, str] = field(default_factory=dict)
    live: dict[int, Live] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)

    def live_of(self, job: int) -> Live:
        """What is known of a job while the daemon runs."""
        return self.live.setdefault(job, Live())

    def written(self, change: Callable[[], _Result]) -> _Result:
        """Make a change in the store, and remember whether the store took it.

        Raises
        ------
        StoreUnavailable
            If it did not.
        """
        try:
            result = change()
        except StoreUnavailable as error:
            self.trouble = _words_of(error)
            raise
        if self.trouble:
            # a change of nothing succeeds on any disk
            self.try_store()
        return result

    def try_store(self) -> None:
        """See whether the store can be written."""
        try:
            self.store.touch()
            self.trouble = ""
        except StoreUnavailable as error:
            self.trouble = _words_of(error)

    async def in_project(self, project: Path, work: Callable[..., _Result], *values: Any) -> _Result:
        """Do something in a project's own thread; raises `halfmap.daemon.lanes.Hung` if its file system hangs."""
        return await self.lanes.run(project, work, *values, patience_s=self.settings.ticks.hung_s)

    async def in_project_and_slurm(self, project: Path, work: Callable[..., _Result], *values: Any) -> _Result:
        """Do something in a project's own thread that asks Slurm too, which takes longer than a file system may."""
        return await self.lanes.run(project, work, *values, patience_s=_SLURM_S)

    def in_loop(self, work: Callable[[], None]) -> None:
        """From a project's thread: do something in the event loop's thread, where the store lives, and wait for it."""
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def do() -> None:
            try:
                work()
                done.set_result(None)
            except BaseException as error:
                done.set_exception(error)

        self.loop.call_soon_threadsafe(do)
        done.result()


def _words_of(error: StoreUnavailable) -> str:
    return f"the store cannot be written ({error}); nothing is started until it can"
