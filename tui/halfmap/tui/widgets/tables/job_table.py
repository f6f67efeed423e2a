"""The table of jobs."""

from collections.abc import Hashable

from halfmap.daemon.client import JobRow
from halfmap.tui.text.cells import Cell, Column
from halfmap.tui.text.job_cells import Seen, cells_of, columns_for
from halfmap.tui.widgets.tables.row_table import RowTable


class JobTable(RowTable[JobRow]):
    """One row for each job, with the science in it.

    Attributes
    ----------
    seen
        The time and the cards' numbers that rows are written with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return columns_for(width)

    def cells_of(self, item: JobRow, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a job into these columns."""
        return cells_of(item, columns, self.seen)

    def key_of(self, item: JobRow) -> Hashable:
        """Give the job's number."""
        return item.job
