"""A job: what it does and why, and its panes."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from halfmap.daemon.client import JobRow, Refused
from halfmap.tui.job.picture import JobPicture
from halfmap.tui.job.pictures import PictureTaker
from halfmap.tui.screens.choose_job import ChooseJobScreen
from halfmap.tui.screens.verb_screen import VerbScreen
from halfmap.tui.text.figures import is_refinement
from halfmap.tui.widgets.panes.accuracy_pane import AccuracyPane
from halfmap.tui.widgets.panes.changes_pane import ChangesPane
from halfmap.tui.widgets.panes.fsc_pane import FscPane
from halfmap.tui.widgets.panes.job_header import JobHeader
from halfmap.tui.widgets.panes.map_pane import MapPane
from halfmap.tui.widgets.panes.orientations_pane import OrientationsPane
from halfmap.tui.widgets.panes.output_pane import OutputPane
from halfmap.tui.widgets.panes.pane import Pane
from halfmap.tui.widgets.panes.pane_grid import PaneGrid
from halfmap.tui.widgets.panes.parameters_pane import ParametersPane
from halfmap.tui.widgets.panes.resolution_pane import ResolutionPane
from halfmap.tui.widgets.panes.time_pane import TimePane
from halfmap.tui.widgets.status_line import StatusLine

_KINDS: tuple[type[Pane], ...] = (
    ResolutionPane,
    AccuracyPane,
    FscPane,
    ChangesPane,
    TimePane,
    OrientationsPane,
    MapPane,
    OutputPane,
    ParametersPane,
)
PANES: Mapping[str, type[Pane]] = {kind.KEY: kind for kind in _KINDS}
_LOOK_AGAIN_S = 2.0
_ROOMY_ROWS = 40


class JobScreen(VerbScreen):
    """Shows one job.

    Parameters
    ----------
    job
        Its number.
    """

    HINTS = ("escape", "slash", "E", "t", "f", "m", "left", "x", "o", "X", "C", "greater_than_sign", "e", "h", "l")
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(key, f"toggle_pane('{key}')", f"Pane {kind.TITLE}: show, go there, hide", show=False)
            for key, kind in PANES.items()
        ),
        Binding("m", "maximise", "maximise", tooltip="Maximise the pane in focus, and back"),
        Binding("x", "cursor", "cursor", tooltip="Cursor through all charts, and away"),
        Binding("left", "move_cursor(-1)", "iteration", tooltip="The iteration before, in all panes", priority=True),
        Binding("right", "move_cursor(1)", "The iteration after, in all panes", show=False, priority=True),
        Binding("o", "overlay", "overlay", tooltip="Lay over the curves of another job"),
        Binding("O", "no_overlays", "Take the curves of others away", show=False),
        Binding("escape,q", "back", "back", tooltip="Back"),
    ]

    def __init__(self, job: int) -> None:
        super().__init__()
        self.job = job
        self.picture = JobPicture()
        self._taker: PictureTaker | None = None
        self._taking = asyncio.Lock()
        self._is_wanted = False

    def compose(self) -> ComposeResult:
        """Head, panes, foot."""
        yield JobHeader()
        yield PaneGrid(PANES, self.halfmap.panes_shown(self.app.size.height >= _ROOMY_ROWS))
        yield StatusLine()

    def on_mount(self) -> None:
        """Begin to look; figures that pass too quickly for events are asked for while the job runs."""
        self._taker = PictureTaker(self.service, self.job)
        self.set_interval(_LOOK_AGAIN_S, self._look_again)

    def away(self, reason: str) -> None:
        """Tell that the daemon is away; the last picture stays."""
        told = f"The daemon is away, and is looked for; this is what it told last. S starts it. ({reason})"
        self.query_one(StatusLine).warn(told if reason else "")
        self.refresh_bindings()

    def chosen_jobs(self) -> tuple[JobRow, ...]:
        """Give this job."""
        return () if self.picture.detail is None else (self.picture.detail.row,)

    def action_back(self) -> None:
        """Show all panes again if one stands alone, else leave."""
        if self.query_one(PaneGrid).maximised:
            self.run_worker(self.action_maximise())
        else:
            self.app.pop_screen()

    async def changed(self, jobs: frozenset[int]) -> None:
        """Take a new picture if it is this job that changed."""
        if jobs and self.job not in jobs:
            return
        await self._take_picture()

    def _look_again(self) -> None:
        detail = self.picture.detail
        if self.is_seen and not self.halfmap.link.away and (detail is None or detail.row.state.is_active):
            self.run_worker(self._take_picture(), group="changed")

    async def _take_picture(self) -> None:
        """Take a picture that is not older than this; one that is under way is finished first, and never broken off."""
        self._is_wanted = True
        async with self._taking:
            if self._is_wanted and self._taker is not None:
                self._is_wanted = False
                await self._take(self._taker)

    async def _take(self, taker: PictureTaker) -> None:
        try:
            picture = await self.halfmap.link.ask(lambda: taker.take(self.picture))
        except Refused as error:
            picture = replace(self.picture, trouble=f"{error}")
        if picture is not None:
            await self._fit_panes(picture)
            self._show(replace(picture, cursor=self.picture.cursor))

    async def _fit_panes(self, picture: JobPicture) -> None:
        """Show of a job without iterations what there is: its output and its parameters."""
        if self.picture.detail is None and picture.detail is not None and not is_refinement(picture.detail.row):
            await self.query_one(PaneGrid).put(OutputPane.KEY + ParametersPane.KEY)

    def _show(self, picture: JobPicture) -> None:
        if not self.is_mounted or self not in self.app.screen_stack:
            return  # an answer that comes before there is a screen, or after it was left
        self.picture = picture
        self.query_one(JobHeader).show(picture, self.look, self.halfmap.now())
        self.query_one(PaneGrid).show(picture)

    # --- panes -------------------------------------------------------------------------------------------------------

    async def action_toggle_pane(self, key: str) -> None:
        """Show a pane, go there, or hide the one in focus."""
        grid = self.query_one(PaneGrid)
        await grid.toggle(key)
        if self.picture.detail is None or is_refinement(self.picture.detail.row):
            self.halfmap.remember_panes(grid.shown)

    async def action_maximise(self) -> None:
        """Show the pane in focus alone, or all again."""
        await self.query_one(PaneGrid).maximise()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the arrows to a line that is being typed in."""
        if action == "move_cursor":
            return self.focused is None or not self.focused.check_consume_key("a", "a")
        return super().check_action(action, parameters)

    def action_cursor(self) -> None:
        """Set the cursor on the latest iteration, or take it away."""
        last = self.picture.course.at(None)
        place = None if self.picture.cursor is not None or last is None else last.iteration
        self._show(replace(self.picture, cursor=place))

    def action_move_cursor(self, by: int) -> None:
        """Look at another iteration; beyond the last the cursor follows the run again."""
        numbers = [one.iteration for one in self.picture.course.iterations]
        if not numbers:
            return
        cursor = self.picture.cursor
        place = numbers.index(cursor) if cursor in numbers else len(numbers) - (0 if by < 0 else 1)
        if cursor is None and by > 0:
            return
        place += by
        self._show(replace(self.picture, cursor=numbers[max(0, place)] if place < len(numbers) else None))

    # --- other jobs --------------------------------------------------------------------------------------------------

    def action_overlay(self) -> None:
        """Ask for a job, and lay its curves over."""
        self.app.push_screen(ChooseJobScreen(self.service, "Lay over the curves of", self.job), self._lay_over)

    async def _lay_over(self, job: int | None) -> None:
        if job is not None and self._taker is not None and job not in self._taker.overlays:
            self._taker.overlays = (*self._taker.overlays, job)
            await self._take_picture()

    async def action_no_overlays(self) -> None:
        """Take the others' curves away."""
        if self._taker is not None and self._taker.overlays:
            self._taker.overlays = ()
            await self._take_picture()
