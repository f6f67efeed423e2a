"""What halfmap writes into a project's lock: which process, since when, where; and what that proves later."""

import json
import os
import socket
from hashlib import sha256
from pathlib import Path
from typing import Any

_WHO = "halfmap"


def identity_from(text: str | None) -> dict[str, Any] | None:
    """Read who wrote a note; None if it was not halfmap, or the note is not whole."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("by") == _WHO else None


def identity() -> dict[str, Any]:
    """Tell who this process is, so that another one can find out whether it still lives."""
    return {
        "by": _WHO,
        "machine": _machine(),
        "host": socket.gethostname(),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        # the same number may be another process in a container
        "pids": str(Path("/proc/self/ns/pid").readlink()),
        "pid": os.getpid(),
        "start": _start_time(os.getpid()),
        "user": os.getuid(),
    }


def _machine() -> str:
    """Tell machines of one name apart; systemd asks that its number of the machine is not shown as it is."""
    try:
        number = Path("/etc/machine-id").read_text().strip()
    except OSError:
        return ""
    return sha256(f"halfmap lock {number}".encode()).hexdigest()[:16] if number else ""


def _start_time(pid: int) -> int | None:
    """Start of a process in clock ticks since boot; None if there is no such process, or only its entry is left."""
    try:
        state, *more = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else int(more[18])
    except (OSError, IndexError, ValueError):
        return None


def is_dead(owner: dict[str, Any], me: dict[str, Any]) -> bool:
    """Whether a process is provably gone, as seen from this one, which is the only one to deal with the lock."""
    if (owner.get("host"), owner.get("machine")) != (me["host"], me["machine"]):
        return False
    if owner.get("boot") != me["boot"]:
        return True
    pid = owner.get("pid")
    if owner.get("pids") != me["pids"] or not isinstance(pid, int):
        return False
    return pid == me["pid"] or _start_time(pid) != owner.get("start")


def owner_in_words(owner: dict[str, Any] | None, mark: str | None) -> str:
    """Name whoever holds a lock, by the note if it is halfmap's, or else by the first words of the mark file."""
    if owner:
        return f"halfmap (process {owner.get('pid')} on {owner.get('host')})"
    if mark is None:
        return "a program that did not say who it is"
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in mark[:200]).split())
    return f"another program (it says: {words})" if words else "another program"
