"""Sentences as rows of characters."""

from textwrap import wrap

from rich.segment import Segment

from halfmap.tui.charts.pixels import Row


def wrapped(text: str, width: int, height: int) -> list[Row]:
    """Break a text into rows; what has no room is left out."""
    return [[Segment(line)] for line in wrap(text, max(width, 1))[: max(height, 0)]]
