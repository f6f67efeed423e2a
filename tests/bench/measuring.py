"""Time and memory: medians of several repetitions, in processes of their own."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LEAST_SECONDS = 0.02
"""A shorter action is repeated within one measurement until it takes this long."""


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Parameters
    ----------
    name, value, unit
        What was measured.
    of_reference
        Share of what the same machine did in the same moments at something plain; None without such a reference.
    note
        What a reader has to know.
    """

    name: str
    value: float
    unit: str
    of_reference: float | None = None
    note: str = ""


def seconds_in_turn(actions: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, list[float]]:
    """Time some actions in turn, so that all see the same disturbances; return the seconds of each repetition.

    Each is called once before, untimed.
    """
    calls = {name: _calls_needed(action) for name, action in actions.items()}
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repetitions):
        for name, action in actions.items():
            found[name].append(_seconds(action, calls[name]) / calls[name])
    return found


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of what was measured in turn; a disturbance that lasts is in both and cancels."""
    return median(a / b for a, b in zip(above, below, strict=True))


def _calls_needed(action: Callable[[], object]) -> int:
    action()
    calls = 1
    while _seconds(action, calls) < LEAST_SECONDS:
        calls *= 2
    return calls


def _seconds(action: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        action()
    return time.perf_counter() - start


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_now_mb() -> float:
    """Resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def prepare_processes(*modules: str) -> None:
    """Name the modules that measuring processes start with; to be called before the first of them."""
    multiprocessing.set_forkserver_preload(list(modules))


def apart(function: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> T:
    """Call a function in a new process, whose peak memory then is that of the function alone."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as process:
        return process.submit(function, *args, **keywords).result()


def busy_cores(seconds: float = 0.5) -> float:
    """Count the cores that others keep busy while this process waits."""
    before = _worked_seconds()
    time.sleep(seconds)
    return (_worked_seconds() - before) / seconds


def _worked_seconds() -> float:
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def usable_cores() -> int:
    """Count the cores that this process may run on."""
    return len(os.sched_getaffinity(0))
