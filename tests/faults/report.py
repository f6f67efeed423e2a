"""All fault campaigns with their full numbers; writes ``docs/reliability.md``.

``python -m tests.faults.report [--kills N] [--repeat N]``; takes about an hour with the defaults.
"""

import argparse
import datetime
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from halfmap.contract.whole_file import write_whole
from halfmap.engine.simulation import simulate
from tests.faults.daemon.cases import CASES, NEEDS_CARDS, NEEDS_ROOT
from tests.faults.daemon.customer import kill_under_requests
from tests.faults.daemon.harness import TINY, Bench, new_bench
from tests.faults.daemon.queue_machine import QueueMachine
from tests.faults.daemon.random_kills import kill_at_random
from tests.faults.daemon.sweep import points, second_passes, swept

TESTS = ("test_storage.py", "test_mpi_faults.py", "test_mpi_under_daemon.py", "test_requests.py", "test_watching.py")
DOCUMENT = Path(__file__).parents[2] / "docs/reliability.md"
HEAD = """# What the daemon promises, and how it is tested

| | promise |
|---|---|
| P1 | an attempt is started at most once |
| P2 | a job that was accepted is never lost, power cut included |
| P3 | a running job survives the daemon's crash, its upgrade, and logout |
| P4 | after a restart every attempt is known within 5 s; none is wrongly said to be finished |
| P5 | a card is never leased twice, nor while an old process holds memory on it |
| P6 | a stop leaves no process, or says so |
| P7 | a full disk, a store that cannot be written, a hung file system stop starts, not running jobs, not the view |
| P8 | no client can start or stop a job as another user |

Below, each fault is done to a real daemon process with a real project. The programs that it starts write each of their
starts into a ledger; what the daemon claims is compared with that ledger, with the processes of the machine, with
RELION's list of jobs and with the store, all from outside. A *violation* is any difference. `make faults` repeats all
of it and writes this page; the tests do each fault once (`tests/faults/daemon/`). P8 is the socket's own: its folder
has mode 0700, the socket 0600, and the uid of each request is asked of the kernel (`tests/unit/daemon/test_server.py`).
Faults of Slurm are in `tests/slurm/`, those of directory watching in `tests/faults/daemon/test_watching.py`, a file
system that hangs in `tests/unit/daemon/test_lanes.py`.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One fault: how often it was done, and how often a promise was broken."""

    fault: str
    trials: int
    violations: tuple[str, ...]


def main() -> int:
    """Run all campaigns, and write the page."""
    options = _parser().parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="halfmap-faults-") as folder:
        simulated = simulate(TINY, Path(folder) / "simulated").root
        lines = list(_campaigns(Path(folder), simulated, options))
    write_whole(options.output, _page(lines, time.monotonic() - began))
    broken = [line for line in lines if line.violations]
    for line in broken:
        print(f"{line.fault}: {'; '.join(line.violations)[:2000]}", file=sys.stderr)  # noqa: T201
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.faults.report", description=__doc__)
    made.add_argument("--kills", type=int, default=1000, help="kills at random moments [1000]")
    made.add_argument("--repeat", type=int, default=3, help="how often each other fault is done [3]")
    made.add_argument("--stories", type=int, default=200, help="random stories held against a model [200]")
    made.add_argument("--output", type=Path, default=DOCUMENT)
    return made


def _campaigns(folder: Path, simulated: Path, options: argparse.Namespace) -> Iterator[Line]:
    def told(fault: str, trials: list[Callable[[Bench], list[str]]], cards: int = 0, counts: int | None = None) -> Line:
        found: list[str] = []
        for number, trial in enumerate(trials):
            bench = new_bench(folder / f"{abs(hash(fault))}-{number}", simulated, cards)
            try:
                found += trial(bench)
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}"[:500])
            finally:
                bench.end()
        line = Line(fault, counts or len(trials), tuple(found))
        print(f"{line.fault}: {line.trials} trials, {len(line.violations)} violations", flush=True)  # noqa: T201
        return line

    for words, names in (("dies at one of its {} effects", points()), ("dies where it passes again", second_passes())):
        sweep = [lambda bench, name=name: swept(bench, name) for name in names]
        yield told(f"the daemon {words.format(len(names))}", sweep)
    rounds, each = max(1, options.kills // 100), min(options.kills, 100)
    kills = [lambda bench, seed=seed: kill_at_random(bench, each, seed) for seed in range(rounds)]
    yield told("the daemon is killed at a random moment", kills, counts=rounds * each)
    kills = [lambda bench, seed=seed: kill_under_requests(bench, each, seed) for seed in range(rounds)]
    yield told("the daemon is killed amid requests, starts and recoveries", kills, cards=2, counts=rounds * each)
    yield _held_against_the_model(options.stories)
    for case in CASES:
        if case not in NEEDS_ROOT or os.getuid() == 0:
            cards = 2 if case in NEEDS_CARDS else 0
            yield told(_in_words(case), [case] * options.repeat, cards)
    yield from _of_tests(folder)


def _held_against_the_model(stories: int) -> Line:
    """Random orders of requests, ends, crashes, changes of cards and clock, each held against a plain model."""
    logging.disable(logging.CRITICAL)
    many = settings(
        max_examples=stories,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    found: tuple[str, ...] = ()
    try:
        run_state_machine_as_test(QueueMachine, settings=many)
    except Exception as error:
        found = (f"{type(error).__name__}: {error}"[:500],)
    line = Line("30 random requests, crashes, ends, changes of cards and clock, held against a model", stories, found)
    print(f"{line.fault}: {line.trials} trials, {len(line.violations)} violations", flush=True)  # noqa: T201
    return line


def _of_tests(folder: Path) -> Iterator[Line]:
    """Faults that are tests by themselves: one line for each test, a trial for each of its cases."""
    result = folder / "tests.xml"
    files = [str(Path(__file__).parent / "daemon" / name) for name in TESTS]
    subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={result}", *files], check=False)
    cases: dict[str, list[str]] = {}
    for case in ElementTree.parse(result).getroot().iter("testcase"):
        if case.find("skipped") is None:
            name = case.get("name", "").partition("[")[0].removeprefix("test_").replace("_", " ")
            broken = [case.find(kind) for kind in ("failure", "error")]
            words = [one.get("message", "")[:500] for one in broken if one is not None]
            cases.setdefault(name, []).append("; ".join(words))
    for name, found in cases.items():
        yield Line(name, len(found), tuple(words for words in found if words))


def _in_words(case: Callable[[Bench], list[str]]) -> str:
    words = (case.__doc__ or case.__name__).strip().rstrip(".").split(":")[0]
    return words[0].lower() + words[1:]


def _page(lines: list[Line], seconds: float) -> str:
    rows = "\n".join(f"| {line.fault} | {line.trials} | {len(line.violations)} |" for line in lines)
    when = datetime.datetime.now(datetime.UTC).date()
    machine = f"{platform.system()} {platform.release().partition('-')[0]}, {os.cpu_count()} cores"
    table = f"| fault | trials | violations |\n|---|---|---|\n{rows}"
    return f"{HEAD}\n## Last result\n\n{when}, {machine}, {seconds / 60:.0f} minutes.\n\n{table}\n"


if __name__ == "__main__":
    sys.exit(main())
