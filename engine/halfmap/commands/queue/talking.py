"""Talking to the daemon from a command: exit codes, errors as sentences, and which job or project is meant."""

import argparse
import asyncio
import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from enum import IntEnum
from pathlib import Path

from halfmap.commands.queue.printing import as_json, print_error, print_note
from halfmap.daemon.client import Client, DaemonAway, JobRow, Refused, connect
from halfmap.tui.text.figures import sentence

_PIPELINE = "default_pipeline.star"


class Code(IntEnum):
    """How a command ends."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_DAEMON = 3
    INTERRUPTED = 130


class Unusable(Exception):
    """What was typed cannot be used; the message says why and what to type."""


def talk(story: Callable[[Client], Awaitable[int]]) -> int:
    """Do something with a client, and return the command's exit code; what goes wrong is told on stderr."""
    try:
        return asyncio.run(_told(story))
    except Unusable as error:
        print_error(str(error))
        return Code.USAGE
    except Refused as error:
        print_error(str(error))
        return Code.REFUSED
    except DaemonAway as error:
        print_error(str(error))
        return Code.NO_DAEMON
    except KeyboardInterrupt:
        return Code.INTERRUPTED


async def _told(story: Callable[[Client], Awaitable[int]]) -> int:
    told = set[str]()

    def tell_once(away: DaemonAway) -> None:
        if not told:
            print_note(f"{away} Waiting for it.")
        told.add("")

    async with connect(os.environ, tell_once) as client:
        return await story(client)


def new_key() -> str:
    """Make a key for a request that is made once."""
    return f"{uuid.uuid4()}"


def project_path(given: Path) -> str:
    """Give a project's path as the daemon knows it.

    Raises
    ------
    Unusable
        If the path is not UTF-8, which JSON cannot carry.
    """
    path = str(given.resolve())
    try:
        path.encode()
    except UnicodeEncodeError:
        raise Unusable(f"{path!r} is not UTF-8; rename the folder.") from None
    return path


async def project_meant(client: Client, given: Path | None) -> str | None:
    """Give the project that was named, or the current directory if it is one; None for neither."""
    if given is not None:
        return project_path(given)
    here = project_path(Path.cwd())
    if (Path(here) / _PIPELINE).exists() or any(row.project == here for row in await client.projects()):
        return here
    return None


async def jobs_meant(client: Client, words: Sequence[str], given: Path | None) -> list[JobRow]:
    """Find the jobs that were named by number, name or alias."""
    if all(word.isdecimal() for word in words):
        return [await client.find(word, None) for word in words]
    project = await project_meant(client, given)
    return [await client.find(word, None if word.isdecimal() else project) for word in words]


async def change_each(
    client: Client, options: argparse.Namespace, change: Callable[[JobRow], Awaitable[JobRow]]
) -> list[JobRow]:
    """Change the jobs that were named, one after the other; what is refused is told, and the others are still changed.

    Returns
    -------
    list of JobRow
        Those that were changed, printed already unless they are to be JSON.
    """
    changed = []
    for row in await jobs_meant(client, options.job, options.project):
        try:
            changed.append(await change(row))
        except Refused as error:
            print_error(str(error))
            continue
        if not options.json:
            print(sentence(changed[-1]), flush=True)
    return changed


def change_command(options: argparse.Namespace, change: Callable[[Client, JobRow], Awaitable[JobRow]]) -> int:
    """Run a command that changes each job it names; exit code 1 if one was refused."""

    async def story(client: Client) -> int:
        changed = await change_each(client, options, lambda row: change(client, row))
        if options.json:
            print(as_json(changed))
        return Code.DONE if len(changed) == len(options.job) else Code.REFUSED

    return talk(story)


def make_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Begin a command's parser with what all of them have."""
    made = argparse.ArgumentParser(prog=f"halfmap {name}", description=description)
    made.add_argument("--json", action="store_true", help="print the records as JSON")
    return made


def add_jobs(parser: argparse.ArgumentParser, several: bool = True) -> None:
    """Add the arguments that name jobs."""
    help_text = "a number, job012, Refine3D/job012 or an alias"
    parser.add_argument("job", nargs="+" if several else 1, metavar="JOB", help=help_text)
    add_project(parser)


def add_project(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a project."""
    parser.add_argument(
        "--project", type=Path, metavar="DIR", help="the project of the jobs [the current directory if it is one]"
    )
