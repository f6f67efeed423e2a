"""What a person is told while looking elsewhere: jobs that ended, stall, or cannot start."""

from typing import Literal, NamedTuple

from halfmap.daemon.client import EventRow, JobRow
from halfmap.tui.text.figures import figure
from halfmap.tui.text.names import short_name
from halfmap.tui.text.plain import plain

Severity = Literal["information", "warning", "error"]

_LONGEST = 160
_HEADLINES: dict[str, tuple[str, Severity]] = {
    "finished": ("has finished", "information"),
    "failed": ("has failed", "error"),
    "lost": ("is lost", "error"),
    "aborted": ("was aborted", "warning"),
    "stalled": ("makes no progress", "error"),
    "goes_on": ("makes progress again", "information"),
    "refused": ("cannot start", "warning"),
    "left_over": ("has left processes behind", "error"),
}


class News(NamedTuple):
    """A sentence, and how bad it is."""

    text: str
    severity: Severity


def is_news(event: EventRow) -> bool:
    """Whether somebody wants to hear of an event."""
    return event.job is not None and event.kind in _HEADLINES


def news(event: EventRow, row: JobRow) -> News:
    """Put an event of a job into a sentence; for events that `is_news` picks."""
    headline, severity = _HEADLINES[event.kind]
    resolution = figure(row.resolution_angstrom, "Å") if event.kind == "finished" else ""
    reason = "" if event.kind in ("finished", "goes_on") else plain(event.text or row.alarm or row.reason)
    told = f"{short_name(row)} {headline}{f' at {resolution}' if resolution else ''}{f': {reason}' if reason else '.'}"
    return News(told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…", severity)
