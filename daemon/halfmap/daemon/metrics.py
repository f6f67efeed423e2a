"""The daemon's metrics in Prometheus' text format, and as a file for node_exporter's textfile collector."""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from halfmap.contract.whole_file import write_whole

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """What is counted and measured, at one moment. Counts and sums only grow while the daemon lives.

    Attributes
    ----------
    version
        Of halfmap.
    jobs, cards
        Number by state.
    longest_wait_s
        How long the job that could start and has waited longest has waited.
    waits_s, waits
        Sum and number of the waits of jobs that have started.
    lease_s, foreign_busy_s
        By UUID of the card: how long it was leased, and how long somebody else's process kept it from being leased.
    stalls, restarts
        Alarms raised over jobs that make no progress; attempts after a job's first.
    reconcile_lag_s
        By project: since it was last looked at completely.
    polled
        Projects without events.
    overflows
        How often the kernel has dropped events.
    tick_s
        How long the scheduler's last tick took.
    store_bytes, resident_bytes
        Size of the store on disk, and of the daemon in memory.
    rev
        Number of the latest event.
    """

    version: str
    started: float
    jobs: Mapping[str, int] = field(default_factory=dict)
    longest_wait_s: float = 0.0
    waits_s: float = 0.0
    waits: int = 0
    cards: Mapping[str, int] = field(default_factory=dict)
    lease_s: Mapping[str, float] = field(default_factory=dict)
    foreign_busy_s: Mapping[str, float] = field(default_factory=dict)
    stalls: int = 0
    restarts: int = 0
    reconcile_lag_s: Mapping[str, float] = field(default_factory=dict)
    polled: int = 0
    overflows: int = 0
    tick_s: float = 0.0
    store_bytes: int = 0
    resident_bytes: int = 0
    rev: int = 0


@dataclass(frozen=True, slots=True)
class _Metric:
    """A metric: one value, or one for each text of a label."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    value: float | Mapping[str, float]
    label: str = ""

    def lines(self) -> Iterator[str]:
        """Give its lines; a counter's name ends in ``_total``."""
        name = f"halfmap_{self.name}{'_total' if self.kind == 'counter' else ''}"
        yield f"# HELP {name} {self.help}"
        yield f"# TYPE {name} {self.kind}"
        if isinstance(self.value, Mapping):
            for text, value in sorted(self.value.items()):
                yield f'{name}{{{self.label}="{_escaped(text)}"}} {_number(value)}'
        else:
            yield f"{name} {_number(self.value)}"


def prometheus_text(snapshot: MetricsSnapshot) -> str:
    """Write a snapshot in Prometheus' text format, version 0.0.4."""
    metrics = (*_of_jobs(snapshot), *_of_cards(snapshot), *_of_the_daemon(snapshot))
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def write_textfile(path: Path, text: str) -> None:
    """Write the metrics whole, so that a collector never reads a part; readable by all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    write_whole(path, text)
    path.chmod(0o644)  # the collector is another user


def resident_bytes() -> int:
    """Memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _of_jobs(of: MetricsSnapshot) -> tuple[_Metric, ...]:
    return (
        _Metric("jobs", "gauge", "Jobs by state.", of.jobs, "state"),
        _Metric(
            "queue_longest_wait_seconds",
            "gauge",
            "How long the job that could start and has waited longest has waited.",
            of.longest_wait_s,
        ),
        _Metric("queue_wait_seconds", "counter", "Waits of jobs that have started, summed.", of.waits_s),
        _Metric("starts", "counter", "Jobs that have started.", of.waits),
        _Metric("restarts", "counter", "Attempts after a job's first.", of.restarts),
        _Metric("stalls", "counter", "Alarms over jobs that make no progress.", of.stalls),
    )


def _of_cards(of: MetricsSnapshot) -> tuple[_Metric, ...]:
    return (
        _Metric("cards", "gauge", "Cards by state.", of.cards, "state"),
        _Metric("card_lease_seconds", "counter", "How long a card was leased.", of.lease_s, "card"),
        _Metric(
            "card_foreign_busy_seconds",
            "counter",
            "How long a process of somebody else kept a card from being leased.",
            of.foreign_busy_s,
            "card",
        ),
    )


def _of_the_daemon(of: MetricsSnapshot) -> tuple[_Metric, ...]:
    return (
        _Metric("build_info", "gauge", "The version that runs.", {of.version: 1}, "version"),
        _Metric("start_time_seconds", "gauge", "When the daemon started, since the epoch.", of.started),
        _Metric(
            "reconcile_lag_seconds",
            "gauge",
            "Time since a project was last looked at completely.",
            of.reconcile_lag_s,
            "project",
        ),
        _Metric("projects_polled", "gauge", "Projects whose file system raises no events.", of.polled),
        _Metric("inotify_overflows", "counter", "How often the kernel has dropped events.", of.overflows),
        _Metric("scheduler_tick_seconds", "gauge", "How long the scheduler's last tick took.", of.tick_s),
        _Metric("store_bytes", "gauge", "Size of the store on disk.", of.store_bytes),
        _Metric("resident_memory_bytes", "gauge", "Memory of the daemon.", of.resident_bytes),
        _Metric("events", "counter", "Number of the latest event.", of.rev),
    )


def _escaped(text: str) -> str:
    """Write a label's value: backslashes, quotes and ends of lines; what is no UTF-8 is shown as such."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
