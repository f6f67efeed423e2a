"""The table of cards, and that of projects."""

from collections.abc import Hashable

from halfmap.daemon.client import ProjectRow
from halfmap.tui.text.card_cells import CardLine, cells_of, columns_for, project_cells
from halfmap.tui.text.cells import Cell, Column, Wish, granted
from halfmap.tui.widgets.tables.row_table import RowTable


class CardTable(RowTable[CardLine]):
    """A row for each card, and beneath it one for each process on it."""

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return columns_for(width)

    def cells_of(self, item: CardLine, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a line into these columns."""
        return cells_of(item, columns)

    def key_of(self, item: CardLine) -> Hashable:
        """Give the card's UUID, and the process' number."""
        return item.card.uuid, None if item.process is None else item.process.process_id


class ProjectTable(RowTable[ProjectRow]):
    """A row for each watched project."""

    WISHES = (
        Wish("project", 0, 24, 48),
        Wish("jobs", 2, 6, is_right=True),
        Wish("file system", 3, 11),
        Wish("state", 1, 16, 200),
    )

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return tuple(column for _, column in granted(self.WISHES, width))

    def cells_of(self, item: ProjectRow, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a project into these columns."""
        told = project_cells(item)
        return tuple(told[column.title] for column in columns)

    def key_of(self, item: ProjectRow) -> Hashable:
        """Give its path."""
        return item.project
