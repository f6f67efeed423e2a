"""``halfmap watch``: which projects the daemon looks after."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.queue.printing import as_json, print_table
from halfmap.commands.queue.talking import Code, make_parser, new_key, project_path, talk
from halfmap.daemon.client import Client, ProjectRow
from halfmap.tui.text.plain import plain

_HEADINGS = ("project", "jobs", "file system", "watched by", "trouble")


def main(argv: Sequence[str]) -> int:
    """Watch a project, leave it alone, or list those that are watched."""
    options = parser().parse_args(argv)

    async def story(client: Client) -> int:
        if options.list:
            _tell(await client.projects(), options.json)
            return Code.DONE
        project = project_path(options.project)
        if options.remove:
            await client.unwatch(project, new_key())
            print(as_json(None) if options.json else f"{plain(project)} is not watched any more; its files stay.")
            return Code.DONE
        row = await client.watch(project, new_key())
        print(as_json(row) if options.json else plain(f"{row.project} is watched."))
        return Code.DONE

    return talk(story)


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser(
        "watch", "Watch a RELION project, or an empty directory that becomes one: its jobs are shown, queued and run."
    )
    made.add_argument(
        "project", nargs="?", type=Path, default=Path(), metavar="PROJECT_DIR", help="[the current directory]"
    )
    instead = made.add_mutually_exclusive_group()
    instead.add_argument("--remove", action="store_true", help="watch it no more; refused while jobs of it wait or run")
    instead.add_argument("--list", action="store_true", help="list the watched projects")
    return made


def _tell(rows: Sequence[ProjectRow], in_json: bool) -> None:
    if in_json:
        print(as_json(rows))
        return
    print_table(_HEADINGS, [_cells(row) for row in rows])


def _cells(row: ProjectRow) -> tuple[str, ...]:
    watched_by = f"{row.watching} ({row.reason})" if row.reason else row.watching
    return (row.project, f"{row.jobs}", row.file_system, watched_by, row.trouble)
