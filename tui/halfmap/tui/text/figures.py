"""Times and figures, short; and a job in a few words."""

import math
from datetime import datetime

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.text.plain import plain


def duration(seconds: float | None) -> str:
    """Write a duration: ``42 s``, ``3:07 min``, ``2:10 h``, ``3 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    if whole < 86400:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def rough_duration(seconds: float | None) -> str:
    """Write a duration to the minute, for what stays on a screen: ``< 1 min``, ``3 min``, ``2:10 h``, ``3 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds < 60:
        return "< 1 min"
    return f"{int(seconds) // 60} min" if seconds < 3600 else duration(int(seconds))


def moment(time: float | None) -> str:
    """Write a time (s since the epoch) as this place's clocks show it."""
    there = _here(time)
    return "" if there is None else f"{there:%Y-%m-%d %H:%M:%S}"


def clock(time: float | None, now: float) -> str:
    """Write a time to the minute, with its day if that is not today: ``14:05``, ``Sat 14:05``, ``2026-03-01``."""
    there, today = _here(time), _here(now)
    if there is None or today is None:
        return ""
    if there.date() == today.date():
        return f"{there:%H:%M}"
    return f"{there:%a %H:%M}" if abs((there - today).days) < 6 else f"{there:%Y-%m-%d}"


def figure(value: float | None, unit: str, digits: int = 2) -> str:
    """Write a number with its unit; "" if it is not known."""
    return "" if value is None or not math.isfinite(value) else f"{value:.{digits}f} {unit}"


def megabytes(value: float | None) -> str:
    """Write an amount of memory (MB): ``812 MB``, ``23.4 GB``."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.0f} MB" if value < 1000 else f"{value / 1024:.1f} GB"


def elapsed(row: JobRow, now: float) -> str:
    """Tell how long a job has run, or ran; empty for a job that waits."""
    return duration(elapsed_s(row, now))


def elapsed_s(row: JobRow, now: float) -> float | None:
    """Give how long a job has run, or ran (s); None for a job that waits."""
    if row.started is None or row.state is JobState.QUEUED:
        return None
    return (row.ended if row.ended is not None else now) - row.started


def accuracy(row: JobRow) -> str:
    """Tell how well particles are aligned."""
    angle = figure(row.accuracy_rotation_deg, "°")
    shift = figure(row.accuracy_translation_angstrom, "Å")
    return " ".join(part for part in (angle, shift) if part)


def is_refinement(row: JobRow) -> bool:
    """Whether a job has iterations."""
    return not row.kind or row.kind.startswith("relion.refine3d")


def known_as(row: JobRow) -> str:
    """Give a job's name, with its alias."""
    name = row.name.strip("/") or f"job {row.job}"
    return plain(f"{name} ({row.alias.strip('/')})" if row.alias else name)


def sentence(row: JobRow) -> str:
    """Tell in a line how a job is."""
    reason = plain(row.alarm or row.reason)
    return f"{row.job}: {known_as(row)} is {row.state}{f': {reason}' if reason else ''}"


def _here(time: float | None) -> datetime | None:
    try:
        return None if time is None else datetime.fromtimestamp(time).astimezone()
    except (ValueError, OverflowError, OSError):
        # a time that no calendar has
        return None
