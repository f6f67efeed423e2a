"""How the figures of the interface are taken: by its keys, on a pseudo terminal, from its bytes and its process."""

import re
import statistics
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.bench.tui_world import World
from tests.terminal import process
from tests.terminal.places import halfmap
from tests.terminal.pty import NotShown, Terminal

COLUMNS, ROWS = 120, 40
_A_JOB = re.compile(r"job\d{3}")
LOG_KB_S = 150
_LINE = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, and the most that it may be; None where nothing is promised."""

    name: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether what is promised is kept."""
        return self.bar is None or self.value <= self.bar


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: starts, seconds that are watched, keys."""

    starts: int = 7
    watched_s: float = 10.0
    keys: int = 30


QUICK = Sizes(starts=2, watched_s=3.0, keys=9)


@contextmanager
def interface(environ: Mapping[str, str], *words: str, listed: str = "Jobs") -> Iterator[Terminal]:
    """Start the interface, and wait until it has come to rest."""
    with Terminal(halfmap(*words), environ, COLUMNS, ROWS) as terminal:
        terminal.until(listed, 20)
        terminal.settle()
        yield terminal


def start(world: World, sizes: Sizes) -> Iterator[Figure]:
    """From the start of the process: the first byte, text on the screen, the jobs."""
    spent: dict[str, list[float]] = {"first byte": [], "first paint": [], "jobs listed": [], "processor": []}
    size = 0
    for _ in range(sizes.starts):
        with Terminal(halfmap(), world.environ, COLUMNS, ROWS) as terminal:
            spent["first paint"].append(terminal.until(lambda text: text.strip(), 20) - terminal.began)
            spent["processor"].append(process.processor_s(terminal.process.pid))
            spent["first byte"].append(terminal.arrivals[0].time - terminal.began)
            spent["jobs listed"].append(terminal.until(_A_JOB.search, 20) - terminal.began)
            terminal.settle()
            size = len(terminal.stream)
    yield Figure("first paint: text on the screen", statistics.median(spent["first paint"]), "s", 0.5)
    yield Figure("  fastest", min(spent["first paint"]), "s")
    yield Figure("  processor time until then, least", min(spent["processor"]), "s")
    yield Figure("  first byte", statistics.median(spent["first byte"]), "s")
    yield Figure("  jobs listed, of 5,000", statistics.median(spent["jobs listed"]), "s")
    yield Figure("  bytes of the start", size / 1000, "kB")


def jobs(world: World, sizes: Sizes) -> Iterator[Figure]:
    """The list of 5,000 jobs: at rest, and how soon it answers keys and filters."""
    with interface(world.environ) as terminal:
        yield Figure("jobs at rest", terminal.look(sizes.watched_s) / sizes.watched_s, "B/s", 0)
        before = process.processor_s(terminal.process.pid)
        time.sleep(sizes.watched_s)
        used = process.processor_s(terminal.process.pid) - before
        yield Figure("  processor, share of a core", 100 * used / sizes.watched_s, "%")
        yield from _echoes("key in the list of 5,000 jobs", terminal, ("j", "j", "k", "PageDown", "PageUp"), sizes.keys)
        yield from filters(terminal, sizes.keys // 3)
        terminal.press("Escape")
        terminal.settle()
        opened = terminal.echo("a", lambda text: "Auto-sampling" in text)
        yield Figure("form of a new job opened", opened, "s")


def filters(terminal: Terminal, times: int) -> Iterator[Figure]:
    """From a key of the filter to the jobs that match it, in the daemon, of 5,000."""
    spent = []
    for number in range(times):
        wanted = f"1{number % 8 + 1}7"
        terminal.press("/")
        terminal.settle(0.2)
        for letter in ("j", "o", "b", *wanted[:-1]):
            terminal.press(letter)
        terminal.settle(0.3)
        spent.append(terminal.echo(wanted[-1], lambda text, wanted=wanted: _are_filtered(text, f"job{wanted}")))
        terminal.press("Enter", "Escape")
        terminal.settle(0.3)
    yield Figure("filter of 5,000 jobs answered, median", statistics.median(spent), "s", 0.1)
    yield Figure("  slowest", max(spent), "s")


def _are_filtered(text: str, name: str) -> bool:
    rows = [line for line in text.splitlines() if " project" in line and "job name" not in line]
    return bool(rows) and all(name in line for line in rows)


def job_view(world: World, sizes: Sizes) -> Iterator[Figure]:
    """A job that has ended: opened, scrubbed through, and its log of 200 MB."""
    with interface(world.environ) as terminal:
        _find(terminal, "job001")
        yield Figure("job with six panes opened", terminal.echo("Enter", lambda text: "1 Resolution" in text), "s")
        terminal.settle(1.0)
        yield Figure("job that has ended, at rest", terminal.look(sizes.watched_s) / sizes.watched_s, "B/s", 0)
        terminal.press("Left")
        terminal.settle()
        yield from _echoes("←, → through iterations", terminal, ("Left", "Right"), sizes.keys)
        yield from _maps(terminal, sizes.keys // 3)
        terminal.press("8", "8")
        terminal.settle()
        shown = terminal.echo("8", lambda text: "Expectation" in text or "sec ~~" in text)
        yield Figure(f"first page of a log of {world.log.stat().st_size // 2**20} MB", shown, "s", 0.3)
        terminal.press("m")
        terminal.settle(0.5)
        keys = ("k", "k", "PageUp", "j", "PageDown")
        yield from _echoes("key with 5,000 jobs and that log open", terminal, keys, sizes.keys, bar=0.1)
        yield Figure("memory after that", process.memory_mb(terminal.process.pid), "MB", 120)


def _maps(terminal: Terminal, times: int) -> Iterator[Figure]:
    """From the key to the other iteration's slices."""
    spent = []
    for number in range(times):
        before = _map_title(terminal.text)
        spent.append(
            terminal.echo(("Left", "Right")[number % 2], lambda text, before=before: before != _map_title(text))
        )
        terminal.settle(0.3)
    yield Figure("  until the other map is shown, median", statistics.median(spent), "s")


