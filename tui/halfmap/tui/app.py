"""The application: the daemon's link, the look, and which screen is shown."""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter

from halfmap.daemon.client import DaemonAway, EventRow, Refused, Service
from halfmap.tui.link import Link
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.terminal.ascii_only import AsciiOnly
from halfmap.tui.terminal.ascii_scroll import choose_scroll_bars
from halfmap.tui.terminal.look import Look
from halfmap.tui.terminal.type_ahead import TypeAheadApp
from halfmap.tui.text.news import is_news, news
from halfmap.tui.themes import add_themes, pane_colours

_MOST_NEWS = 3
NEWS_S = 5.0
"""As long as a notice is seen (s): no more than a few stand over the screen."""
_ROOMY_PANES, _FEW_PANES = "123678", "1238"


class HalfmapApp(TypeAheadApp):
    """Shows a daemon's jobs.

    Parameters
    ----------
    service
        The daemon's client, or one in memory.
    look
        How things are drawn.
    first
        Makes the first screen.
    job
        A job to open at once: its number, name or alias; empty for none.
    project
        The project that `job` is searched in; None for all.
    now
        The clock (s since the epoch).
    """

    CSS_PATH = "app.tcss"
    TITLE = "halfmap"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "colon"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help: all keys"),
        Binding("ctrl+q", "quit", "Quit", show=False),
        Binding("ctrl+l", "draw_anew", "Draw the whole screen anew", show=False, priority=True),
    ]

    def __init__(
        self,
        service: Service,
        look: Look,
        first: Callable[[], HalfmapScreen],
        job: str = "",
        project: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.look = look
        super().__init__()
        self.now = now
        self.link = Link(service, self._on_change, self._on_away, self._on_event)
        self.animation_level = "none"
        self._first = first
        self._job, self._project = job, project
        self._panes = ""
        self._ascii = [AsciiOnly()] if look.ascii else []
        self._following: asyncio.Task[None] | None = None
        self._news: list[EventRow] = []
        self._is_telling = False
        choose_scroll_bars(look.ascii)
        add_themes(self, look)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the colours that halfmap's own style sheets name."""
        return pane_colours(self.look.theme)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Give Textual's filters, and that of ASCII terminals."""
        return [*super().get_line_filters(), *self._ascii]

    def get_driver_class(self) -> type[Driver]:
        """Give the driver that spares bytes, where Textual would take its own for terminals."""
        from textual.drivers.linux_driver import LinuxDriver

        from halfmap.tui.terminal.driver import SparingDriver

        found = super().get_driver_class()
        return SparingDriver if found is LinuxDriver else found

    def on_resize(self) -> None:
        """Write everything once more: who knows what the terminal has made of its lines."""
        self._forget_terminal()

    def on_mount(self) -> None:
        """Show the first screen; the daemon is looked for once it has been painted."""
        self.set_class(self.look.ascii, "-ascii")
        self.push_screen(self._first())
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        self._following = asyncio.create_task(self.link.follow(), name="link")
        if self._job:
            self.run_worker(self._open_named())

    async def _open_named(self) -> None:
        try:
            row = await self.link.service.find(self._job, None if self._job.isdecimal() else self._project)
        except (Refused, DaemonAway) as error:
            self.notify(f"{error}", severity="error", markup=False)
            return
        self.open_job(row.job)

    def open_job(self, job: int) -> None:
        """Show a job."""
        from halfmap.tui.screens.job import JobScreen

        self.push_screen(JobScreen(job))

    def action_help(self) -> None:
        """Show all keys of the screen."""
        from halfmap.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_command_palette(self) -> None:
        """Show all that can be done here, and jobs, to choose from by typing."""
        from halfmap.tui.palette_commands import run_command
        from halfmap.tui.screens.palette import PaletteScreen

        if not isinstance(self.screen, PaletteScreen):
            self.push_screen(PaletteScreen(self.screen, self.link.service), partial(run_command, self))

    def action_draw_anew(self) -> None:
        """Draw the whole screen, whatever stands there."""
        self._forget_terminal()
        self.screen.refresh()

    def _forget_terminal(self) -> None:
        forget = getattr(self._driver, "forget", None)
        if forget is not None:
            forget()

    def panes_shown(self, is_roomy: bool) -> str:
        """Tell which panes a job's screen begins with: those that were last shown in this session."""
        return self._panes or (_ROOMY_PANES if is_roomy else _FEW_PANES)

    def remember_panes(self, keys: str) -> None:
        """Take note of the panes that are shown."""
        self._panes = keys

    def _on_event(self, event: EventRow) -> None:
        if not is_news(event):
            return
        self._news.append(event)
        if not self._is_telling:
            self._is_telling = True
            self.run_worker(self._tell_all_news())

    async def _tell_all_news(self) -> None:
        """Tell what happened; of much that happens at once a few things, and how much more there is."""
        while self._news:
            told, more, self._news = self._news[:_MOST_NEWS], len(self._news) - _MOST_NEWS, []
            for event in told:
                await self._tell_news(event)
            if more > 0:
                self.notify(f"{more} more jobs have ended or need somebody.", markup=False)
            await asyncio.sleep(NEWS_S)
        self._is_telling = False

    async def _tell_news(self, event: EventRow) -> None:
        try:
            told = news(event, (await self.link.service.job(event.job or 0)).row)
        except (Refused, DaemonAway):
            return
        self.notify(told.text, severity=told.severity, markup=False)
        if told.severity != "information":
            self.bell()

    def _on_change(self, jobs: frozenset[int]) -> None:
        # none is left when something changes while the interface ends
        screen = next(iter(self.screen_stack[-1:]), None)
        if isinstance(screen, HalfmapScreen):
            screen.run_worker(screen.changed(jobs), group="changed")

    def _on_away(self, reason: str) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, HalfmapScreen):
                screen.away(reason)
