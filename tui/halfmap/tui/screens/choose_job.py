"""Choosing a job: type a few letters, move, Enter."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from halfmap.daemon.client import DaemonAway, JobQuery, JobRow, Refused, Service
from halfmap.tui.text.figures import figure
from halfmap.tui.text.plain import plain

_MOST = 50


class ChooseJobScreen(ModalScreen[int | None]):
    """Asks for a job; gives its number, or None.

    Parameters
    ----------
    service
        The daemon.
    question
        What it is for.
    without
        A job that cannot be chosen.
    """

    CSS = """
    ChooseJobScreen {
        align: center middle;
    }
    ChooseJobScreen > Vertical {
        width: 90%;
        max-width: 100;
        height: 80%;
        border: round $primary;
        background: $surface;
    }
    ChooseJobScreen Input {
        border: none;
        height: 1;
        padding: 0 1;
    }
    ChooseJobScreen OptionList {
        height: 1fr;
        border: none;
    }
    ChooseJobScreen Static {
        height: auto;
        max-height: 3;
        padding: 0 1;
        color: $text-muted;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back"),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
    ]

    def __init__(self, service: Service, question: str, without: int) -> None:
        super().__init__()
        self._service = service
        self._question = question
        self._without = without
        self._found: tuple[JobRow, ...] = ()

    def compose(self) -> ComposeResult:
        """A line to type in, a list, a word."""
        with Vertical() as box:
            box.border_title = self._question
            yield Input(placeholder="part of the name, or a regular expression")
            yield OptionList()
            yield Static(markup=False)

    async def on_mount(self) -> None:
        """List the newest."""
        await self._list("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.run_worker(self._list(event.value), exclusive=True)

    async def _list(self, match: str) -> None:
        told = ""
        try:
            page = await self._service.jobs(JobQuery(match=match[:200], limit=_MOST))
            self._found = tuple(row for row in page.jobs if row.job != self._without)
        except (Refused, DaemonAway) as error:
            told = f"{error}"
        if not self.query(OptionList):
            return  # the question was answered meanwhile
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(row)) for row in self._found])
        options.highlighted = 0 if self._found else None
        self.query_one(Static).update(told or ("" if self._found else "no job matches"))

    @on(Input.Submitted)
    def _entered(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None and self._found:
            self.dismiss(self._found[highlighted].job)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index].job)

    def action_move(self, by: int) -> None:
        """Move in the list while typing goes on."""
        options = self.query_one(OptionList)
        if self._found:
            options.highlighted = ((options.highlighted or 0) + by) % len(self._found)


def _line(row: JobRow) -> Text:
    name = plain(row.name.strip("/") or f"job {row.job}")
    alias = f" ({plain(row.alias.strip('/'))})" if row.alias else ""
    project = plain(row.project.rstrip("/").rpartition("/")[2])
    told = f"{name}{alias}  {row.state}  {figure(row.resolution_angstrom, 'Å')}  {project}"
    return Text(told, no_wrap=True, overflow="ellipsis")
