"""``halfmap submit``: a job for the queue."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.queue.printing import as_json, print_error, print_note
from halfmap.commands.queue.submission import KINDS, NotAJob, Source, read_launch, read_source
from halfmap.commands.queue.talking import Code, Unusable, make_parser, new_key, project_meant, talk
from halfmap.commands.wait import wait_and_tell
from halfmap.daemon.client import Client, Submission
from halfmap.tui.text.figures import sentence


def main(argv: Sequence[str]) -> int:
    """Queue a job."""
    options = parser().parse_args(argv)

    async def story(client: Client) -> int:
        source = read_source(options.source, options.set, options.project, options.kind)
        if source.unknown:
            print_note(f"{options.source} has options that this job does not: {', '.join(source.unknown)}; left out.")
        submission = await _submission(client, options, source)
        await _watch(client, submission.project)
        row = await client.submit(submission, options.key or new_key())
        if options.wait:
            return await wait_and_tell(client, [row.job], None, options.json)
        print(as_json(row) if options.json else sentence(row))
        return Code.REFUSED if row.state.is_trouble else Code.DONE  # its folder could not be made

    try:
        return talk(story)
    except NotAJob as error:
        print_error(str(error))
        return Code.REFUSED


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser("submit", "Queue a job: a job.star's, a job folder's as it is, or one described by --set alone.")
    made.add_argument("source", nargs="?", type=Path, metavar="JOB_FOLDER_OR_JOB_STAR", help="a folder or a file")
    made.add_argument(
        "--kind", choices=KINDS, metavar="KIND", help=f"what it does: {', '.join(KINDS)} [the file's; refine]"
    )
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the job; overrules the file's"
    )
    made.add_argument("--project", type=Path, metavar="DIR", help="the project [the current directory if it is one]")
    made.add_argument("--alias", metavar="NAME", help="a name of your own for the job")
    made.add_argument("--engine", choices=("halfmap", "relion"), default="halfmap", help="what refines [halfmap]")
    made.add_argument("--cards", type=int, metavar="N", help="how many cards to lease [what the options ask for]")
    made.add_argument("--memory-mb", type=int, metavar="N", help="memory of all ranks together [predicted]")
    made.add_argument("--priority", type=int, default=0, metavar="N", help="the highest starts first [0]")
    made.add_argument("--hold", action="store_true", help="wait until released")
    made.add_argument("--begin", metavar="TIME", help="not before: 2026-07-01T20:00, 20:00, or +2h30m")
    made.add_argument(
        "--after", nargs="+", action="extend", default=[], metavar="JOB", help="only after these jobs have finished"
    )
    made.add_argument("--on", default="here", metavar="PLACE", help="here, slurm or slurm:PARTITION [here]")
    made.add_argument("--notify-at", type=float, metavar="ANGSTROM", help="notify when this resolution is reached")
    made.add_argument("--wait", action="store_true", help="wait until it has ended; exit code 0 if it finished")
    made.add_argument("--key", type=_key, help="for scripts that try again: with the same key it is queued only once")
    return made


def _key(text: str) -> str:
    if not (1 <= len(text) <= 128 and text.isascii() and text.isprintable()):
        raise argparse.ArgumentTypeError("a key is 1 to 128 printable ASCII characters.")
    return text


async def _submission(client: Client, options: argparse.Namespace, source: Source) -> Submission:
    read_launch(options, time.time(), ())  # what cannot be used is told before anything is asked
    project = source.project or await project_meant(client, options.project)
    if project is None:
        raise Unusable("the current directory is no project; say --project DIR (an empty folder becomes one).")
    after = [await _name_of(client, word, project) for word in options.after]
    return Submission(
        project=project,
        kind=source.kind,
        options=None if source.options is None else dict(source.options),
        job_folder=source.job_folder,
        alias=options.alias,
        launch=read_launch(options, time.time(), after),
    )


async def _name_of(client: Client, word: str, project: str) -> str:
    """Give the name of a job to wait for, as it is in the project."""
    row = await client.find(word, None if word.isdecimal() else project)
    if row.project != project:
        raise Unusable(
            f"--after {word}: this job is of {row.project}; a job can wait only for jobs of its own project."
        )
    if not row.name:
        raise Unusable(f"--after {word}: its folder is not made yet ({row.reason or 'in a moment'}); try again.")
    return row.name


async def _watch(client: Client, project: str) -> None:
    """Have the project watched, if it is not yet."""
    if all(row.project != project for row in await client.projects()):
        await client.watch(project, new_key())
        print_note(f"{project} is watched from now on.")
