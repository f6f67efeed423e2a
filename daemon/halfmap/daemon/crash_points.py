"""Places where the program can be made to die, so that tests can ask what is left: one at every effect."""

import os
import signal

VARIABLE = "HALFMAP_CRASH_AT"
_seen: dict[str, int] = {}


def crash_point(name: str) -> None:
    """Die here, as by SIGKILL, if ``$HALFMAP_CRASH_AT`` names this place (``name#2``: on the second pass)."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    _seen[name] = _seen.get(name, 0) + 1
    if wanted in (name, f"{name}#{_seen[name]}") and (wanted != name or _seen[name] == 1):
        os.kill(os.getpid(), signal.SIGKILL)
