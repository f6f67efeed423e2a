"""``halfmap report JOB``: a job as one HTML file that needs nothing else."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from halfmap.commands.queue.printing import print_error, print_note
from halfmap.commands.queue.talking import Code, Unusable, add_jobs, jobs_meant, make_parser, talk
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.client import Client
from halfmap.tui.report.gather import ask, look
from halfmap.tui.report.matter import Told
from halfmap.tui.report.page import page
from halfmap.tui.text.figures import is_refinement, known_as
from halfmap.tui.text.plain import plain


def main(argv: Sequence[str]) -> int:
    """Write the report."""
    parser = make_parser(
        "report",
        "Write a job as one HTML file that needs nothing else: curves, slices of its maps, iterations, parameters, "
        "provenance with checksums, and a paragraph of methods.",
    )
    add_jobs(parser, several=False)
    parser.add_argument(
        "--output", type=Path, metavar="FILE.html", help="the file [named by the job, in the current directory]"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it is there")
    options = parser.parse_args(argv)
    told: list[Told] = []

    async def story(client: Client) -> int:
        (row,) = await jobs_meant(client, options.job, options.project)
        if not is_refinement(row):
            raise Unusable(
                f"{known_as(row)} is no refinement, which reports are about; `halfmap show` tells what it did."
            )
        _check(options.output or _usual_name(row.name), options.overwrite)
        told.append(await ask(client, row.job))
        return Code.DONE

    code = talk(story)
    if code != Code.DONE:
        return code
    path = options.output or _usual_name(told[0].detail.row.name)
    try:
        return _write(told[0], path, options.json)
    except KeyboardInterrupt:
        return Code.INTERRUPTED


def _write(told: Told, path: Path, in_json: bool) -> int:
    text = page(look(told, print_note))
    try:
        write_whole(path, text)
    except OSError as error:
        print_error(f"{path} cannot be written: {error.strerror or error}.")
        return Code.REFUSED
    size = path.stat().st_size
    print(json.dumps({"file": f"{path}", "bytes": size}) if in_json else plain(f"{path}: {size / 1000:.0f} kB"))
    sys.stdout.flush()
    return Code.DONE


def _usual_name(name: str) -> Path:
    """Name the file after the job: ``Refine3D_job012.html``."""
    letters = "".join(one if one.isalnum() or one in "-_." else "_" for one in name.strip("/"))
    return Path(f"{letters[:100].lstrip('.') or 'job'}.html")


def _check(path: Path, may_replace: bool) -> None:
    """See whether the file may be written, before anything is read for it."""
    if path.is_dir():
        raise Unusable(f"{path} is a folder; name a file.")
    if path.exists() and not may_replace:
        raise Unusable(f"{path} is there already; choose another --output, or say --overwrite.")
    if not path.parent.is_dir():
        raise Unusable(f"{path.parent} is not there; make that folder first.")
