"""Blocking work in threads, watched: what makes no progress is given up, and never hinders the program's end."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

QUIET_S = 3.0
"""Work that shows no sign of life for so long is given up (s)."""
_MOST_HUNG = 3

_Answer = TypeVar("_Answer")


class Unanswered(Exception):
    """The file system does not answer; the message says so."""


class Abandoned(Exception):
    """Nobody waits for this work any more; ends its thread."""


class Beat:
    """How a thread shows that it makes progress, and learns that nobody waits any more."""

    def __init__(self) -> None:
        self.count = 0
        self._is_wanted = True

    def __call__(self) -> None:
        """Show a sign of life.

        Raises
        ------
        Abandoned
            If nobody waits any more.
        """
        self.count += 1
        if not self._is_wanted:
            raise Abandoned

    def abandon(self) -> None:
        """End the work at its next sign of life."""
        self._is_wanted = False


class Patience:
    """Does work in threads of its own; remembers those that hang, and starts no more when too many do.

    Parameters
    ----------
    quiet_s
        How long to wait for a sign of life (s).
    """

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self.quiet_s = quiet_s
        self._hung: list[threading.Thread] = []

    async def do(self, work: Callable[[Beat], _Answer]) -> _Answer:
        """Do work in a thread; an exception of the work is raised here.

        Raises
        ------
        Unanswered
            If the work shows no sign of life for too long.
        """
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        if len(self._hung) >= _MOST_HUNG:
            raise Unanswered("the file system still does not answer.")
        beat = Beat()
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        thread = threading.Thread(target=_work, args=(work, beat, answer), name="reading", daemon=True)
        thread.start()
        try:
            await self._watch(beat, answer)
        except Unanswered:
            self._hung.append(thread)
            raise
        finally:
            beat.abandon()
        return await answer

    async def _watch(self, beat: Beat, answer: "asyncio.Future[_Answer]") -> None:
        while not answer.done():
            seen = beat.count
            await asyncio.wait({answer}, timeout=self.quiet_s)
            if not answer.done() and beat.count == seen:
                raise Unanswered(f"the file system has not answered for {self.quiet_s:g} s.")


def _work(work: Callable[[Beat], _Answer], beat: Beat, answer: "asyncio.Future[_Answer]") -> None:
    try:
        found = work(beat)
    except Exception as error:
        failed = error
        _tell(answer, lambda: answer.set_exception(failed))
    else:
        _tell(answer, lambda: answer.set_result(found))


def _tell(answer: "asyncio.Future[_Answer]", settle: Callable[[], None]) -> None:
    def settle_if_awaited() -> None:
        if not answer.done():
            settle()

    try:
        answer.get_loop().call_soon_threadsafe(settle_if_awaited)
    except RuntimeError:
        # the interface has ended meanwhile
        return
