"""``halfmap release JOB …``."""

from collections.abc import Sequence

from halfmap.commands.queue.talking import add_jobs, change_command, make_parser, new_key


def main(argv: Sequence[str]) -> int:
    """Let held jobs start."""
    parser = make_parser("release", "Let held jobs start.")
    add_jobs(parser)
    return change_command(parser.parse_args(argv), lambda client, row: client.release(row.job, new_key()))
