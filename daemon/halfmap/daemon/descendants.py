"""The processes below this one, as the shim of an attempt sees and ends them.

A child-subreaper inherits every orphan below it, whatever sessions and groups it made for itself, so descent is the one
thing that no program can get out of. Standard library only, and little of it: each attempt keeps this in memory.
"""

import contextlib
import os
import signal
import time

_LOOK_S = 0.05
_GRACE_S = 2.0
_REMOVE_S = 10.0

Stat = list[str]
"""Fields of ``/proc/PID/stat``, counted from 0."""

COMMAND, STATE, PARENT, SESSION, USER_TIME, SYSTEM_TIME, THREADS, START_TIME, PAGES = 1, 2, 3, 5, 13, 14, 19, 21, 23


def stat_of(pid: int | str) -> Stat | None:
    """Read what the kernel tells of a process; None if there is none, or it has ended and only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 (read often)
            before, _, after = file.read().partition(" (")
    except OSError:
        return None
    command, _, rest = after.rpartition(") ")  # a command may hold anything, brackets too
    fields = [before, command, *rest.split()]
    # whose first thread alone has ended looks as if it had, while another still holds on to a card
    return None if fields[STATE] in "ZX" and int(fields[THREADS]) <= 1 else fields


def stats() -> dict[int, Stat]:
    """Read what the kernel tells of all processes that can be seen."""
    names = (name for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208
    return {int(name): fields for name in names if (fields := stat_of(name)) is not None}


def with_descendants(found: set[int], among: dict[int, Stat]) -> set[int]:
    """Add all processes below the given ones."""
    parents = {pid: int(fields[PARENT]) for pid, fields in among.items()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found = found | more
    return found


def descendants() -> dict[int, Stat]:
    """Find all processes below this one."""
    among, own = stats(), os.getpid()
    return {pid: among[pid] for pid in sorted(with_descendants({own}, among) - {own})}


def reaped(child: int) -> int | None:
    """Take leave of all children that have ended; exit code of `child`, or minus its signal, if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                found = os.waitstatus_to_exitcode(ended[1])
    return found


def send(number: signal.Signals, processes: dict[int, Stat]) -> None:
    """Send a signal to processes, each only if it still is the one that was seen."""
    for pid, fields in processes.items():
        now = stat_of(pid)
        if now is not None and now[START_TIME] == fields[START_TIME]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def remove_descendants() -> list[str]:
    """End all processes below this one, first asked, then made; needs SIGCHLD to be blocked.

    Returns
    -------
    list of str
        What cannot be removed (it waits for a disk or a driver, or is another user's), in words.
    """
    began = time.monotonic()
    asked: set[int] = set()
    while True:
        reaped(0)
        left = descendants()
        waited = time.monotonic() - began
        if not left or waited > _GRACE_S + _REMOVE_S:
            return [f"pid {pid} {fields[COMMAND]} (state {fields[STATE]})" for pid, fields in left.items()]
        if waited > _GRACE_S:
            send(signal.SIGKILL, left)
        else:
            send(signal.SIGTERM, {pid: fields for pid, fields in left.items() if pid not in asked})
            asked |= left.keys()
        signal.sigtimedwait((signal.SIGCHLD,), _LOOK_S)


def peak_memory_kb() -> int:
    """Sum of what each process below this one has had in memory at most."""
    return sum(_peak_kb(pid) for pid in descendants())


def _peak_kb(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0
