"""A list of jobs: what it shows, the table or why there is none, and the job at the cursor in words."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from halfmap.daemon.client import JobRow
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.job_cells import Seen, facts, why
from halfmap.tui.text.listing import Listed, emptiness, end_of_page, title
from halfmap.tui.widgets.tables.filter_line import FilterLine
from halfmap.tui.widgets.tables.job_table import JobTable
from halfmap.tui.widgets.tables.notice import Notice
from halfmap.tui.widgets.tables.row_table import RowTable
from halfmap.tui.widgets.words import Words


class JobList(Vertical):
    """Shows a page of jobs."""

    TITLE = "Marks"
    DEFAULT_CSS = """
    JobList #about {
        height: 3;
        text-wrap: wrap;
    }
    JobList Notice, JobList.-without JobTable {
        display: none;
    }
    JobList.-without Notice {
        display: block;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", tooltip="Mark the job, or take its mark away; verbs act on all marked"),
        Binding("asterisk", "mark_all", "Mark all that is shown", show=False),
        Binding("u", "unmark", "Clear all marks", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._listed: Listed | None = None

    def compose(self) -> ComposeResult:
        """Title and filter, table or notice, the job at the cursor."""
        yield FilterLine()
        yield JobTable()
        yield Notice()
        yield Words(id="about")

    @property
    def table(self) -> JobTable:
        """The table."""
        return self.query_one(JobTable)

    @property
    def filter_line(self) -> FilterLine:
        """Title and filter."""
        return self.query_one(FilterLine)

    @property
    def chosen(self) -> tuple[JobRow, ...]:
        """The marked jobs, else the one at the cursor."""
        marked = tuple(self.table.marked.values())
        return marked or (() if self.table.current is None else (self.table.current,))

    def show(self, listed: Listed, seen: Seen, cursor: int | None) -> None:
        """Show a page; the cursor goes to a row of it, or stays at its job."""
        self._listed = listed
        self.table.seen = seen
        self.table.show(listed.page.jobs, cursor)
        self.say(() if listed.page.jobs else emptiness(listed.asked))
        self._tell()

    def say(self, lines: Sequence[str]) -> None:
        """Say something instead of showing the table; it is shown again when there is nothing to say."""
        self.query_one(Notice).say_lines(lines)
        self.set_class(bool(lines), "-without")
        if not lines and self.screen.focused is None:
            self.table.focus()

    @on(RowTable.Moved)
    def _tell(self) -> None:
        """Tell of the list, and of the job at the cursor."""
        if self._listed is not None:
            room = self.filter_line.size.width - 2
            self.filter_line.show_title(*title(self._listed, self.table.cursor, len(self.table.marked), room))
            self.query_one("#about", Words).say(*self._about(self._listed))

    def on_resize(self) -> None:
        """Tell as much as fits."""
        self._tell()

    def _about(self, listed: Listed) -> tuple[Cell, ...]:
        row = self.table.current
        if row is None:
            return ()
        reason, is_last = why(row), self.table.cursor == len(listed.page.jobs) - 1
        told = Cell(f"{reason.text}\n", reason.role) if reason.text else Cell("")
        more = end_of_page(listed) if is_last else ""
        return told, Cell(facts(row, self.table.seen), "note"), Cell(f"\n{more}" if more else "", "second")

    def action_mark(self) -> None:
        """Mark the job at the cursor, or take its mark away, and go on to the next."""
        row = self.table.current
        if row is None:
            return
        if row.job in self.table.marked:
            self.table.unmark([row])
        else:
            self.table.mark([row])
        if self.table.cursor + 1 < len(self.table.items):
            self.table.action_move(1)
        self._tell()

    def action_mark_all(self) -> None:
        """Mark all jobs of this page."""
        self.table.mark(self.table.items)
        self._tell()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.table.unmark()
        self._tell()
