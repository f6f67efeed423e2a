"""What people are told of their jobs, in words and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from halfmap.daemon.records import JobRow
from halfmap.daemon.state import JobState

What = Literal["finished", "failed", "stalled", "resolution"]

_ENDED = {JobState.FAILED: "has failed", JobState.ABORTED: "was aborted", JobState.LOST: "is lost"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is told: a line, more lines, and the same for programs."""

    subject: str
    body: str
    data: Mapping[str, Any]


def message(what: What, row: JobRow, host: str = "") -> Message:
    """Put into words what became of a job."""
    name = one_line(row.name.strip("/").rpartition("/")[2] or row.name)
    if row.alias:
        name += f" ({one_line(row.alias)})"
    subject = f"{name} {_headline(what, row)}"
    body = "\n".join(f"{label}: {one_line(text)}" for label, text in _facts(row, host) if text)
    data = {
        "version": 1,
        "what": what,
        "host": host,
        "subject": subject,
        "text": f"{subject}\n{body}",  # the field that chat programs show
        "job": row.model_dump(mode="json"),
    }
    return Message(subject, body, data)


def _headline(what: What, row: JobRow) -> str:
    resolution = f"{row.resolution_angstrom:.2f} Å" if row.resolution_angstrom else ""
    if what == "finished":
        return f"finished at {resolution}" if resolution else "finished"
    if what == "resolution":
        return f"has reached {resolution}"
    why = one_line(row.alarm if what == "stalled" else row.reason)
    what_happened = "makes no progress" if what == "stalled" else _ENDED.get(row.state, f"is {row.state}")
    return f"{what_happened}: {why}" if why else what_happened


def _facts(row: JobRow, host: str) -> list[tuple[str, str]]:
    hours = (row.ended - row.started) / 3600 if row.started is not None and row.ended is not None else None
    return [
        ("Project", row.project),
        ("Job", row.name),
        ("Machine", host),
        ("State", row.state),
        ("Reason", row.reason),
        ("Alarm", row.alarm),
        ("Iteration", "" if row.iteration is None else str(row.iteration)),
        ("Resolution", f"{row.resolution_angstrom:.2f} Å" if row.resolution_angstrom else ""),
        ("Attempt", str(row.attempt)),
        ("Took", "" if hours is None else f"{hours:.1f} h"),
    ]


def one_line(text: str) -> str:
    """Leave out line ends and control characters: they would forge headers, or act on a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
