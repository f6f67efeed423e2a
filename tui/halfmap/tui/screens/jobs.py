"""All jobs: what each does, and what can be done with them."""

import asyncio
import time
from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from halfmap.daemon.client import DaemonAway, JobQuery, JobRow
from halfmap.tui.link import AGAIN_S
from halfmap.tui.screens.job_pages import PAGE, JobPages, last_page
from halfmap.tui.screens.no_daemon import no_daemon
from halfmap.tui.screens.verb_screen import VerbScreen
from halfmap.tui.text.job_cells import Seen
from halfmap.tui.text.listing import SORTS, Listed
from halfmap.tui.text.states import counts
from halfmap.tui.widgets.status_line import StatusLine
from halfmap.tui.widgets.tables.filter_line import FilterLine
from halfmap.tui.widgets.tables.job_list import JobList
from halfmap.tui.widgets.tables.row_table import RowTable

LOOK_AGAIN_S = 2.0
"""How often figures of the rows in sight are asked for while a job of the page runs (s)."""
_VERY_END = 2
_MODES = {
    "paused": "The daemon starts nothing new",
    "recovery": "The daemon cannot read its store, so nothing is started and nothing changed",
}


class JobsScreen(VerbScreen):
    """Lists jobs.

    Parameters
    ----------
    project
        Only this project's; None for all.
    now
        The clock (s since the epoch).
    """

    AUTO_FOCUS = "JobTable"
    HINTS = ("S", "enter", "slash", "a", "X", "p", "e", "c", "h", "l", "space", "C", "greater_than_sign")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", tooltip="Filter: a regular expression; ! first inverts it"),
        Binding("escape", "clear", "Clear the filter, or else the marks", show=False),
        Binding(
            "p", "problems", "problems", tooltip="Problems: only what failed, was lost or has an alarm, and all again"
        ),
        Binding("t", "types", "all types", tooltip="All types: RELION's other jobs too, and refinements only again"),
        Binding("s", "sort", "sort", tooltip="Sort: newest, oldest, name, state, priority, resolution"),
        Binding("a", "new", "new job", tooltip="New job: fill in a refinement"),
        Binding("q", "quit", "quit", tooltip="Quit; jobs and daemon go on"),
    ]

    def __init__(self, project: str | None = None, now: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._project = project
        self._now = now
        self._wanted = asyncio.Event()
        self._cursor: int | None = None
        self._cards: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """The list, and the keys."""
        yield JobList()
        yield StatusLine()

    def on_mount(self) -> None:
        """Begin to ask."""
        self.pages = JobPages(self.service, JobQuery(project=self._project, limit=PAGE))
        self.list = self.query_one(JobList)
        self.run_worker(self._keep_asking(), group="pages")

    # --- asking ------------------------------------------------------------------------------------------------------

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (whichever they are)
        """Have the page asked for anew."""
        self._wanted.set()

    def away(self, reason: str) -> None:
        """Tell that the daemon is away; the last picture stays."""
        if self.pages.page is None:
            self.list.say(no_daemon(reason, not self.look.read_only) if reason else ())
        self._wanted.set()
        self.refresh_bindings()
        self._warn()

    async def _keep_asking(self) -> None:
        """Ask when something changed, and now and then while a job in sight runs or the daemon is away."""
        while True:
            is_wanted = await self._until_wanted()
            self._wanted.clear()
            try:
                if is_wanted or not await self.pages.take_in_sight(self.list.table.rows_seen):
                    self.list.filter_line.show_trouble(await self.pages.take())
                    await self._know_cards()
            except DaemonAway as error:
                self.halfmap.link.is_away(f"{error}")
                await asyncio.sleep(AGAIN_S)
                self._wanted.set()
                continue
            self.halfmap.link.is_away("")
            self._show()

    async def _until_wanted(self) -> bool:
        """Wait; False if it is only time to look at the rows in sight again."""
        has_life = self.is_seen and any(row.state.is_active for row in self.list.table.items)
        try:
            await asyncio.wait_for(self._wanted.wait(), LOOK_AGAIN_S if has_life else None)
        except TimeoutError:
            return False
        return True

    async def _know_cards(self) -> None:
        """Learn the numbers of cards that are not known yet."""
        rows = self.pages.page.jobs if self.pages.page else ()
        leased = {card for row in rows for card in row.cards}
        if not leased <= self._cards.keys():
            # a card that is gone is not asked for again and again
            self._cards |= dict.fromkeys(leased, -1) | {card.uuid: card.index for card in await self.service.cards()}

    # --- showing -----------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        page, status = self.pages.page, self.pages.status
        if page is None:
            return
        told = () if status is None or self.pages.asked.project else counts(status.jobs_by_state)
        known = {uuid: number for uuid, number in self._cards.items() if number >= 0}
        self.list.show(Listed(self.pages.asked, page, told), Seen(self._now(), known), self._cursor)
        self._cursor = None
        self._warn()

    def _warn(self) -> None:
        """Tell in the foot what is wrong with the daemon."""
        away, status = self.halfmap.link.away, self.pages.status
        wrong = ""
        if away and self.pages.page is not None:
            wrong = f"The daemon is away, and is looked for; this is what it told last. S starts it. ({away})"
        elif status is not None and status.mode != "ok":
            wrong = f"{_MODES[status.mode]}: {status.reason}"
        self.query_one(StatusLine).warn(wrong)

    # --- which jobs --------------------------------------------------------------------------------------------------

    def chosen_jobs(self) -> tuple[JobRow, ...]:
        """Give the marked jobs, else the one at the cursor."""
        return self.list.chosen

    def show_project(self, project: str | None) -> None:
        """Show the jobs of another project, or of all."""
        self._want(project=project)

    def _want(self, cursor: int = 0, **changes: object) -> None:
        self.pages.want(**changes)
        self._cursor = cursor
        self._wanted.set()

    @on(FilterLine.Changed)
    def _filtered(self, event: FilterLine.Changed) -> None:
        self._want(match=event.match)

    @on(FilterLine.Closed)
    def _filter_closed(self) -> None:
        self.list.table.focus()

    @on(RowTable.Beyond)
    def _turn(self, event: RowTable.Beyond) -> None:
        """Turn to another page of the daemon's list, if there is one that way."""
        page, offset = self.pages.page, self.pages.asked.offset
        if page is None:
            return
        is_down, last = event.way > 0, last_page(page.total)
        far = last if is_down else 0
        there = far if abs(event.way) == _VERY_END else max(0, min(last, offset + event.way * PAGE))
        if there != offset:
            self._want(cursor=PAGE - 1 if event.way in (-1, _VERY_END) else 0, offset=there)

    @on(RowTable.Opened)
    def _opened(self) -> None:
        row = self.list.table.current
        if row is not None:
            self.halfmap.open_job(row.job)

    def action_filter(self) -> None:
        """Type a filter."""
        self.list.filter_line.open(self.pages.asked.match)

    def action_clear(self) -> None:
        """Clear the filter, or else the marks."""
        if self.pages.asked.match:
            self._want(match="")
        else:
            self.list.action_unmark()

    def action_problems(self) -> None:
        """Show only problems, or all again."""
        self._want(problems_only=not self.pages.asked.problems_only)

    def action_types(self) -> None:
        """Show RELION's other types too, or refinements only again."""
        self._want(refinements_only=not self.pages.asked.refinements_only)

    def action_sort(self) -> None:
        """Sort by the next of the orders."""
        self._want(sort=SORTS[(SORTS.index(self.pages.asked.sort) + 1) % len(SORTS)])

    # --- going elsewhere ---------------------------------------------------------------------------------------------

    def action_new(self) -> None:
        """Fill in a new job, in the project of the job at the cursor."""
        from halfmap.tui.screens.edit import EditScreen

        row = self.list.table.current
        self.app.push_screen(EditScreen(self.pages.asked.project or (row.project if row else None)))

    async def action_quit(self) -> None:
        """Leave."""
        self.app.exit()
