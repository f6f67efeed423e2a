"""``halfmap resume JOB …``."""

from collections.abc import Sequence

from halfmap.commands.queue.talking import add_jobs, change_command, make_parser, new_key


def main(argv: Sequence[str]) -> int:
    """Clean up after jobs that failed, were stopped, lost, or stall, and let them go on."""
    parser = make_parser(
        "resume",
        "Clean up after jobs that failed, were stopped, were lost or stall, and queue them to go on from their last "
        "whole iteration.",
    )
    add_jobs(parser)
    return change_command(parser.parse_args(argv), lambda client, row: client.resume(row.job, new_key()))
