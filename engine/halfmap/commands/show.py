"""``halfmap show JOB``: everything about a job, or its curves."""

import argparse
import shlex
import time
from collections.abc import Iterator, Sequence

from halfmap.commands.queue.charts import CHART_NAMES, print_charts
from halfmap.commands.queue.printing import as_json, print_facts
from halfmap.commands.queue.talking import Code, Unusable, add_jobs, jobs_meant, make_parser, talk
from halfmap.daemon.client import AttemptRow, Client, JobDetail
from halfmap.tui.text.figures import accuracy, duration, elapsed, figure, known_as, moment

_LEAST_HEIGHT, _MOST_HEIGHT = 4, 200


def main(argv: Sequence[str]) -> int:
    """Show a job."""
    options = _parser().parse_args(argv)

    async def story(client: Client) -> int:
        _check(options)
        (row,) = await jobs_meant(client, options.job, options.project)
        if options.chart:
            return await print_charts(client, row, options)
        detail = await client.job(row.job)
        if options.json:
            print(as_json(detail))
        else:
            print_facts(_facts(detail))
        return Code.DONE

    return talk(story)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("show", "Show a job: how it is, its options, and each of its starts; or its curves.")
    add_jobs(parser, several=False)
    charts = parser.add_argument_group("curves")
    charts.add_argument("--chart", choices=CHART_NAMES, help="draw curves, as wide as the terminal or 100 columns")
    charts.add_argument("--iteration", type=int, metavar="N", help="look at this iteration [the latest]")
    charts.add_argument("--height", type=int, metavar="ROWS", help="rows of each chart [18]")
    charts.add_argument(
        "--ascii", action="store_true", help="ASCII signs only; by itself where the locale is not UTF-8"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """Refuse options that would have no effect, and sizes that nobody means."""
    given = {"--iteration": options.iteration, "--height": options.height, "--ascii": options.ascii or None}
    lonely = [name for name, value in given.items() if value is not None]
    if lonely and not options.chart:
        raise Unusable(f"{lonely[0]} goes with --chart; say which chart: {', '.join(CHART_NAMES)}.")
    if options.chart and options.json:
        raise Unusable("--chart draws for people; leave it out for the records in JSON.")
    if options.height is not None and not _LEAST_HEIGHT <= options.height <= _MOST_HEIGHT:
        raise Unusable(f"--height {options.height}: give {_LEAST_HEIGHT} to {_MOST_HEIGHT} rows.")


def _facts(detail: JobDetail) -> Iterator[tuple[str, str]]:
    row = detail.row
    yield "job", f"{row.job}"
    yield "name", known_as(row)
    yield "project", row.project
    yield "state", f"{row.state}{' (followed: started by somebody else)' if row.followed else ''}"
    yield "alarm", row.alarm
    yield "reason", row.reason
    for warning in detail.warnings:
        yield "warning", warning
    yield "waits for", ", ".join(detail.after) if row.state.is_waiting else ""
    yield "begins after", moment(row.begin)
    yield "priority", f"{row.priority}" if row.priority else ""
    yield "engine", f"{row.engine}, {row.place}"
    yield "iteration", "" if row.iteration is None else f"{row.iteration} {row.phase}".strip()
    yield "resolution", figure(row.resolution_angstrom, "Å")
    yield "accuracy", accuracy(row)
    yield "angular step", figure(row.angular_step_deg, "°")
    yield "each iteration", duration(row.step_seconds)
    yield "cards", ", ".join(row.cards)
    yield "submitted", moment(row.submitted)
    yield "started", moment(row.started)
    yield "ended", moment(row.ended)
    yield "elapsed", elapsed(row, time.time())
    for attempt in detail.attempts:
        yield f"attempt {attempt.attempt}", _attempt(attempt)
        yield "command", shlex.join(attempt.argv)
    for key, value in detail.options.items():
        yield "option", f"{key} = {value}"


def _attempt(attempt: AttemptRow) -> str:
    parts = [
        attempt.state.value,
        attempt.reason,
        f"since {moment(attempt.created)}",
        f"pid {attempt.process_id}" if attempt.process_id else "",
        f"Slurm job {attempt.slurm_job}" if attempt.slurm_job else "",
        f"exit code {attempt.exit_code}" if attempt.exit_code is not None else "",
    ]
    return ", ".join(part for part in parts if part)
