"""The next match of a search, from the line that one is at: where it is, or what is to be said instead."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from halfmap.tui.files.patient import Unanswered
from halfmap.tui.files.search_process import SearchFailed, search_apart
from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.files.text_search import Search
from halfmap.tui.text.log_match import ERROR_LINES, Expression
from halfmap.tui.widgets.log.log_window import LOOK_S, LogWindow

_SLOW_S = 1.0


@dataclass(frozen=True, slots=True)
class Sought:
    """What is sought: from which line on (or before which), in how much of the file (bytes)."""

    expression: Expression
    number: int
    size: int
    is_backward: bool = False
    ascii_only: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The number of the line that was found, or None; and what is to be said."""

    number: int | None
    message: str


class Progress:
    """Says how far a search is, once it takes long."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began = self._said = time.monotonic()

    def __call__(self, fraction: float) -> None:
        """Take note of how much was searched, from 0 to 1."""
        now = time.monotonic()
        if now - self._began >= _SLOW_S and now - self._said >= LOOK_S:
            self._said = now
            self._say(f"searching, {100 * fraction:.0f} % (Esc ends it)")


def start_of(view: LogWindow, is_backward: bool) -> int:
    """Tell where to go on: from the line that was found last if it is in sight, else from the first line in sight."""
    if view.hit is not None and view.is_in_sight(view.hit):
        return view.hit if is_backward else view.hit + 1
    return view.top


async def find(feed: TextFeed, sought: Sought, progress: Progress) -> Told:
    """Find the next match; the search goes on at the other end if need be."""
    try:
        start = await feed.ask(lambda file: file.offset_of(sought.number))
        wanted = Search(f"{feed.path}", sought.expression, start, sought.size, sought.is_backward, sought.ascii_only)
        found = await search_apart(wanted, progress)
        if found is None:
            return Told(None, _not_found(sought.expression))
        place = found.offset
        number = await feed.ask(lambda file: file.number_at(place))
    except (SearchFailed, Unanswered) as error:
        return Told(None, f"{error}")
    except OSError as error:
        return Told(None, f"the file cannot be searched: {(error.strerror or f'{error}').lower()}.")
    end, other = ("top", "end") if sought.is_backward else ("end", "top")
    return Told(number, f"past the {end}, on from the {other}" if found.is_wrapped else "")


def _not_found(expression: Expression) -> str:
    return "no errors found." if expression is ERROR_LINES else f"not found: {expression.name!r}."
