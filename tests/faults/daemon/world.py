"""A daemon in this process, all of it but its programs, its clock and its cards; and the programs that it starts."""

import asyncio
import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from halfmap.daemon import attempt_files
from halfmap.daemon.attempt_files import Exit, Identity, Spec
from halfmap.daemon.cards import Card, CardProcess
from halfmap.daemon.clock import FakeClock
from halfmap.daemon.daemon import Daemon, Doers, make_doers, make_parts
from halfmap.daemon.database import open_database
from halfmap.daemon.launcher import Launcher, Started
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.parts import Parts
from halfmap.daemon.places import Places
from halfmap.daemon.processes import boot_id, start_time
from halfmap.daemon.service import Service
from halfmap.daemon.settings import Limits, Patience, Settings, Stall
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Store

CARDS = ("GPU-0", "GPU-1")
_ANNA = CardProcess(4711, "anna", "cryosparc", 2048.0)
_SHIM = "trap 'kill -9 0' TERM; sleep 600 & wait"
_LONG_S = 7 * 86400.0
_Answer = TypeVar("_Answer")


class Programs(Launcher):
    """Processes that sleep until they are told how to end.

    Attributes
    ----------
    failure
        How the next start fails, in words: before anything runs, or after; "" if it does not.
    starts
        Every attempt that was ever started, in its order.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.failure = ""
        self.starts: list[tuple[int, str]] = []
        self._clock = clock
        self._children: dict[str, tuple[int, subprocess.Popen[bytes], Path]] = {}
        self._lock = threading.Lock()

    def start(self, folder: Path, spec: Spec) -> Started:
        """Start one, as a shim would: it runs only if nobody has claimed the attempt."""
        failure, self.failure = self.failure, ""
        if failure != "nothing runs":
            self._run(folder, spec)
        if failure:
            raise OSError(f"the start failed: {failure}")
        return Started()

    def _run(self, folder: Path, spec: Spec) -> None:
        environ = {"PATH": os.environ["PATH"], "HALFMAP_ATTEMPT": spec.uuid}
        child = subprocess.Popen(["sh", "-c", _SHIM], env=environ, start_new_session=True)
        identity = Identity(
            uuid=spec.uuid,
            process_id=child.pid,
            start_time=start_time(child.pid) or 0,
            boot_id=boot_id(),
            host=os.uname().nodename,
            time=self._clock.now(),
        )
        if not attempt_files.claim(folder, identity):
            _kill(child)
            return
        with self._lock:
            self.starts.append((spec.job, spec.uuid))
            self._children[spec.uuid] = (spec.job, child, folder)

    def alive(self) -> list[int]:
        """Jobs whose programs run, each as often as it has one."""
        return sorted(job for job, child, _folder in self._children.values() if child.poll() is None)

    def end(self, job: int, code: int | None) -> None:
        """Let the program of a job end with a code, or vanish without a word (None)."""
        for number, child, folder in self._children.values():
            if number == job and child.poll() is None:
                if code is not None:
                    attempt_files.write_exit(folder, Exit(code=code, ended=self._clock.now()))
                _kill(child)

    def close(self) -> None:
        """End all."""
        for _job, child, _folder in self._children.values():
            _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill it with all of its group, as long as its number is still its own."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class World:
    """The daemon, its surroundings, and a loop in which it lives only while something is asked of it."""

    def __init__(self, root: Path) -> None:
        self.root, self.project = root, root / "project"
        self.project.mkdir(parents=True)
        self.clock = FakeClock()
        self.programs = Programs(self.clock)
        self.states = dict.fromkeys(CARDS, "free")
        self.loop = asyncio.new_event_loop()
        self.show_cards()
        self._crashed = False
        self.do(self._start())
        self.do(self.desk.watch(str(self.project), "watch"))

    parts: Parts
    doers: Doers
    daemon: Daemon

    @property
    def desk(self) -> Service:
        return self.doers.desk

    @property
    def store(self) -> Store:
        return self.parts.store

    def do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        return self.loop.run_until_complete(work)

    def ask(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Ask the daemon for something, and wait until nothing more comes of it."""
        try:
            return self.do(work)
        finally:
            self.do(self.settle())

    def show_cards(self) -> None:
        """Write down how the cards are: ``free``, ``busy`` with somebody else's process, or ``lost``."""
        cards = [
            Card(uuid, index, "fake", 24576.0, 0.0, processes=(_ANNA,) if self.states[uuid] == "busy" else ())
            for index, uuid in enumerate(CARDS)
            if self.states[uuid] != "lost"
        ]
        write_fake(self.root / "cards.json", cards)

    async def _start(self) -> None:
        where = Places(self.root, self.root, self.root / "daemon.toml")
        settings = Settings(
            limits=Limits(patience_s=_LONG_S), stop=Patience(abort_s=_LONG_S), stall=Stall(least_s=_LONG_S)
        )
        environ = {"PATH": os.environ["PATH"], "HALFMAP_NVML": str(self.root / "cards.json"), "HALFMAP_INOTIFY": "off"}
        store = Store(open_database(where.store), self.clock)
        self.parts = replace(make_parts(where, settings, environ, store), here=self.programs, clock=self.clock)
        self.doers = make_doers(self.parts, lambda: None)
        self.daemon = Daemon(self.parts, self.doers)
        await self.daemon.begin()

    async def crash(self) -> None:
        """End the daemon where it is: from now on it writes nothing; what a thread is just doing it may finish."""
        self.store.connection.close()
        with contextlib.suppress(Exception):
            await self.parts.in_project(self.project, int)
        await self.daemon.end()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    def restart(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.do(self.crash())
        meanwhile()
        self.do(self._start())
        self.do(self.settle())

    async def _asked_and_crashed(self, work: Coroutine[Any, Any, object], seconds: float) -> None:
        task = asyncio.ensure_future(work)
        await asyncio.sleep(seconds)
        await self.crash()
        task.cancel()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await task
        await self._start()

    def crash_while_asked(self, work: Callable[[], Coroutine[Any, Any, _Answer]], seconds: float) -> _Answer:
        """Ask for something, let the daemon die meanwhile, and ask the next one for the same."""
        self.do(self._asked_and_crashed(work(), seconds))
        return self.ask(work())

    async def settle(self) -> None:
        """Wait until nothing changes any more; time passes for the daemon meanwhile."""
        quiet = 0
        for _ in range(500):
            before = self.store.rev()
            self.clock.advance(6)
            await self.daemon.look_at_cards()
            self.parts.wake.set()
            await asyncio.sleep(0.005)
            with contextlib.suppress(asyncio.CancelledError):
                await self.parts.in_project(self.project, int)  # it waits its turn behind all that is under way
            await asyncio.sleep(0.005)
            quiet = 0 if self._is_busy() or self.store.rev() != before else quiet + 1
            if quiet == 3:
                return
        raise AssertionError(f"it does not come to rest: {self.store.events(self.store.rev() - 10, None, 10)}")

    def _is_busy(self) -> bool:
        """Whether it has yet to do something about what it knows or could see."""
        checked = any(live.is_checking for live in self.parts.live.values())
        passing = self.store.own_jobs(JobState.PREPARING, JobState.STARTING)
        live = sorted(attempt.job for attempt in self.store.live_attempts())
        return checked or bool(passing) or live != self.programs.alive()

    def close(self) -> None:
        self.programs.close()
        self.do(self.crash())
        self.loop.close()
