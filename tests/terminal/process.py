"""What the kernel tells of a process: memory, processor time, whether it is there, its children."""

import os
from pathlib import Path


def memory_mb(process: int) -> float:
    """Resident memory (MB of 2²⁰ bytes)."""
    return _status_mb(process, "VmRSS:")


def peak_mb(process: int) -> float:
    """The most memory that was ever resident (MB of 2²⁰ bytes)."""
    return _status_mb(process, "VmHWM:")


def processor_s(process: int) -> float:
    """Processor time of all threads (s)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and is not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def in_session(leader: int) -> list[int]:
    """Processes of a session that run, its leader among them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader and fields[0] not in ("Z", "X"):
            found.append(int(folder.name))
    return found


def _status_mb(process: int, field: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition(field)[2].split()[0]) / 1024
