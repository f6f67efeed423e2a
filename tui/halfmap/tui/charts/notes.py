"""Sentences under a plot, in as many rows as there are."""

import textwrap
from collections.abc import Sequence

from halfmap.tui.charts.runs import Row, Run


def note_rows(notes: Sequence[str], width: int, rows: int, ascii_only: bool) -> list[Row]:
    """Write notes below one another if there is room, else one after another; the end is cut if it must be."""
    if rows < 1 or width < 1 or not notes:
        return []
    lines = [line for note in notes for line in textwrap.wrap(note, width)]
    if len(lines) > rows:
        lines = textwrap.wrap("; ".join(notes), width)
    if len(lines) > rows:
        last = lines[rows - 1]
        sign = "~" if ascii_only else "…"
        lines = [*lines[: rows - 1], last + sign if len(last) < width else last[: width - 1] + sign]
    return [(Run(line, "note"),) for line in lines]
