"""``halfmap list``: the queue."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.queue.printing import as_json, print_note, print_table
from halfmap.commands.queue.talking import Code, add_project, make_parser, project_meant, talk
from halfmap.daemon.client import Client, JobQuery, JobRow, JobState
from halfmap.tui.text.figures import accuracy, elapsed, figure, known_as

_PAGE = 500
_HEADINGS = (
    "job",
    "project",
    "name",
    "state",
    "iteration",
    "resolution",
    "accuracy",
    "cards",
    "elapsed",
    "reason",
)


def main(argv: Sequence[str]) -> int:
    """List jobs."""
    made = parser()
    options = made.parse_args(argv)
    if options.limit < 1:
        made.error("--limit is at least 1.")

    async def story(client: Client) -> int:
        project = None if options.all else await project_meant(client, options.project)
        rows, total = await _rows(client, _query(options, project), options.limit)
        if options.json:
            print(as_json(rows))
            return Code.DONE
        now = time.time()
        print_table(_HEADINGS, [_cells(row, now) for row in rows])
        if total > len(rows):
            print_note(f"{total - len(rows)} more; --limit {total} shows them all.")
        return Code.DONE

    return talk(story)


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser("list", "List jobs, newest first.")
    add_project(made)
    made.add_argument("--all", action="store_true", help="of all projects, wherever this is said")
    states = ", ".join(JobState)
    made.add_argument(
        "--state", action="append", type=JobState, default=[], metavar="STATE", help=f"only in this state: {states}"
    )
    made.add_argument(
        "--match", default="", metavar="PATTERN", help="a regular expression for name, alias, project, state, reason"
    )
    made.add_argument("--problems", action="store_true", help="only what failed, was lost, or has an alarm")
    made.add_argument("--other-types", action="store_true", help="RELION's other types of job too")
    sorts = ("newest", "oldest", "name", "state", "priority", "resolution")
    made.add_argument("--sort", choices=sorts, default="newest", help="order [newest]")
    made.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many [100]")
    return made


def _query(options: argparse.Namespace, project: str | None) -> JobQuery:
    return JobQuery(
        project=project,
        states=tuple(options.state),
        match=options.match,
        problems_only=options.problems,
        refinements_only=not options.other_types,
        sort=options.sort,
    )


async def _rows(client: Client, query: JobQuery, limit: int) -> tuple[list[JobRow], int]:
    """Turn pages until there are enough rows."""
    rows: list[JobRow] = []
    while True:
        update = {"offset": len(rows), "limit": min(_PAGE, limit - len(rows))}
        page = await client.jobs(query.model_copy(update=update))
        rows += page.jobs
        if not page.jobs or len(rows) >= min(limit, page.total):
            return rows, page.total


def _cells(row: JobRow, now: float) -> tuple[str, ...]:
    return (
        f"{row.job}",
        Path(row.project).name,
        known_as(row) + (" (followed)" if row.followed else ""),
        row.state.value,
        "" if row.iteration is None else f"{row.iteration}",
        figure(row.resolution_angstrom, "Å"),
        accuracy(row),
        ",".join(row.cards),
        elapsed(row, now),
        row.alarm or row.reason,
    )
