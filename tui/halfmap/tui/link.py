"""The connection to the daemon: what was lost is taken up again, and whoever looks hears when there is something new.

The interface keeps nothing itself: whatever it shows it has asked for, and it asks again when the daemon says that
something changed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from halfmap.daemon.client import DaemonAway, EventRow, Service

AGAIN_S = 1.0
"""How long to wait before the daemon is looked for again (s)."""
GATHER_S = 0.5
"""Changes within this time are told together (s): a screen is drawn at most twice a second."""

_Answer = TypeVar("_Answer")


class Link:
    """Follows the daemon's events for as long as the interface lives.

    Parameters
    ----------
    service
        The daemon's client, or one in memory.
    on_change
        Called with the numbers of the jobs that changed; with an empty set after the connection was taken up.
    on_event
        Called with each event, at once.
    on_away
        Called with a sentence when the daemon does not answer, and with an empty text when it does again.
    """

    def __init__(
        self,
        service: Service,
        on_change: Callable[[frozenset[int]], None],
        on_away: Callable[[str], None],
        on_event: Callable[[EventRow], None] = lambda _: None,
    ) -> None:
        self.service = service
        self.away = ""
        self._on_change = on_change
        self._on_away = on_away
        self._on_event = on_event
        self._changed = set[int]()
        self._telling: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Follow for ever; to be run as a task."""
        while True:
            try:
                status = await self.service.status()
                self._is_back()
                events = self.service.events(status.rev, None, True)
                async with aclosing(events) as following:  # type: ignore[type-var]
                    async for event in following:
                        self._is_back()
                        self._on_event(event)
                        self._note(event.job)
            except DaemonAway as error:
                self.is_away(f"{error}")
            await asyncio.sleep(AGAIN_S)

    async def ask(self, question: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Ask something; None if the daemon is away, which is then told."""
        try:
            answer = await question()
        except DaemonAway as error:
            self.is_away(f"{error}")
            return None
        return answer

    def is_away(self, reason: str) -> None:
        """Take note that the daemon does not answer, and look for it until it does; with no reason, that it answers."""
        if not reason:
            self._is_back()
        elif reason != self.away:
            was_here, self.away = not self.away, reason
            self._on_away(reason)
            if was_here:
                self._looking = asyncio.create_task(self._look_for_it(), name="look for the daemon")

    async def _look_for_it(self) -> None:
        while self.away:
            await asyncio.sleep(AGAIN_S)
            with contextlib.suppress(DaemonAway):
                await self.service.status()
                self._is_back()

    def _is_back(self) -> None:
        if self.away:
            self.away = ""
            self._on_away("")
            self._on_change(frozenset())

    def _note(self, job: int | None) -> None:
        if job is not None:
            self._changed.add(job)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER_S, self._tell)

    def _tell(self) -> None:
        self._telling = None
        changed, self._changed = frozenset(self._changed), set()
        with contextlib.suppress(RuntimeError):
            self._on_change(changed)
