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


def merged(runs: Iterable[Run]) -> Row:
    """Put runs of the same role together, and blanks with what stands before or after them.

    Each change of role costs a terminal dozens of bytes, and blanks look the same in all.
    """
    row: list[Run] = []
    text, role = "", None
    for run in runs:
        is_blank = not run.text.strip(" ")
        if role is None or role == run.role or is_blank:
            text += run.text
        else:
            row.append(Run(text, role))
            text = run.text
        if not is_blank:
            role = run.role
    return (*row, Run(text, role or "")) if text else tuple(row)
