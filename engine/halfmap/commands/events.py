"""``halfmap events``: what has happened, and happens."""

from collections.abc import Sequence
from contextlib import aclosing

from halfmap.commands.queue.printing import as_json
from halfmap.commands.queue.talking import Code, add_project, jobs_meant, make_parser, talk
from halfmap.daemon.client import Client, EventRow
from halfmap.tui.text.figures import moment
from halfmap.tui.text.plain import plain

_LATEST = 100


def main(argv: Sequence[str]) -> int:
    """Print events, a line each."""
    parser = make_parser("events", "Print what has happened, a line for each event; with --json a line of JSON each.")
    parser.add_argument("--since", type=int, metavar="REV", help=f"those after this number [the last {_LATEST}]")
    parser.add_argument("--follow", "-f", action="store_true", help="go on with those to come")
    parser.add_argument("--job", metavar="JOB", help="only those of this job [then all of them]")
    add_project(parser)
    options = parser.parse_args(argv)
    if options.since is not None and options.since < 0:
        parser.error("--since is at least 0.")

    async def story(client: Client) -> int:
        since, job = options.since, None
        if options.job is not None:
            job = (await jobs_meant(client, [options.job], options.project))[0].job
        if since is None:
            since = 0 if job is not None else max(0, (await client.status()).rev - _LATEST)
        async with aclosing(client.events(since, job, options.follow)) as events:  # type: ignore[type-var]
            async for event in events:
                print(as_json(event) if options.json else line(event), flush=True)
        return Code.DONE

    return talk(story)


def line(event: EventRow) -> str:
    """Write an event as a line."""
    job = f"job {event.job}" if event.job is not None else ""
    return plain(f"{event.rev:>6}  {moment(event.time)}  {job:<9} {event.kind}  {event.text}".rstrip())
