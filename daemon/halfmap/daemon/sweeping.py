"""Ending what is left of an attempt whose shim cannot do it any more: waited for, asked, made."""

import signal
import time
from collections.abc import Sequence

from halfmap.daemon.processes import ProcessSeen, kill_all, processes_of

_ASK_AFTER_S = 1.0
_MAKE_AFTER_S = 3.0
_GIVE_UP_AFTER_S = 8.0
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
    began, is_asked = time.monotonic(), False
    while left := processes_of(uuid, None, known):
        waited = time.monotonic() - began
        if waited > _GIVE_UP_AFTER_S:
            break
        if waited > _MAKE_AFTER_S:
            kill_all(left, signal.SIGKILL)
        elif waited > _ASK_AFTER_S and not is_asked:
            is_asked = True
            kill_all(left, signal.SIGTERM)
            # a process that is held takes no other signal until it goes on
            kill_all(left, signal.SIGCONT)
        time.sleep(_LOOK_S)
    return left


def in_words(processes: Sequence[ProcessSeen]) -> str:
    """Name processes."""
    return ", ".join(f"pid {process.pid} {process.command} ({process.state})" for process in processes)
