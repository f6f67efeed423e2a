"""``halfmap ladder``: begin, follow, stop and continue a ladder of binnings, or tell what it would do."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.commands.ladder.example import EXAMPLE
from halfmap.commands.ladder.following import follow
from halfmap.commands.ladder.plan import plan
from halfmap.commands.ladder.telling import print_detail, print_rows
from halfmap.commands.queue.printing import as_json, print_error, print_note
from halfmap.commands.queue.talking import Code, Unusable, add_project, make_parser, new_key, project_meant, talk
from halfmap.daemon.client import Client, LadderDetail, LadderDraft, LadderName
from halfmap.tui.text.ladder_words import sentence


@dataclass(frozen=True, slots=True)
class Source:
    """Which ladder is meant: its name, and the text of its file where a file was named."""

    name: str
    text: str | None


def main(argv: Sequence[str]) -> int:
    """Do what was asked for."""
    options = parser().parse_args(argv)
    if options.example:
        print(EXAMPLE, end="")
        return Code.DONE
    try:
        source = None if options.ladder is None else read_source(options.ladder, options.name)
        if options.plan and source is None:
            raise Unusable("which ladder? Name its file; `halfmap ladder --example` prints one.")
    except Unusable as error:
        print_error(str(error))
        return Code.USAGE
    if options.plan and source is not None:
        return plan(source.name, source.text, (options.project or Path.cwd()).resolve(), options.json)

    async def story(client: Client) -> int:
        project = await project_meant(client, options.project)
        if source is None:
            rows = await client.ladders(project)
            print(as_json(rows)) if options.json else print_rows(rows)
            return Code.DONE
        if project is None:
            raise Unusable("the current directory is no project; say --project DIR.")
        which = LadderName(project=project, name=source.name)
        detail = await _done(client, options, which, source)
        return await _told(client, options, which, source, detail)

    return talk(story)


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser(
        "ladder",
        "Refine at a coarse binning, extract and refine at the next finer one, and so on, unattended. A file: begin "
        "the ladder, or go on with it; the name of a ladder: show it; neither: list ladders.",
    )
    made.add_argument("ladder", nargs="?", metavar="LADDER.toml|NAME", help="a file, or the name of a ladder")
    made.add_argument("--name", help="what to call the ladder [the file's name]")
    add_project(made)
    instead = made.add_mutually_exclusive_group()
    instead.add_argument(
        "--plan", action="store_true", help="tell every step and option with its reason; start nothing"
    )
    instead.add_argument("--stop", action="store_true", help="queue nothing more, stop what runs, hold what waits")
    instead.add_argument("--continue", dest="go_on", action="store_true", help="go on after a stop or a failed step")
    instead.add_argument("--example", action="store_true", help="print a file to begin with")
    watching = made.add_mutually_exclusive_group()
    watching.add_argument("--watch", action="store_true", help="follow it to its end [on a terminal]")
    watching.add_argument("--no-watch", action="store_true", help="hand it to the daemon and return at once")
    return made


def read_source(word: str, name: str | None) -> Source:
    """Find out whether a file or a ladder is named.

    Raises
    ------
    Unusable
        If it looks like a file and cannot be read.
    """
    path = Path(word)
    if not (path.is_file() or path.suffix == ".toml" or "/" in word):
        return Source(name or word, None)
    try:
        return Source(name or path.stem, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{word} cannot be read: {error}.") from None


async def _done(client: Client, options: argparse.Namespace, which: LadderName, source: Source) -> LadderDetail:
    if options.stop:
        return await client.stop_ladder(which, new_key())
    if options.go_on:
        return await client.continue_ladder(which, new_key())
    if source.text is None:
        return await client.ladder(which)
    if all(row.project != which.project for row in await client.projects()):
        await client.watch(which.project, new_key())
        print_note(f"{which.project} is watched from now on.")
    return await client.begin_ladder(LadderDraft(project=which.project, name=which.name, text=source.text), new_key())


async def _told(
    client: Client, options: argparse.Namespace, which: LadderName, source: Source, detail: LadderDetail
) -> int:
    """Tell how the ladder is, or follow it if it was begun or continued on a terminal."""
    for warning in detail.warnings:
        print_note(warning)
    goes_on = options.go_on or (source.text is not None and not options.stop)
    if options.json:
        print(as_json(detail))
    elif options.watch or (goes_on and sys.stdout.isatty() and not options.no_watch):
        return await follow(client, which, detail)
    elif goes_on or options.stop:
        print(sentence(detail.row))
    else:
        print_detail(detail)
    return Code.REFUSED if detail.row.state == "trouble" else Code.DONE
