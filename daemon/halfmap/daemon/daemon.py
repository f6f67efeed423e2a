"""The daemon put together: its parts, its doers, the API, and the ticks that drive them."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from halfmap.daemon import service_unit
from halfmap.daemon.acceptance import Acceptance
from halfmap.daemon.card_board import CardBoard
from halfmap.daemon.checking import Checking
from halfmap.daemon.clock import SystemClock
from halfmap.daemon.desk import Desk
from halfmap.daemon.ending import Ending
from halfmap.daemon.hints import Hints
from halfmap.daemon.ladders.driver import Ladders
from halfmap.daemon.lanes import Lanes
from halfmap.daemon.launcher import OnThisMachine
from halfmap.daemon.notifications import Notifier
from halfmap.daemon.nvml import card_reader
from halfmap.daemon.parts import Parts
from halfmap.daemon.places import Places
from halfmap.daemon.projects import Projects
from halfmap.daemon.recovery import recover
from halfmap.daemon.retention import retain
from halfmap.daemon.settings import Settings
from halfmap.daemon.slurm_watch import SlurmWatch
from halfmap.daemon.stopping import Stopping
from halfmap.daemon.store import Store
from halfmap.daemon.tending import Tending
from halfmap.daemon.waiting_line import WaitingLine
from halfmap.daemon.watcher import Watcher

_QUEUE_S = 15.0
"""The queue is looked at when something changes, and this often besides, in seconds."""

_LADDERS_PAUSE_S = 0.5
"""Ladders are looked at when something in the store changes, but not more often than this, in seconds."""

_log = logging.getLogger(__name__)


@dataclass
class Doers:
    """Who does what."""

    tending: Tending
    acceptance: Acceptance
    stopping: Stopping
    projects: Projects
    line: WaitingLine
    ladders: Ladders
    desk: Desk


def make_parts(where: Places, settings: Settings, environ: Mapping[str, str], store: Store) -> Parts:
    """Put the real parts together; call it inside of the event loop."""
    loop = asyncio.get_running_loop()
    clock = SystemClock()
    hints = Hints()
    lanes = Lanes(hints.add)
    parts = Parts(
        places=where,
        settings=settings,
        environ=environ,
        clock=clock,
        store=store,
        lanes=lanes,
        cards=CardBoard(card_reader(environ), store, lanes),
        here=OnThisMachine(),
        slurm=SlurmWatch(settings.slurm, environ, store, lanes, clock),
        watcher=Watcher(loop, hints.add, environ),
        notifier=Notifier(settings.notification, store.first_notice, _log.warning),
        loop=loop,
        hints=hints,
    )
    store.on_change = parts.changed.ring
    return parts


def make_doers(parts: Parts, end: Callable[[], None]) -> Doers:
    """Put those together who do things with the parts."""
    ending = Ending(parts)
    tending = Tending(parts, ending)
    stopping = Stopping(parts, tending, ending)
    ending.queue_again = stopping.queue_again
    acceptance = Acceptance(parts)
    projects = Projects(parts, acceptance)
    line = WaitingLine(parts, tending, Checking(parts))
    ladders = Ladders(parts, acceptance)
    desk = Desk(parts, acceptance, stopping, projects, line, ladders, end)
    return Doers(tending, acceptance, stopping, projects, line, ladders, desk)


class Daemon:
    """One daemon, from its start to its end.

    Parameters
    ----------
    parts, doers
        What it is made of.
    """

    def __init__(self, parts: Parts, doers: Doers) -> None:
        self._parts = parts
        self._doers = doers
        self._ticks = AsyncIOScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}, timezone="UTC"
        )
        self._queue: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Take up what an earlier daemon left, then let the ticks run."""
        await recover(self._parts, self._doers.tending, self._doers.stopping)
        self._background = [
            asyncio.create_task(self._look_at_queue(), name="queue"),
            asyncio.create_task(self._look_at_hints(), name="hints"),
            asyncio.create_task(self._look_at_ladders(), name="ladders"),
            asyncio.create_task(self._first_look(), name="first look"),
        ]
        ticks = self._parts.settings.ticks
        self._tick(self._doers.projects.scan_all, ticks.reconcile_s)
        self._tick(self._doers.projects.scan_polled, ticks.polling_s)
        self._tick(self.look_at_cards, ticks.cards_s)
        self._tick(self._parts.slurm.look, ticks.slurm_s)
        self._tick(self._retain, ticks.retention_s)
        self._tick(self._say_alive, 10.0)
        self._ticks.start()
        # what was loaded until now stays for good; looking all through it for garbage would hold up requests by 50 ms
        gc.freeze()

    async def end(self) -> None:
        """Stop looking. Running jobs go on."""
        self._ticks.shutdown(wait=False)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._doers.tending.close()
        self._parts.watcher.close()
        self._parts.lanes.close()

    def _tick(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        self._ticks.add_job(_safely(work), IntervalTrigger(seconds=seconds), name=work.__qualname__)

    async def _first_look(self) -> None:
        await asyncio.gather(*(self._doers.projects.begin(project) for project in self._parts.store.projects()))

    async def _look_at_queue(self) -> None:
        look = _safely(self._doers.line.look)
        while True:
            self._parts.wake.clear()
            await look()
            if (begin := self._doers.line.next_begin) is not None:
                when = datetime.fromtimestamp(begin, UTC)
                self._ticks.add_job(self._wake, DateTrigger(when), id="begin", replace_existing=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._parts.wake.wait(), self._doers.line.next_look_s(_QUEUE_S))

    async def _look_at_ladders(self) -> None:
        look = _safely(partial(self._doers.ladders.follow, self._parts.settings.ticks.polling_s))
        while True:
            await look()
            await asyncio.sleep(_LADDERS_PAUSE_S)

    async def _wake(self) -> None:
        self._parts.wake.set()

    async def _look_at_hints(self) -> None:
        while True:
            for project in await self._parts.hints.take():
                await _safely(partial(self._doers.projects.scan, project))()

    async def look_at_cards(self) -> None:
        """Read the cards, remember what they do, and give back those that are clean."""
        await self._parts.cards.refresh()
        self._parts.card_history.take(self._parts.clock.now(), self._parts.cards.rows())
        if await self._parts.cards.give_back_clean():
            self._parts.wake.set()

    async def _retain(self) -> None:
        retain(self._parts)

    async def _say_alive(self) -> None:
        if self._parts.trouble:
            self._parts.try_store()
        service_unit.notify("WATCHDOG=1", self._parts.environ)


def _safely(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Make work that a mistake in it does not end: it is written to the log, and tried again at the next tick."""

    async def done() -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("%s failed", getattr(work, "__qualname__", work))

    done.__qualname__ = getattr(work, "__qualname__", "work")
    return done