def _map_title(text: str) -> str:
    return next((line[line.index("7 Map") :][:36] for line in text.splitlines() if "7 Map" in line), "")


def running(world: World, sizes: Sizes) -> Iterator[Figure]:
    """A job that runs: seen in the list, with six panes, its log as it grows; and memory at the end of it all."""
    seconds = max(10.0, 2 * sizes.watched_s)
    with world.running_job() as job, interface(world.environ) as terminal:
        yield Figure("list with a job that runs", terminal.look(seconds) / seconds, "B/s", 8000)
        _find(terminal, f"{world.bench.row(job).name.strip('/').split('/')[-1]}")
        terminal.press("Enter")
        terminal.until("1 Resolution")
        terminal.settle(0.4, 5)
        yield Figure("live job with six panes", terminal.look(seconds) / seconds, "B/s", 8000)
        yield from _echoes("  key meanwhile", terminal, ("Left", "Right"), sizes.keys)
        log = world.bench.project / world.bench.row(job).name / "run.out"
        with growing(log, LOG_KB_S):
            terminal.look(2)
            yield Figure(f"  its log grows {LOG_KB_S} kB/s, beside five panes", terminal.look(seconds) / seconds, "B/s")
            _focus_output(terminal)
            terminal.press("m")
            terminal.look(2)
            yield Figure("log followed, alone on the screen", terminal.look(seconds) / seconds, "B/s", 40_000)
        yield Figure("memory, at most", process.peak_mb(terminal.process.pid), "MB", 120)


def _focus_output(terminal: Terminal) -> None:
    terminal.press("8")
    terminal.look(1)


@contextmanager
def growing(path: Path, kilobytes_s: int) -> Iterator[None]:
    """Let a file grow, ten times a second, by lines that have nothing in common."""
    ending = threading.Event()

    def grow() -> None:
        random = Random(1)
        with path.open("ab") as file:
            while not ending.wait(0.1):
                text = b64encode(random.randbytes(kilobytes_s * 75)).decode()
                file.write("\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE)).encode() + b"\n")
                file.flush()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        yield
    finally:
        ending.set()
        writer.join()


def _echoes(
    name: str, terminal: Terminal, keys: Sequence[str], number: int, bar: float | None = 0.1
) -> Iterator[Figure]:
    """From a key to the first change on the screen."""
    spent, unchanged = [], 0
    for nth in range(number):
        try:
            spent.append(terminal.echo(keys[nth % len(keys)], seconds=2))
        except NotShown:
            unchanged += 1
        terminal.settle(0.15, 2) if bar else None
    assert len(spent) > unchanged, f"{name}: keys change nothing\n{terminal.framed()}"
    yield Figure(f"{name}, median", statistics.median(spent), "s", bar)
    yield Figure("  slowest", max(spent), "s", bar)


def _find(terminal: Terminal, name: str) -> None:
    terminal.press("/")
    terminal.settle(0.2, 2)
    terminal.press(name, "Enter")
    terminal.until(lambda text: _are_filtered(text, name))


MEASURES: Mapping[str, Callable[[World, Sizes], Iterator[Figure]]] = {
    "start": start,
    "jobs": jobs,
    "job": job_view,
    "running": running,
}
