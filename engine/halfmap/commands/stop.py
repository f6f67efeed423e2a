"""``halfmap stop JOB …``."""

import argparse
from collections.abc import Sequence

from halfmap.commands.queue.printing import as_json
from halfmap.commands.queue.talking import Code, add_jobs, change_each, make_parser, new_key, talk
from halfmap.commands.queue.waiting import wait_for_jobs
from halfmap.daemon.client import Client
from halfmap.tui.text.figures import sentence

_MODES = {
    "after_iteration": "let the iteration under way end first",
    "abort": "ask the program to end, as RELION's GUI does (the usual way)",
    "terminate": "send SIGTERM",
    "kill": "send SIGKILL",
}


def main(argv: Sequence[str]) -> int:
    """Stop jobs; what does not end is stopped harder after a while."""
    options = parser().parse_args(argv)

    async def story(client: Client) -> int:
        rows = await change_each(client, options, lambda row: client.stop(row.job, options.mode, new_key()))
        code = Code.DONE if len(rows) == len(options.job) else Code.REFUSED
        if options.wait:
            told = (lambda _: None) if options.json else (lambda row: print(sentence(row), flush=True))
            rows = list((await wait_for_jobs(client, [row.job for row in rows], None, told)).values())
        if options.json:
            print(as_json(rows))
        # a job that leaves processes behind says so in its alarm
        return Code.REFUSED if options.wait and any(row.alarm for row in rows) else code

    return talk(story)


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = make_parser(
        "stop", "Stop jobs. One that does not end is stopped harder after a while, until nothing of it is left."
    )
    add_jobs(made)
    modes = made.add_mutually_exclusive_group()
    for mode, what in _MODES.items():
        flag = f"--{mode.replace('_', '-')}"
        modes.add_argument(flag, dest="mode", action="store_const", const=mode, default="abort", help=what)
    made.add_argument(
        "--wait", action="store_true", help="wait until they have ended; exit code 1 if something of them is left"
    )
    return made
