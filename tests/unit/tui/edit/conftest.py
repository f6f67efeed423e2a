"""Shared by the tests of the form: its declarations, and an application that shows a form."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from halfmap.daemon.client import FormCheck, OptionRow, PathRow
from halfmap.daemon.fake import FakeService
from halfmap.daemon.form import form
from halfmap.tui import app
from halfmap.tui.app import HalfmapApp
from halfmap.tui.screens import checked_form
from halfmap.tui.screens.base import HalfmapScreen
from halfmap.tui.screens.edit import EditScreen
from halfmap.tui.terminal.look import Look

PROJECT = "/data/hiv"
GIVEN = {"in_optimisation": "Extract/job010/optimisation_set.star", "fn_ref": "Reconstruct/job011/merged.mrc"}


class FormApp(HalfmapApp):
    """Notes which job it was asked to open, and what it told."""

    CSS_PATH = Path(app.__file__).with_name("app.tcss")

    def __init__(self, service: FakeService, look: Look, **given: Any) -> None:
        super().__init__(service, look, HalfmapScreen)
        self.given = given
        self.fake = service
        self.opened: list[int] = []
        self.told: list[str] = []

    def open_job(self, job: int) -> None:
        self.opened.append(job)

    def notify(self, message: str, **how: Any) -> None:
        self.told.append(message)

    @property
    def edit(self) -> EditScreen:
        return next(one for one in self.screen_stack if isinstance(one, EditScreen))

    def here(self) -> str:
        page = self.edit.page
        field = page.here() if page else None
        return field.row.key if field else ""

    def drawn(self) -> str:
        """What is on the screen, as text."""
        lines = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line) for line in lines)


Story = Callable[[FormApp, Pilot[None]], Awaitable[None]]


@pytest.fixture
def rows() -> tuple[OptionRow, ...]:
    return form()


@pytest.fixture
def service() -> FakeService:
    """A daemon with a project, some of its files, and what a look at the form's files tells."""
    made = FakeService()
    made.add_project(PROJECT)
    folders = ("Extract/", "Extract/job010/", "Reconstruct/", "Reconstruct/job011/")
    files = ("Extract/job010/optimisation_set.star", "Reconstruct/job011/merged.mrc", "Reconstruct/job011/half1.mrc")
    made.paths[PROJECT] = [
        *(PathRow(path=one, is_folder=True) for one in folders),
        *(PathRow(path=one, bytes=1) for one in files),
    ]
    made.looked_at = FormCheck(
        particles=200,
        box_px=36,
        pixel_size_angstrom=8.1,
        memory_mb=397,
        disk_mb=60,
        seconds=8000,
        seconds_are_from="3 runs like it",
        set_names={"rlnTomoParticlesFile": "Extract/job010/particles.star", "rlnTomoTrajectoriesFile": '""'},
    )
    return made


@pytest.fixture
def play(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FormApp]:
    """Show a form in a terminal of 80 × 24 cells and do something with it; without waiting for typing to pause."""
    monkeypatch.setattr(checked_form, "OPTIONS_S", 0.0)
    monkeypatch.setattr(checked_form, "FILES_S", 0.0)
    monkeypatch.setattr(checked_form, "AWAY_S", 0.2)

    def played(story: Story, look: Look | None = None, size: tuple[int, int] = (80, 24), **given: Any) -> FormApp:
        shown = FormApp(service, look or Look(), **given)

        async def run() -> None:
            async with shown.run_test(size=size) as pilot:
                asked = {"project": PROJECT, "options": GIVEN} | shown.given
                shown.push_screen(EditScreen(**asked))
                await until(pilot, lambda: shown.here() != "")
                await story(shown, pilot)

        asyncio.run(run())
        return shown

    return played


async def until(pilot: Pilot[None], is_so: Callable[[], bool]) -> None:
    """Wait until something is so; two seconds at most."""
    for _ in range(200):
        await pilot.pause(0.01)
        if is_so():
            return
    raise AssertionError("it did not come to be so")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make an editor of a line of shell; the file is ``$1``."""

    def made(line: str) -> None:
        path = tmp_path / "editor"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o700)
        monkeypatch.setenv("VISUAL", str(path))

    return made
