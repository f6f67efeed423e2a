"""What is asked of a log: how it is, and the lines around those that are seen."""

from dataclasses import dataclass

from halfmap.tui.files.text_file import TextFile, TextState
from halfmap.tui.files.text_lines import Lines


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: how the file is, and lines of it; None where those that are there still hold."""

    state: TextState
    lines: Lines | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question.

    Attributes
    ----------
    first, count
        Which lines; None for the last ones, and for a file that is another one than it was.
    state, lines
        What is known already.
    """

    first: int | None
    count: int
    state: TextState
    lines: Lines


def page_of(file: TextFile, wanted: Wanted) -> Page:
    """Look at a file, and read what is wanted and not there yet."""
    state = file.refresh()
    is_same = state.generation == wanted.state.generation
    if is_same and (state.trouble or state == wanted.state) and _holds(wanted, state):
        return Page(state, None)
    lines = file.lines(wanted.first if is_same else None, wanted.count)
    return Page(file.state, lines if lines.lines or not state.lines else None)


def _holds(wanted: Wanted, state: TextState) -> bool:
    first = state.end - wanted.count if wanted.first is None else wanted.first
    low, high = max(first, state.first), min(first + wanted.count, state.end)
    return wanted.lines.first <= low and high <= wanted.lines.end
