"""When a job may begin, as a person writes it."""

import re
from datetime import datetime, timedelta

_DELAY = re.compile(r"\+(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_HOUR = re.compile(r"(\d{1,2}):(\d{2})")


def begin_time(text: str, now: float) -> float | None:
    """Read when a job may begin, in this place's time unless it says another.

    Parameters
    ----------
    text
        A date and time such as ``2026-07-01T20:00``, the next ``20:00``, a delay such as ``+2h30m`` (d, h, m, s), or
        nothing.
    now
        Seconds since the epoch.

    Returns
    -------
    float or None
        Seconds since the epoch; None for at once.

    Raises
    ------
    ValueError
        If it is none of these; the message is a sentence.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if delay := _DELAY.fullmatch(text):
            days, hours, minutes, seconds = (float(number or 0) for number in delay.groups())
            return now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if hour := _HOUR.fullmatch(text):
            return _next_time(int(hour[1]), int(hour[2]), now)
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time; write 2026-07-01T20:00, 20:00, or a delay such as +2h30m.") from None


def _next_time(hour: int, minute: int, now: float) -> float:
    today = datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    # by the calendar, so that a change to summer time does not move it
    return (today if today.timestamp() > now else today + timedelta(days=1)).timestamp()
