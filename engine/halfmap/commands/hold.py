"""``halfmap hold JOB …``."""

from collections.abc import Sequence

from halfmap.commands.queue.talking import add_jobs, change_command, make_parser, new_key


def main(argv: Sequence[str]) -> int:
    """Keep queued jobs from starting."""
    parser = make_parser("hold", "Keep queued jobs from starting.")
    add_jobs(parser)
    return change_command(parser.parse_args(argv), lambda client, row: client.hold(row.job, new_key()))
