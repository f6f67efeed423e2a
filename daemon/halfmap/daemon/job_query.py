"""What a query for jobs means, as a function of rows; the store's SQL means the same."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from halfmap.contract.job_types import JOB_TYPES
from halfmap.daemon.records import JobQuery, JobRow, Refusal
from halfmap.daemon.service import Refused

_SORTS: dict[str, Callable[[JobRow], Any]] = {
    "newest": lambda row: -row.job,
    "oldest": lambda row: row.job,
    "name": lambda row: (row.project, len(row.name), row.name),
    "state": lambda row: (row.state.value, -row.job),
    "priority": lambda row: (-row.priority, row.job),
    "resolution": lambda row: (row.resolution_angstrom is None, row.resolution_angstrom or 0.0, -row.job),
}


def select(rows: Iterable[JobRow], query: JobQuery) -> tuple[Sequence[JobRow], int]:
    """Give one page of the jobs that a query asks for, and how many there are.

    Raises
    ------
    Refused
        If `match` is no regular expression.
    """
    match = _matching(query.match)
    found = [row for row in rows if _fits(row, query) and match(row)]
    found.sort(key=_SORTS[query.sort])
    return found[query.offset : query.offset + query.limit], len(found)


def _fits(row: JobRow, query: JobQuery) -> bool:
    return (
        (query.project is None or row.project == query.project)
        and (not query.states or row.state in query.states)
        and (not query.refinements_only or row.kind.startswith("relion.refine3d") or not row.followed)
        and (not query.problems_only or row.state.is_trouble or row.alarm != "")
    )


def _matching(match: str) -> Callable[[JobRow], bool]:
    if not match:
        return lambda _: True
    inverted = match.startswith("!")
    try:
        pattern = re.compile(match.removeprefix("!"), re.IGNORECASE)
    except re.error as error:
        message = f"{match.removeprefix('!')!r} is no regular expression: {error}."
        raise Refused(Refusal(code="bad_request", message=message)) from None
    return lambda row: (pattern.search(_text(row)) is not None) is not inverted


def _text(row: JobRow) -> str:
    return " ".join((row.name, row.alias, row.project, row.state.value, row.reason))


def named(rows: Iterable[JobRow], name: str, project: str | None) -> list[JobRow]:
    """Give the jobs that a person may mean by ``job012``, ``Refine3D/job012/`` or an alias."""
    plain = name.strip("/")
    spellings = {f"{plain}/", *(f"{kind.folder}/{plain}/" for kind in JOB_TYPES)}
    return [
        row
        for row in rows
        if (project is None or row.project == project)
        and (row.name in spellings or (row.alias != "" and row.alias in spellings | {plain}))
    ]
