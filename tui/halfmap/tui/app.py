"""The application: the daemon's link, the look, and which screen is shown."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from halfmap.daemon.client import Service
from halfmap.tui.link import Link
from halfmap.tui.look import Look
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.themes import add_themes


class HalfmapApp(App[None]):
    """Shows a daemon's jobs.

    Parameters
    ----------
    service
        The daemon's client, or one in memory.
    look
        How things are drawn.
    first
        Makes the first screen.
    """

    CSS_PATH = "app.tcss"
    TITLE = "halfmap"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help"),
        Binding("ctrl+q", "quit", "Quit", show=False),
    ]

    def __init__(self, service: Service, look: Look, first: Callable[[], HalfmapScreen]) -> None:
        super().__init__(ansi_color=look.theme == "ansi")
        self.look = look
        self.link = Link(service, self._on_change, self._on_away)
        self._first = first
        self._following: asyncio.Task[None] | None = None
        add_themes(self, look)

    def on_mount(self) -> None:
        """Show the first screen; the daemon is looked for once it has been painted."""
        self.set_class(self.look.ascii, "-ascii")
        self.push_screen(self._first())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._following = asyncio.create_task(self.link.follow(), name="link")

    def _on_change(self, jobs: frozenset[int]) -> None:
        screen = self.screen
        if isinstance(screen, HalfmapScreen):
            screen.run_worker(screen.changed(jobs), group="changed", exclusive=True)

    def _on_away(self, reason: str) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, HalfmapScreen):
                screen.away(reason)
