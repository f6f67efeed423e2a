"""All fault campaigns with their full numbers; writes ``docs/reliability.md``.

``python -m tests.faults.report [--kills N] [--repeat N]``; takes about half an hour with the defaults.
"""

import argparse
import datetime
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.whole_file import write_whole
from halfmap.engine.simulation import simulate
from tests.faults.daemon.cases import CASES, NEEDS_CARDS, NEEDS_ROOT
from tests.faults.daemon.harness import TINY, Bench, new_bench
from tests.faults.daemon.random_kills import kill_at_random
from tests.faults.daemon.sweep import points, swept

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

    sweep = [lambda bench, point=point: swept(bench, point) for point in points()]
    yield told(f"the daemon dies at one of its {len(sweep)} effects", sweep)
    rounds = max(1, options.kills // 100)
    kills = [lambda bench, seed=seed: kill_at_random(bench, min(options.kills, 100), seed) for seed in range(rounds)]
    yield told("the daemon is killed at a random moment", kills, counts=rounds * min(options.kills, 100))
    for case in CASES:
        if case not in NEEDS_ROOT or os.getuid() == 0:
            cards = 2 if case in NEEDS_CARDS else 0
            yield told(_in_words(case), [case] * options.repeat, cards)


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
