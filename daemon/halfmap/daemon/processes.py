"""Processes of this machine as ``/proc`` shows them: who is alive, and which belong to an attempt."""

import contextlib
import errno
import os
import pwd
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from halfmap.daemon.attempt_files import Identity
from halfmap.daemon.descendants import (
    COMMAND,
    PAGES,
    PARENT,
    SESSION,
    START_TIME,
    STATE,
    SYSTEM_TIME,
    USER_TIME,
    Stat,
    stat_of,
    stats,
    with_descendants,
)

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
    """When a process started, in clock ticks after boot; None if there is none, or it only waits to be reaped."""
    fields = stat_of(pid)
    return int(fields[START_TIME]) if fields else None


def is_alive(identity: Identity) -> bool:
    """Whether a shim runs: the same process, not another with its number, and not one that only waits to be reaped."""
    if identity.fenced or identity.boot_id != boot_id():
        return False
    return start_time(identity.process_id) == identity.start_time


def processes_of(uuid: str, session: int | None, known: Iterable[ProcessSeen] = ()) -> list[ProcessSeen]:
    """Find all processes of an attempt that have not ended.

    By the mark in their environment, which all descendants inherit whatever else they do, and by their descent from
    such processes.

    Parameters
    ----------
    session
        Session of the attempt: all in it belong to it, as long as one of them has the mark. None if there is none.
    known
        Processes that were seen to belong to it before, whatever has become of their parents and their environment.
    """
    among = stats()
    mark = f"{ATTEMPT}={uuid}".encode()
    found = {pid for pid in among if mark in _environment(pid)}
    found |= {one.pid for one in known if one.pid in among and int(among[one.pid][START_TIME]) == one.start_time}
    if session is not None and any(int(among[pid][SESSION]) == session for pid in found):
        found |= {pid for pid, fields in among.items() if int(fields[SESSION]) == session}
    return [_seen(pid, among[pid]) for pid in sorted(with_descendants(found, among))]


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
    try:
        # the descriptor holds on to the process: between the check and the signal its number cannot become another's
        descriptor = os.pidfd_open(process.pid)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        # kernels before 5.3
        if start_time(process.pid) == process.start_time:
            os.kill(process.pid, number)
        return
    try:
        if start_time(process.pid) == process.start_time:
            signal.pidfd_send_signal(descriptor, number)
    finally:
        os.close(descriptor)


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / f"{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _seen(pid: int, fields: Stat) -> ProcessSeen:
    environment = dict(entry.partition(b"=")[::2] for entry in _environment(pid))
    ranks = [environment[name.encode()] for name in _RANKS if name.encode() in environment]
    return ProcessSeen(
        pid=pid,
        start_time=int(fields[START_TIME]),
        state=fields[STATE],
        session=int(fields[SESSION]),
        parent=int(fields[PARENT]),
        command=fields[COMMAND],
        rank=int(ranks[0]) if ranks and ranks[0].isdigit() else None,
        cpu_ticks=int(fields[USER_TIME]) + int(fields[SYSTEM_TIME]),
        rss_mb=int(fields[PAGES]) * _PAGE_MB,
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
