"""``halfmap wait JOB …``."""

from collections.abc import Sequence

from halfmap.commands.queue.printing import as_json
from halfmap.commands.queue.talking import Code, add_jobs, jobs_meant, make_parser, talk
from halfmap.commands.queue.waiting import wait_for_jobs
from halfmap.daemon.client import Client, JobRow, JobState
from halfmap.tui.text.figures import sentence


def main(argv: Sequence[str]) -> int:
    """Wait until jobs have ended; exit code 0 if all of them have finished."""
    parser = make_parser(
        "wait", "Wait until jobs have ended. Exit code 0 if all of them finished, 1 if not, or the time was over."
    )
    add_jobs(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer than so long")
    options = parser.parse_args(argv)

    async def story(client: Client) -> int:
        jobs = [row.job for row in await jobs_meant(client, options.job, options.project)]
        return await wait_and_tell(client, jobs, options.timeout, options.json)

    return talk(story)


async def wait_and_tell(client: Client, jobs: Sequence[int], timeout_s: float | None, in_json: bool) -> int:
    """Wait, tell how each job ended, and return the exit code."""

    def told(row: JobRow) -> None:
        if not in_json:
            print(sentence(row), flush=True)

    rows = await wait_for_jobs(client, jobs, timeout_s, told)
    if in_json:
        print(as_json(rows.values()))
    for row in rows.values():
        if not in_json and not row.state.has_ended:
            print(sentence(row))
    return Code.DONE if all(row.state is JobState.FINISHED for row in rows.values()) else Code.REFUSED
