"""What tables are made of: columns, and cells with a text and a role."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, and the role that colours it (see `halfmap.tui.palette`); "" for none."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what stands above it, how many cells wide it is, and on which side its texts begin."""

    title: str
    width: int
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """A column that may be shown.

    Attributes
    ----------
    rank
        Where there is little room those with a high rank are left out.
    width
        The least that it needs.
    most
        What it can use.
    """

    title: str
    rank: int
    width: int
    most: int = 0
    is_right: bool = False


GUTTER = 2
"""Cells at the left of a table, for its cursor and marks."""
GAP = 1
"""Cells between columns."""


def granted(wishes: Sequence[Wish], width: int) -> tuple[tuple[Wish, Column], ...]:
    """Choose the columns that fit into a width, in the order of the wishes, and share out what is left.

    What is left goes to the columns in the order of their ranks, as far as each can use it.
    """
    chosen, room = list[Wish](), width - GUTTER + GAP
    for wish in sorted(wishes, key=lambda one: one.rank):
        needed = (wish.width if chosen else min(wish.width, max(1, room - GAP))) + GAP
        if needed > room:
            break
        chosen.append(wish)
        room -= needed
    widths = dict[str, int]()
    for wish in chosen:
        more = max(0, min(wish.most - wish.width, room))
        widths[wish.title] = wish.width + more
        room -= more
    if len(chosen) == 1:
        widths[chosen[0].title] = min(widths[chosen[0].title], max(0, width - GUTTER))
    return tuple((wish, Column(wish.title, widths[wish.title], wish.is_right)) for wish in wishes if wish in chosen)
