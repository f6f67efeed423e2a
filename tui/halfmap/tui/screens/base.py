"""What all screens have in common: the way to the daemon, and hearing that something changed."""

import inspect
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.screen import Screen
from textual.widget import MountError
from textual.worker import Worker

from halfmap.daemon.client import Refused, Service
from halfmap.tui.terminal.look import Look

if TYPE_CHECKING:
    from halfmap.tui.app import HalfmapApp

_Answer = TypeVar("_Answer")


class HalfmapScreen(Screen[None]):
    """A screen that asks the daemon.

    A subclass asks in `changed`, which is called when the screen is first shown, when it is shown again, and when the
    daemon tells that jobs changed, at most twice a second. It is never broken off, and may be called again before it is
    done.
    """

    @property
    def halfmap(self) -> "HalfmapApp":
        """The application."""
        return cast("HalfmapApp", self.app)

    @property
    def service(self) -> Service:
        """The daemon."""
        return self.halfmap.link.service

    @property
    def look(self) -> Look:
        """How things are drawn."""
        return self.halfmap.look

    def on_screen_resume(self) -> None:
        """Ask anew whenever the screen is shown."""
        self.run_worker(self.changed(frozenset()), group="changed")

    def run_worker(self, work: Any, *given: Any, **named: Any) -> Worker[Any]:
        """Run work; where its answer comes only after the screen was left or the program ends, it is let go."""
        return super().run_worker(self._unless_left(work) if inspect.iscoroutine(work) else work, *given, **named)

    async def _unless_left(self, work: Awaitable[_Answer]) -> _Answer | None:
        try:
            return await work
        except (NoMatches, NoScreen, MountError):
            # at its end the program takes screens apart that are still on the stack
            if self.app.is_running and self in self.app.screen_stack:
                raise
            return None

    async def changed(self, jobs: frozenset[int]) -> None:
        """Ask anew; `jobs` are those that changed, empty for anything."""

    def away(self, reason: str) -> None:
        """Take note that the daemon is away, or back again for an empty text. The last picture stays."""

    async def ask(self, question: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Ask the daemon something; None if it is away or refuses, which the person is told."""
        try:
            return await self.halfmap.link.ask(question)
        except Refused as error:
            self.tell(f"{error}", "error")
            return None

    async def change(self, what: Callable[[str], Awaitable[_Answer]]) -> _Answer | None:
        """Have the daemon change something; `what` gets a key, so that it is done once. None if it was not done."""
        if self.look.read_only:
            self.tell("this session is read-only; nothing was changed.", "warning")
            return None
        key = f"{uuid.uuid4()}"
        return await self.ask(lambda: what(key))

    def tell(self, text: str, severity: str = "information") -> None:
        """Tell the person something, for a few seconds; text from elsewhere is no markup."""
        self.app.notify(text, severity=severity, markup=False)  # type: ignore[arg-type]
