"""The projects that the daemon watches: watching another, or one no more, and showing the jobs of one."""

import uuid
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input

from halfmap.daemon.client import DaemonAway, ProjectRow, Refused
from halfmap.tui.files.folders import absolute, completed
from halfmap.tui.files.patient import Patience, Unanswered
from halfmap.tui.screens.ask import AskScreen, Choice
from halfmap.tui.screens.no_daemon import StartingScreen
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.plain import plain, plain_lines
from halfmap.tui.widgets.status_line import StatusLine
from halfmap.tui.widgets.tables.card_table import ProjectTable
from halfmap.tui.widgets.tables.row_table import RowTable
from halfmap.tui.widgets.words import Words

_SOME = 12
_HOW = "Enter watches this folder. Tab goes to the list; Enter there shows the jobs of a project."


class PathLine(Input):
    """Takes a path."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "watch this folder"),
        Binding("ctrl+@,ctrl+space,down", "screen.complete", "complete", tooltip="Complete the path of a folder"),
    ]

    def __init__(self) -> None:
        super().__init__(_here(), placeholder="path of a RELION project, or of a folder to become one", compact=True)
        self.cursor_blink = False


class ProjectsScreen(StartingScreen):
    """Takes the path of a project to watch, and lists those that are watched."""

    DEFAULT_CSS = """
    ProjectsScreen .heading {
        text-style: bold;
    }
    ProjectsScreen Horizontal {
        height: 1;
    }
    ProjectsScreen #prompt {
        width: auto;
    }
    ProjectsScreen Input, ProjectsScreen Input:focus {
        border: none;
        height: 1;
        width: 1fr;
        padding: 0;
    }
    ProjectsScreen #trouble, ProjectsScreen #about {
        height: 2;
        text-wrap: wrap;
    }
    """
    AUTO_FOCUS = "Input"
    HINTS = ("S", "enter", "tab", "d", "escape")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "unwatch", "watch no more", tooltip="Watch the project no more; its jobs are left as they are"),
        Binding("escape", "back", "back"),
        Binding("q", "back", "back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._patience = Patience()

    def compose(self) -> ComposeResult:
        """A line for a path, the list, the one at the cursor, keys."""
        yield Words(id="projects-title", classes="heading")
        with Horizontal():
            yield Words(id="prompt")
            yield PathLine()
        yield Words(id="trouble")
        yield ProjectTable()
        yield Words(id="about")
        yield StatusLine()

    def on_mount(self) -> None:
        """Write what stands before the line."""
        self.query_one("#prompt", Words).say(Cell("Watch:", "second"))
        self.query_one("#projects-title", Words).say(Cell("Projects"))
        self._say(_HOW, "note")

    # --- asking ------------------------------------------------------------------------------------------------------

    async def changed(self, jobs: frozenset[int]) -> None:  # noqa: ARG002 (whichever they are)
        """List the projects."""
        projects = await self.ask(self.service.projects)
        if projects is None:
            return
        self.query_one("#projects-title", Words).say(Cell("Projects"), Cell(f"  {len(projects)} watched", "note"))
        every = ProjectRow(project="", jobs=sum(project.jobs for project in projects))
        ordered = sorted(projects, key=lambda project: project.project)
        self.query_one(ProjectTable).show([every, *ordered])

    def away(self, reason: str) -> None:
        """Tell that the daemon is away."""
        self.query_one(StatusLine).warn(f"The daemon is away. S starts it. ({reason})" if reason else "")
        self.refresh_bindings()

    @on(RowTable.Moved)
    def _tell(self) -> None:
        row = self.query_one(ProjectTable).current
        if row is None or not row.project:
            self.query_one("#about", Words).say()
            return
        wrong = plain(row.trouble or row.reason)
        self.query_one("#about", Words).say(
            Cell(f"{wrong}\n" if wrong else "", "alarm" if row.trouble else ""), Cell(plain(row.project), "note")
        )

    # --- watching ----------------------------------------------------------------------------------------------------

    def _say(self, sentence: str, role: str = "alarm") -> None:
        self.query_one("#trouble", Words).say(Cell(plain_lines(sentence), role))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.run_worker(self._watch(absolute(event.value)), group="watch")

    async def _watch(self, path: str) -> None:
        if self.look.read_only:
            self._say("This session is read-only; nothing is changed.")
            return
        try:
            row = await self.halfmap.link.service.watch(path, f"{uuid.uuid4()}")
        except (Refused, DaemonAway) as error:
            self._say(f"{error}")
            return
        self._say(f"{plain(row.project)} is watched.", "third")
        await self.changed(frozenset())

    @on(Input.Changed)
    def _typed(self) -> None:
        self._say(_HOW, "note")

    def action_complete(self) -> None:
        """Complete the path that is typed."""
        self.run_worker(self._complete(), group="complete", exclusive=True)

    async def _complete(self) -> None:
        line = self.query_one(Input)
        typed = line.value
        try:
            path, names = await self._patience.do(lambda _: completed(typed))
        except Unanswered as error:
            self._say(f"{error}")
            return
        if line.value != typed:
            return
        with line.prevent(Input.Changed):
            line.value = path
        line.cursor_position = len(path)
        more = "  …" if len(names) > _SOME else ""
        self._say(f"{'  '.join(names[:_SOME])}{more}" if names else "there is no such folder.", "note")

    # --- the list ----------------------------------------------------------------------------------------------------

    @on(RowTable.Opened)
    def _opened(self) -> None:
        """Show the jobs of the project at the cursor."""
        from halfmap.tui.screens.jobs import JobsScreen

        row = self.query_one(ProjectTable).current
        screens = [screen for screen in self.app.screen_stack if isinstance(screen, JobsScreen)]
        if row is None or not screens:
            return
        screens[-1].show_project(row.project or None)
        while self.app.screen is not screens[-1]:
            self.app.pop_screen()

    def action_unwatch(self) -> None:
        """Watch the project at the cursor no more."""
        row = self.query_one(ProjectTable).current
        if self.look.read_only:
            self._say("This session is read-only; nothing is changed.")
        elif row is not None and row.project:
            self._ask_to_unwatch(row)

    def _ask_to_unwatch(self, row: ProjectRow) -> None:
        def answered(letter: str | None) -> None:
            if letter is not None:
                self.run_worker(self._unwatch(row), group="watch")

        sure = Choice("y", "yes, watch it no more", "Its folder and files stay; its jobs leave the list.")
        self.app.push_screen(AskScreen(f"Watch {row.project} no more?", [sure]), answered)

    async def _unwatch(self, row: ProjectRow) -> None:
        try:
            await self.halfmap.link.service.unwatch(row.project, f"{uuid.uuid4()}")
        except (Refused, DaemonAway) as error:
            self._say(f"{error}")
            return
        self._say(f"{plain(row.project)} is watched no more.", "third")
        await self.changed(frozenset())

    def action_back(self) -> None:
        """Go back."""
        self.app.pop_screen()


def _here() -> str:
    """Give the folder that the interface was started in."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""
