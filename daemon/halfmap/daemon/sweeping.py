"""Ending what is left of an attempt whose shim cannot do it any more: asked first, then made."""

import signal
import time
from collections.abc import Sequence

from halfmap.daemon.processes import ProcessSeen, kill_all, processes_of

_GRACE_S = 2.0
_REMOVE_S = 5.0
_LOOK_S = 0.05


def sweep(uuid: str, known: Sequence[ProcessSeen] = ()) -> list[ProcessSeen]:
    """End all processes of an attempt.

    Parameters
    ----------
    known
        Processes that were seen to belong to it, whatever they look like now.

    Returns
    -------
    list
        What cannot be removed: it waits for a disk or a driver, or is another user's.
    """
    began, asked = time.monotonic(), False
    while left := processes_of(uuid, None, known):
        waited = time.monotonic() - began
        if waited > _GRACE_S + _REMOVE_S:
            break
        if waited > _GRACE_S:
            kill_all(left, signal.SIGKILL)
        elif not asked:
            kill_all(left, signal.SIGTERM)
            kill_all(left, signal.SIGCONT)
            asked = True
        time.sleep(_LOOK_S)
    return left


def in_words(processes: Sequence[ProcessSeen]) -> str:
    """Name processes."""
    return ", ".join(f"pid {process.pid} {process.command} ({process.state})" for process in processes)
