"""A screen with a log, its keys, and waiting until it has done what was asked."""

import asyncio
from collections.abc import Callable
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.terminal.look import Look
from halfmap.tui.widgets.log import log_window
from halfmap.tui.widgets.log.log_panel import LogPanel
from halfmap.tui.widgets.log.log_view import LogView


class LogApp(App[None]):
    """Shows one log, and remembers the keys that it leaves to the screen."""

    BINDINGS: ClassVar = [("escape", "note('escape')"), ("3", "note('3')")]

    def __init__(self, path, look=None, quiet_s=3.0):
        super().__init__()
        self.look = look or Look()
        self.feed = TextFeed(path, quiet_s)
        self.noted = []

    def compose(self) -> ComposeResult:
        yield LogPanel(self.look.ascii, self.look.theme)

    def on_mount(self):
        self.query_one(LogPanel).show_feed(self.feed)
        self.query_one(LogView).focus()

    def on_unmount(self):
        self.feed.close()

    def action_note(self, key):
        self.noted.append(key)

    @property
    def view(self):
        return self.screen_stack[0].query_one(LogView)

    @property
    def status(self):
        return f"{self.screen_stack[0].query_one('.log-status').content}"

    @property
    def rows(self):
        """The rows as they are drawn."""
        return [self.view.render_line(y).text.rstrip() for y in range(self.view.size.height)]


class Cover(Screen[None]):
    """Lies over everything."""


async def until(true: Callable[[], object], pilot: Pilot, seconds: float = 5.0) -> None:
    """Wait until something is so; fail if it does not become so."""
    for _ in range(int(seconds / 0.01)):
        if true():
            await pilot.pause()
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"did not become so: {pilot.app.status!r}, {pilot.app.rows!r}")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(log_window, "LOOK_S", 0.05)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.out"


@pytest.fixture
def numbered(path):
    """A log of 2,000 lines."""
    path.write_bytes(b"".join(b"line %d of the log\n" % number for number in range(1, 2001)))
    return path


@pytest.fixture
def told():
    """Run a story on a log."""

    def run(path, story, size=(60, 12), **options):
        async def main():
            app = LogApp(path, **options)
            async with app.run_test(size=size) as pilot:
                await until(lambda: app.view.state.generation or app.view.state.trouble, pilot)
                await story(app, pilot)

        asyncio.run(main())

    return run
