"""``halfmap why JOB``: why a job waits, or how it ended."""

import time
from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from halfmap.commands.queue.printing import as_json
from halfmap.commands.queue.talking import Code, add_jobs, jobs_meant, make_parser, talk
from halfmap.daemon.client import Client, DaemonStatus, JobDetail, JobState, ProjectRow
from halfmap.tui.text.figures import duration, known_as, moment
from halfmap.tui.text.plain import plain


class Why(BaseModel):
    """What there is to say, the most important first."""

    job: int
    state: JobState
    because: tuple[str, ...]


def main(argv: Sequence[str]) -> int:
    """Tell why a job waits, or how it ended."""
    parser = make_parser("why", "Tell why a job waits, or how it ended.")
    add_jobs(parser, several=False)
    options = parser.parse_args(argv)

    async def story(client: Client) -> int:
        (row,) = await jobs_meant(client, options.job, options.project)
        detail = await client.job(row.job)
        because = tuple(reasons(detail, await client.status(), await client.projects(), time.time()))
        if options.json:
            print(as_json(Why(job=row.job, state=detail.row.state, because=because)))
            return Code.DONE
        print(f"{row.job}: {known_as(detail.row)} is {detail.row.state}")
        for one in because:
            print(f"  {plain(one)}")
        return Code.DONE

    return talk(story)


def reasons(detail: JobDetail, status: DaemonStatus, projects: Sequence[ProjectRow], now: float) -> Iterator[str]:
    """Collect what keeps a job from going on, or how it ended."""
    row = detail.row
    if row.alarm:
        yield row.alarm
    if row.reason:
        yield row.reason
    if row.followed:
        yield "it was started by somebody else, and is only followed"
    if not row.state.has_ended:
        if status.mode != "ok":
            yield f"the daemon is {status.mode}: {status.reason}"
        yield from (one.trouble for one in projects if one.project == row.project and one.trouble)
    if row.state is JobState.HELD:
        yield f"it is held; `halfmap release {row.job}` lets it start"
    if row.state.is_waiting and row.begin is not None and row.begin > now:
        yield f"it is not to begin before {moment(row.begin)}, in {duration(row.begin - now)}"
    yield from detail.warnings
