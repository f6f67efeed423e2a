"""Processes of this machine as ``/proc`` shows them: who is alive, and which belong to an attempt."""

import contextlib
import os
import pwd
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from halfmap.daemon.attempt_files import Identity

ATTEMPT = "HALFMAP_ATTEMPT"
_PROC = Path("/proc")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


@dataclass(frozen=True, slots=True)
class ProcessSeen:
    """A process.

    Attributes
    ----------
    start_time
        In clock ticks after boot: with the pid, its identity.
    state
        The kernel's letter: R running, S sleeping, D waiting for a disk, T stopped, Z ended and not yet reaped.
    rank
        Its MPI rank; None for others.
    cpu_ticks
        Processor time it has used.
    """

    pid: int
    start_time: int
    state: str
    session: int
    parent: int
    command: str
    rank: int | None
    cpu_ticks: int
    rss_mb: float
    user: str


def boot_id() -> str:
    """Name this boot of the machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks after boot; None if there is none."""
    fields = _stat(pid)
    return int(fields[21]) if fields else None


def is_alive(identity: Identity) -> bool:
    """Whether a shim runs: the same process, not another with its number, and not one that only waits to be reaped."""
    if identity.fenced or identity.boot_id != boot_id():
        return False
    fields = _stat(identity.process_id)
    return fields is not None and int(fields[21]) == identity.start_time and fields[2] not in "ZX"


def processes_of(uuid: str, session: int | None) -> list[ProcessSeen]:
    """Find all processes of an attempt that have not ended.

    By the mark in their environment, which all descendants inherit whatever else they do, and by their descent from
    such processes.

    Parameters
    ----------
    session
        Session of the attempt, if it is known to be its own still; None otherwise.
    """
    stats = {pid: fields for pid in _pids() if (fields := _stat(pid)) is not None}
    mark = f"{ATTEMPT}={uuid}".encode()
    found = {pid for pid in stats if mark in _environment(pid)}
    if session is not None and any(int(stats[pid][5]) == session for pid in found):
        found |= {pid for pid, fields in stats.items() if int(fields[5]) == session}
    while more := {pid for pid, fields in stats.items() if int(fields[3]) in found} - found:
        found |= more
    return [_seen(pid, stats[pid]) for pid in sorted(found) if stats[pid][2] not in "ZX"]


def attempt_of(pid: int) -> str:
    """UUID of the attempt that a process belongs to; "" if it belongs to none or cannot be asked."""
    prefix = f"{ATTEMPT}=".encode()
    return next((entry[len(prefix) :].decode() for entry in _environment(pid) if entry.startswith(prefix)), "")


def kill_all(processes: Iterable[ProcessSeen], number: signal.Signals) -> None:
    """Send a signal to processes, each only if it still is the one that was seen."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            _kill(process, number)


def _kill(process: ProcessSeen, number: signal.Signals) -> None:
    # the descriptor holds on to the process: between the check and the signal its number cannot become another's
    descriptor = os.pidfd_open(process.pid)
    try:
        if start_time(process.pid) == process.start_time:
            signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir(_PROC) if name.isdecimal())  # noqa: PTH208 (read often)


def _stat(pid: int) -> list[str] | None:
    """Fields of ``/proc/PID/stat``, counted from 0; the second, the command, may hold anything."""
    try:
        text = (_PROC / f"{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    before, _, after = text.partition(" (")
    command, _, rest = after.rpartition(") ")
    return [before, command, *rest.split()]


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / f"{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _seen(pid: int, fields: list[str]) -> ProcessSeen:
    environment = dict(entry.partition(b"=")[::2] for entry in _environment(pid))
    ranks = [environment[name.encode()] for name in _RANKS if name.encode() in environment]
    return ProcessSeen(
        pid=pid,
        start_time=int(fields[21]),
        state=fields[2],
        session=int(fields[5]),
        parent=int(fields[3]),
        command=fields[1],
        rank=int(ranks[0]) if ranks and ranks[0].isdigit() else None,
        cpu_ticks=int(fields[13]) + int(fields[14]),
        rss_mb=int(fields[23]) * _PAGE_MB,
        user=_user(pid),
    )


def _user(pid: int) -> str:
    try:
        return _user_name((_PROC / str(pid)).stat().st_uid)
    except OSError:
        return ""


@lru_cache(maxsize=64)
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
