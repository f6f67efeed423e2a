"""The tables of ladders, of a ladder's steps, and of a step's options."""

from collections.abc import Hashable

from halfmap.daemon.client import LadderOption, LadderRow, LadderStep
from halfmap.tui.text.cells import Cell, Column
from halfmap.tui.text.ladder_cells import (
    LADDERS,
    OPTIONS,
    STEPS,
    columns_for,
    ladder_cells,
    option_cells,
    step_cells,
)
from halfmap.tui.widgets.tables.row_table import RowTable


class LadderTable(RowTable[LadderRow]):
    """A row for each ladder."""

    TITLE = "Ladders"
    KEEPS_CURSOR = True

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return columns_for(LADDERS, width)

    def cells_of(self, item: LadderRow, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a ladder into these columns."""
        told = ladder_cells(item)
        return tuple(told[column.title] for column in columns)

    def key_of(self, item: LadderRow) -> Hashable:
        """Give its project and name."""
        return item.project, item.name


class StepTable(RowTable[LadderStep]):
    """A row for each step of a ladder."""

    TITLE = "Steps"

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return columns_for(STEPS, width)

    def cells_of(self, item: LadderStep, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write a step into these columns."""
        told = step_cells(item)
        return tuple(told[column.title] for column in columns)

    def key_of(self, item: LadderStep) -> Hashable:
        """Give its rung and what it does."""
        return item.step


class OptionTable(RowTable[LadderOption]):
    """A row for each option that a ladder chooses for a step, or that was set by hand."""

    TITLE = "Options"
    KEEPS_CURSOR = True

    def columns_for(self, width: int) -> tuple[Column, ...]:
        """Choose the columns for a width."""
        return columns_for(OPTIONS, width)

    def cells_of(self, item: LadderOption, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
        """Write an option into these columns."""
        told = option_cells(item)
        return tuple(told[column.title] for column in columns)

    def key_of(self, item: LadderOption) -> Hashable:
        """Give its key."""
        return item.key
