"""What a list of jobs says of itself: its title, and why it is empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from halfmap.daemon.client import JobPage, JobQuery
from halfmap.tui.text.cells import Cell
from halfmap.tui.text.plain import cut, cut_front, plain

SORTS = ("newest", "oldest", "name", "state", "priority", "resolution")
_WORDS = {
    "oldest": "oldest first",
    "name": "by name",
    "state": "by state",
    "priority": "by priority",
    "resolution": "by resolution",
}
_PATTERN = 30
_GAP = Cell("  ")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list shows: the page that was asked for and told, and how many jobs there are of each state."""

    asked: JobQuery
    page: JobPage
    counts: tuple[Cell, ...] = ()


def title(listed: Listed, cursor: int, marked: int, width: int) -> tuple[Cell, ...]:
    """Tell what a list shows, the most important first, as far as it fits into a width."""
    asked, page = listed.asked, listed.page
    parts = [Cell("Jobs"), Cell(_where(asked, page, cursor), "note")]
    if asked.match:
        parts.append(Cell(f"/{cut(plain(asked.match), _PATTERN)}", "second"))
    if asked.problems_only:
        parts.append(Cell("only problems", "alarm"))
    if marked:
        parts.append(Cell(f"{marked} marked", "second"))
    if asked.project is not None:
        parts.append(Cell(f"in {cut_front(plain(asked.project), _PATTERN)}", "note"))
    if asked.sort != SORTS[0]:
        parts.append(Cell(_WORDS[asked.sort], "note"))
    if not asked.refinements_only:
        parts.append(Cell("all types", "note"))
    return tuple(_fitting([*parts, *listed.counts], width))


def _fitting(parts: Sequence[Cell], width: int) -> Iterator[Cell]:
    for part in parts:
        width -= cell_len(part.text) + len(_GAP.text)
        if width < -len(_GAP.text):
            return
        yield from (part, _GAP)


def _where(asked: JobQuery, page: JobPage, cursor: int) -> str:
    """Tell where the cursor is, and of several pages which: ``17 of 43``, ``617 of 5,000 (page 2 of 10)``."""
    if not page.jobs:
        return "none"
    where = f"{asked.offset + cursor + 1:,} of {page.total:,}"
    pages = -(-page.total // asked.limit)
    return where if pages < 2 else f"{where} (page {asked.offset // asked.limit + 1} of {pages})"


def end_of_page(listed: Listed) -> str:
    """Tell how to see more, for who stands at the last row of a page; empty if there is no more."""
    asked, page = listed.asked, listed.page
    end = asked.offset + len(page.jobs)
    if end >= page.total:
        return ""
    return f"{page.total - end:,} more jobs: Down or PgDn shows the next page; / filters"


def emptiness(asked: JobQuery) -> tuple[str, ...]:
    """Say why a list is empty, and what to do, in lines."""
    if asked.match or asked.problems_only:
        return (_no_match(asked), "", f"{'Esc clears the filter' if asked.match else 'p shows all jobs'}.")
    where = "" if asked.project is None else f" in {plain(asked.project)}"
    others = ["t shows RELION's other types of job too."] if asked.refinements_only else []
    return (
        f"No jobs{where} yet.",
        "",
        "w watches a project: a RELION project, or a folder that becomes one.",
        "a fills in a new refinement.",
        *others,
        "",
        "Jobs that RELION's GUI starts in a watched project are shown here too.",
    )


def _no_match(asked: JobQuery) -> str:
    kind = "job with a problem" if asked.problems_only else "job"
    if not asked.match:
        return f"No {kind}."
    pattern = plain(asked.match.removeprefix("!"))
    verb = "is without" if asked.match.startswith("!") else "matches"
    return f"No {kind} {verb} {cut(pattern, 60)}."
