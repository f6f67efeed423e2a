"""Rows of text in which each part has a role: what a chart is drawn into."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a row; `role` is one of `halfmap.tui.charts.plot.Role`, or empty for plain."""

    text: str
    role: str = ""


Row = tuple[Run, ...]


def fitted(runs: Iterable[Run], width: int) -> Row:
    """Cut or fill runs to so many cells; empty ones are left out."""
    row: list[Run] = []
    left = width
    for run in runs:
        size = cell_len(run.text)
        if size > left:
            return tuple(row) if left < 1 else (*row, Run(set_cell_size(run.text, left), run.role))
        if size:
            row.append(run)
            left -= size
    if left:
        row.append(Run(" " * left))
    return tuple(row)


def joined(cells: Iterable[tuple[str, str]]) -> Row:
    """Join cells (character and role) into runs; a blank takes the role of what stands before it."""
    row: list[Run] = []
    text: list[str] = []
    current = ""
    for character, role in cells:
        if role != current and character != " ":
            if text:
                row.append(Run("".join(text), current))
                text = []
            current = role
        text.append(character)
    if text:
        row.append(Run("".join(text), current))
    return tuple(row)


def changed_cells(before: Row, after: Row) -> tuple[int, int]:
    """Tell from which cell to which (that after the last) two rows of the same width differ; (0, 0) if they do not."""
    if before == after:
        return 0, 0
    width = sum(cell_len(run.text) for run in after)
    return _alike(before, after), width - _alike(_backward(before), _backward(after))


def _alike(before: Row, after: Row) -> int:
    """Count the cells that two rows begin with alike; wide characters are only compared whole."""
    cells = 0
    for one, other in zip(before, after, strict=False):
        if one == other:
            cells += cell_len(one.text)
            continue
        if one.role == other.role:
            cells += _alike_text(one.text, other.text)
        break
    return cells


def _alike_text(one: str, other: str) -> int:
    cells = 0
    for character, another in zip(one, other, strict=False):
        if character != another:
            break
        cells += cell_len(character)
    return cells


def _backward(row: Row) -> Row:
    return tuple(Run(run.text[::-1], run.role) for run in reversed(row))
