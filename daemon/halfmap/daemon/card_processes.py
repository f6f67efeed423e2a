"""Whose a process on a card is, as /proc tells. Standard library only, and quick: a starting job waits for it."""

import os
import pwd
from functools import lru_cache
from pathlib import Path

VARIABLE = "HALFMAP_ATTEMPT"
"""Every process of an attempt has its UUID in this variable of its environment."""

_LONGEST = 60
_PYTHON = "python"


def user_of(pid: int) -> str:
    """Name the user of a process; empty if it cannot be seen from here."""
    try:
        return _user_name(Path(f"/proc/{pid}").stat().st_uid)
    except OSError:
        return ""


def command_of(pid: int) -> str:
    """Name the program of a process, a script or module rather than its interpreter; empty if it cannot be seen."""
    try:
        words = [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
        return printable(_program(words) or Path(f"/proc/{pid}/comm").read_text(errors="replace").strip())
    except OSError:
        return ""


def belongs_to(pid: int, attempt: str) -> bool:
    """Whether a process says that it is an attempt's; no for one whose environment may not be read."""
    try:
        return os.fsencode(f"{VARIABLE}={attempt}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def printable(text: str) -> str:
    """Take what could drive a terminal out of a text that others chose, and what is too long."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


@lru_cache(maxsize=1024)
def _user_name(uid: int) -> str:
    # remembered, because a site's directory service can take its time
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _program(words: list[str]) -> str:
    program = Path(words[0]).name
    if not program.startswith(_PYTHON):
        return program
    if words[1:2] == ["-m"] and words[2:3]:
        return f"{program} {words[2]}"
    script = Path(words[1]).name if words[1:2] and not words[1].startswith("-") else ""
    return f"{program} {script}".rstrip()
