"""``halfmap priority JOB N``."""

from collections.abc import Sequence

from halfmap.commands.queue.talking import add_jobs, change_command, make_parser, new_key


def main(argv: Sequence[str]) -> int:
    """Change a waiting job's priority."""
    parser = make_parser("priority", "Change a waiting job's priority: of those that fit, the highest starts first.")
    add_jobs(parser, several=False)
    parser.add_argument("priority", type=int, metavar="N", help="-1000 to 1000; jobs begin with 0")
    options = parser.parse_args(argv)
    if not -1000 <= options.priority <= 1000:
        parser.error(f"a priority is -1000 to 1000, not {options.priority}.")
    return change_command(options, lambda client, row: client.prioritise(row.job, options.priority, new_key()))
