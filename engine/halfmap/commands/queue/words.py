"""Text for a terminal: names that others have chosen made harmless, times and figures short."""

from datetime import datetime

from halfmap.daemon.client import JobRow, JobState

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """Replace everything that is not simply seen: control and escape characters, line ends, marks that turn text round.

    Names of jobs, projects and processes are other people's, and a terminal obeys what it is sent.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _REPLACEMENT for one in text)


def duration(seconds: float | None) -> str:
    """Write a duration: ``42 s``, ``3:07 min``, ``2:10 h``, ``3 d 4 h``."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def moment(time: float | None) -> str:
    """Write a time (s since the epoch) as this place's clocks show it."""
    if time is None:
        return ""
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"


def figure(value: float | None, unit: str, digits: int = 2) -> str:
    """Write a number with its unit; "" if it is not known."""
    return "" if value is None else f"{value:.{digits}f} {unit}"


def elapsed(row: JobRow, now: float) -> str:
    """Tell how long a job has run, or ran; how long it will have waited if it has a time to begin."""
    if row.started is not None and row.state is not JobState.QUEUED:
        return duration((row.ended if row.ended is not None else now) - row.started)
    return ""


def accuracy(row: JobRow) -> str:
    """Tell how well particles are aligned."""
    angle = figure(row.accuracy_rotation_deg, "°")
    shift = figure(row.accuracy_translation_angstrom, "Å")
    return " ".join(part for part in (angle, shift) if part)


def known_as(row: JobRow) -> str:
    """Give a job's name, with its alias."""
    name = row.name.strip("/") or f"job {row.job}"
    return plain(f"{name} ({row.alias.strip('/')})" if row.alias else name)


def sentence(row: JobRow) -> str:
    """Tell in a line how a job is."""
    reason = plain(row.alarm or row.reason)
    return f"{row.job}: {known_as(row)} is {row.state}{f': {reason}' if reason else ''}"
