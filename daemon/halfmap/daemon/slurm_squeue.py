"""Reading ``squeue``'s answers, of any Slurm since 20.11; nothing is asked or done here."""

import json
from collections.abc import Mapping
from typing import Any

from halfmap.daemon.slurm_states import SlurmJob

PREFIX = "hm-"
"""What the names of our jobs begin with; the attempt's UUID follows."""

TEXT_FORMAT = "%i|%j|%T|%S|%N|%r"
"""For `read_text`. The reason comes last: alone it may hold the sign that parts the columns."""


class Unreadable(Exception):
    """An answer that is not one; the message has Slurm's own words."""


def read_json(text: str) -> list[SlurmJob]:
    """Read ``squeue --json``: our jobs in it.

    Raises
    ------
    Unreadable
        If it is no such answer, or says that it is not one: ``squeue`` of 22.05 that cannot reach its controller ends
        with code 0, no jobs, and a list of errors.
    """
    try:
        answer = json.loads(text)
        errors, jobs = answer.get("errors") or [], answer["jobs"]
        found = [_from_json(entry) for entry in jobs if str(entry["name"]).startswith(PREFIX)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"squeue --json answered {text[:200]!r} ({error})") from None
    if errors:
        raise Unreadable("; ".join(_error_words(error) for error in errors))
    return found


def _error_words(error: Any) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    return ": ".join(str(error[key]) for key in ("source", "error", "description") if error.get(key))


def _from_json(entry: Mapping[str, Any]) -> SlurmJob:
    states = entry["job_state"]
    state, *flags = [states] if isinstance(states, str) else states  # a list since 23.11
    return SlurmJob(
        id=int(_number(entry["job_id"]) or 0),
        uuid=str(entry["name"]).removeprefix(PREFIX),
        state=state.split()[0],
        flags=frozenset(flags),
        # where there is a description, squeue itself shows it in place of the reason
        reason=_reason(entry.get("state_description") or entry.get("state_reason") or ""),
        restarts=int(_number(entry.get("restart_cnt")) or 0),
        node=str(entry.get("nodes") or ""),
        starts=_number(entry.get("start_time")) or None,
    )


def _number(value: Any) -> float | None:
    """Read a number, which is by itself up to 22.05, and in a record of its own later; None if it is not set."""
    if isinstance(value, Mapping):
        value = value["number"] if value.get("set") and not value.get("infinite") else None
    return None if value is None else float(value)


def _reason(text: str) -> str:
    return "" if text in ("None", "(null)") else text


def read_text(text: str) -> list[SlurmJob]:
    """Read ``squeue --noheader --format=TEXT_FORMAT``, with times as seconds: our jobs in it.

    Raises
    ------
    Unreadable
        If a line is not such a one.
    """
    try:
        rows = [line.split("|", 5) for line in text.splitlines() if line.strip()]
        return [_from_row(*row) for row in rows if row[1].startswith(PREFIX)]
    except (ValueError, IndexError, TypeError) as error:
        raise Unreadable(f"squeue answered {text[:200]!r} ({error})") from None


def _from_row(number: str, name: str, state: str, starts: str, node: str, reason: str) -> SlurmJob:
    return SlurmJob(
        id=int(number),
        uuid=name.removeprefix(PREFIX),
        state=state,
        reason=_reason(reason),
        node=node,
        starts=float(starts) if starts.isdecimal() else None,
    )
