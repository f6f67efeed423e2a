"""``halfmap show JOB``: everything about a job."""

import shlex
import time
from collections.abc import Iterator, Sequence

from halfmap.commands.queue.printing import as_json, print_facts
from halfmap.commands.queue.talking import Code, add_jobs, jobs_meant, make_parser, talk
from halfmap.commands.queue.words import accuracy, duration, elapsed, figure, known_as, moment
from halfmap.daemon.client import AttemptRow, Client, JobDetail


def main(argv: Sequence[str]) -> int:
    """Show a job."""
    parser = make_parser("show", "Show a job: how it is, its options, and each of its starts.")
    add_jobs(parser, several=False)
    options = parser.parse_args(argv)

    async def story(client: Client) -> int:
        (row,) = await jobs_meant(client, options.job, options.project)
        detail = await client.job(row.job)
        if options.json:
            print(as_json(detail))
        else:
            print_facts(_facts(detail))
        return Code.DONE

    return talk(story)


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
