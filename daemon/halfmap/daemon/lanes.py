"""A thread of its own for each project's file system, so that one that hangs stops that project and nothing else."""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_log = logging.getLogger(__name__)


class Hung(Exception):
    """A project's file system does not answer.

    Attributes
    ----------
    project
        Whose.
    since
        When the call that does not return began; seconds of `time.monotonic`.
    what
        What that call does.
    """

    def __init__(self, project: Path, since: float, what: str) -> None:
        seconds = time.monotonic() - since
        super().__init__(f"{project} has not answered for {seconds:.0f} s ({what}); its file system may hang.")
        self.project = project
        self.since = since
        self.what = what


class _Call:
    def __init__(self, work: Callable[[], Any], what: str, patience_s: float, answer: asyncio.Future[Any]) -> None:
        self.work = work
        self.what = what
        self.patience_s = patience_s
        self.answer = answer
        self.since = time.monotonic()


class _Lane:
    """One thread and the calls that wait for it. Everything but `_serve` happens in the event loop."""

    def __init__(self, project: Path, recovered: Callable[[Path], None]) -> None:
        self._project = project
        self._recovered = recovered
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Call] = deque()
        self._current: _Call | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._overdue = False
        self._hatch: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        # a daemon thread: one that waits for a dead server must not keep the interpreter from ending
        threading.Thread(target=self._serve, name=f"lane {project}", daemon=True).start()

    def ask(self, call: _Call) -> None:
        """Queue a call, or fail it at once while an earlier one does not return."""
        if self._overdue and self._current:
            call.answer.set_exception(self._hung(self._current))
            return
        self._waiting.append(call)
        if self._current is None:
            self._start_next()

    def hung_s(self) -> float | None:
        """How long the call that is overdue has been running, in seconds."""
        return time.monotonic() - self._current.since if self._overdue and self._current else None

    def close(self) -> None:
        """Let the thread end once it is free; calls that wait are cancelled."""
        for call in self._waiting:
            call.answer.cancel()
        self._waiting.clear()
        self._recovered = lambda _project: None
        self._hatch.put(None)

    def _hung(self, call: _Call) -> Hung:
        return Hung(self._project, call.since, call.what)

    def _start_next(self) -> None:
        while self._waiting:
            call = self._waiting.popleft()
            if call.answer.done():  # whoever asked has been cancelled
                continue
            self._current = call
            call.since = time.monotonic()
            self._alarm = self._loop.call_later(call.patience_s, self._lose_patience, call)
            self._hatch.put(call)
            return

    def _lose_patience(self, call: _Call) -> None:
        self._overdue = True
        for failed in (call, *self._waiting):
            if not failed.answer.done():
                failed.answer.set_exception(self._hung(call))
        self._waiting.clear()

    def _returned(self, call: _Call, result: Any, error: BaseException | None) -> None:
        was_overdue, self._overdue, self._current = self._overdue, False, None
        if self._alarm:
            self._alarm.cancel()
        if call.answer.done():
            if error:
                _log.warning("%s: %s failed after nobody waited for it any more: %s", self._project, call.what, error)
        elif error:
            call.answer.set_exception(error)
        else:
            call.answer.set_result(result)
        self._start_next()
        if was_overdue:
            self._recovered(self._project)

    def _serve(self) -> None:
        while call := self._hatch.get():
            result: Any = None
            error: BaseException | None = None
            try:
                result = call.work()
            except StopIteration as stop:  # a future does not take it
                error = RuntimeError(f"{call.what} ended with {stop!r}")
            except BaseException as raised:  # whatever it is, it belongs to whoever asked
                error = raised
            with contextlib.suppress(RuntimeError):  # the loop is closed: the daemon ends
                self._loop.call_soon_threadsafe(self._returned, call, result, error)


class Lanes:
    """Runs functions in their project's thread, one at a time and in the order asked for.

    To be used from the event loop only. A call that has been given up on goes on in its thread, so functions have to
    be safe to repeat.

    Parameters
    ----------
    recovered
        Called, in the event loop, when a call that was overdue has returned after all.
    """

    def __init__(self, recovered: Callable[[Path], None] = lambda _project: None) -> None:
        self._recovered = recovered
        self._lanes: dict[Path, _Lane] = {}

    async def run(self, project: Path, function: Callable[[*Ts], T], *args: *Ts, patience_s: float) -> T:
        """Call a function in the project's thread.

        Parameters
        ----------
        patience_s
            How long it may take, from when the thread begins with it.

        Raises
        ------
        Hung
            If it takes longer, or an earlier call of the project does.
        """
        if project not in self._lanes:
            self._lanes[project] = _Lane(project, self._recovered)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        named = getattr(function, "func", function)  # what a partial is of
        what = getattr(named, "__name__", type(named).__name__)
        self._lanes[project].ask(_Call(lambda: function(*args), what, patience_s, answer))
        return await answer

    def hung(self, project: Path) -> float | None:
        """Seconds since the project's file system should have answered a call that is overdue; None if all is well."""
        lane = self._lanes.get(project)
        return lane.hung_s() if lane else None

    def forget(self, project: Path) -> None:
        """End the thread of a project that is watched no more, as soon as it is free."""
        lane = self._lanes.pop(project, None)
        if lane:
            lane.close()

    def close(self) -> None:
        """End all threads that are free; those that hang end with the process."""
        for project in list(self._lanes):
            self.forget(project)
