"""What screens with jobs have in common: the keys of the verbs."""

import asyncio
from collections.abc import Coroutine
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.job.course import iterations_from
from halfmap.tui.screens.doing import begin
from halfmap.tui.screens.no_daemon import StartingScreen
from halfmap.tui.text.figures import known_as
from halfmap.tui.verbs import BY_NAME, EDIT, NEXT, VERBS


class VerbScreen(StartingScreen):
    """A screen on which jobs can be chosen, and something be done with them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(verb.binding for verb in VERBS),
        Binding("c", "cards", "cards", tooltip="Cards, cores, projects"),
        Binding("w", "projects", "projects", tooltip="Projects: watch another one, or one no more"),
        Binding("L", "ladders", "ladders", tooltip="Ladders: from a coarse binning to a fine one, unattended"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._one_by_one = asyncio.Lock()

    def chosen_jobs(self) -> tuple[JobRow, ...]:
        """Give the jobs that verbs act on; none if there are none."""
        raise NotImplementedError

    def action_verb(self, name: str) -> None:
        """Do something with the chosen jobs."""
        rows = self.chosen_jobs()
        if not rows:
            self.tell("there is no job here to do that with.", "warning")
            return
        verb = BY_NAME[name]
        if not verb.is_single:
            begin(self, verb, rows, self._start)
        elif len(rows) > 1:
            self.tell(f"{verb.description}: that is for one job at a time; {len(rows)} are marked.", "warning")
        elif refusal := verb.refusal(rows[0]):
            self.tell(refusal, "warning")
        else:
            self._start({EDIT: self._edit, NEXT: self._next_step}[verb](rows[0]))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something; one after the other, however quickly keys are pressed."""
        self.run_worker(self._after_others(work), group="verbs")

    async def _after_others(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._one_by_one:
            await work

    async def _edit(self, row: JobRow) -> None:
        from halfmap.tui.screens.edit import EditScreen

        detail = await self.ask(lambda: self.service.job(row.job))
        if detail is not None:
            # a folder that somebody has made and not run is run itself, if nothing is changed
            folder = row.name if row.state is JobState.SCHEDULED else ""
            self.app.push_screen(EditScreen(row.project, detail.options, f"edit of {known_as(row)}", folder))

    async def _next_step(self, row: JobRow) -> None:
        from halfmap.tui.screens.edit import EditScreen
        from halfmap.tui.text.next_step import next_step

        detail = await self.ask(lambda: self.service.job(row.job))
        files = await self.ask(lambda: self.service.files(row.job))
        records = await self.ask(lambda: self.service.iterations(row.job))
        if detail is None or files is None or records is None:
            return
        step = next_step(detail, files, iterations_from(records))
        self.app.push_screen(
            EditScreen(row.project, step.options, f"next step after {known_as(row)}", notes=step.sentences)
        )

    def action_cards(self) -> None:
        """Show the cards."""
        from halfmap.tui.screens.cards import CardsScreen

        self.app.push_screen(CardsScreen())

    def action_ladders(self) -> None:
        """Show the ladders of binnings."""
        from halfmap.tui.screens.ladders import LaddersScreen

        self.app.push_screen(LaddersScreen())

    def action_projects(self) -> None:
        """Show the projects."""
        from halfmap.tui.screens.projects import ProjectsScreen

        self.app.push_screen(ProjectsScreen())
