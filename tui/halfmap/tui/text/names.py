"""How jobs are called."""

from halfmap.daemon.client import JobRow
from halfmap.tui.text.plain import plain


def short_name(row: JobRow) -> str:
    """Give what a legend calls a job: its alias, else the last part of its folder, else its number."""
    words = [part for part in (row.alias or row.name).split("/") if part]
    return plain(words[-1])[:24] if words else f"job {row.job}"
