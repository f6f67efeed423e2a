import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService
from halfmap.tui import app as of_app
from halfmap.tui.app import HalfmapApp
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.screens.jobs import JobsScreen
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.tables.job_table import JobTable
from halfmap.tui.widgets.words import Words

NOW = 1_000_000.0


class ListApp(HalfmapApp):
    """Remembers which jobs were opened, and what was told."""

    CSS_PATH = Path(of_app.__file__).with_name("app.tcss")

    def __init__(self, service: FakeService, look: Look, first: Callable[[], HalfmapScreen]) -> None:
        super().__init__(service, look, first)
        self.service = service
        self.opened: list[int] = []
        self.told: list[str] = []

    def open_job(self, job: int) -> None:
        self.opened.append(job)

    def notify(self, message: str, **kwargs: Any) -> None:  # type: ignore[override]
        self.told.append(message)
        super().notify(message, **kwargs)

    @property
    def jobs(self) -> JobsScreen:
        return next(screen for screen in self.screen_stack if isinstance(screen, JobsScreen))

    @property
    def table(self) -> JobTable:
        return self.jobs.query_one(JobTable)

    @property
    def names(self) -> list[str]:
        return [row.name for row in self.table.items]

    def words(self, selector: str) -> str:
        return self.screen.query_one(selector, Words).said.plain

    def row(self, job: int) -> Any:
        return self.service._row(job)


Story = Callable[[ListApp, Pilot[None]], Awaitable[None]]
Play = Callable[..., ListApp]


@pytest.fixture
def service() -> FakeService:
    """Eight jobs: running, queued, held, failed, finished, one of another type, one stalled, one of somebody else."""
    made = FakeService(NOW)
    made.add_job("/data/hiv", alias="Refine3D/bin4/")
    made.start(1, ())
    made.iterate(1, resolution_angstrom=19.5, accuracy_rotation_deg=2.0, angular_step_deg=3.75)
    made.iterate(1, resolution_angstrom=17.2)
    made.progress(1, iteration=3, phase="expectation", fraction=0.43)
    made.add_job("/data/hiv", reason="waits for 2 cards")
    made.add_job("/data/hiv", state=JobState.HELD)
    made.add_job("/data/hiv", state=JobState.FAILED, reason="ended with exit code 1")
    made.add_job("/data/ribosome", state=JobState.FINISHED, resolution_angstrom=3.4)
    made.add_job("/data/hiv", name="Class3D/job020/", kind="relion.class3d", followed=True, state=JobState.FINISHED)
    made.add_job("/data/hiv")
    made.start(7, ())
    made.progress(7, alarm="rank 2 is silent")
    made.add_job("/data/hiv", name="Refine3D/job030/", followed=True, state=JobState.RUNNING)
    return made


@pytest.fixture
def play(service: FakeService) -> Play:
    """Show the jobs in a terminal of 80 × 24 cells and do something."""

    def played(
        story: Story,
        *,
        look: Look | None = None,
        size: tuple[int, int] = (80, 24),
        first: Callable[[], HalfmapScreen] = lambda: JobsScreen(now=lambda: NOW),
        of: FakeService | None = None,
    ) -> ListApp:
        app = ListApp(of or service, look or Look(), first)

        async def run() -> None:
            async with app.run_test(size=size) as pilot:
                await pilot.pause(0.05)
                await story(app, pilot)

        asyncio.run(run())
        return app

    return played


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    """Wait until something is so; three seconds at most."""
    for _ in range(300):
        if is_so():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to be so")
