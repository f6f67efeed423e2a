"""``python -m tests.bench``: measure, print, and write JSON if asked to."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench.growth import growths
from tests.bench.kernels import kernel_figures
from tests.bench.measuring import Figure, apart, busy_cores, prepare_processes, usable_cores
from tests.bench.report import (
    figures_table,
    growth_record,
    growth_table,
    iterations_table,
    machine,
    make_console,
    whole_record,
)
from tests.bench.scoring import scoring_figures
from tests.bench.searching import search_figures
from tests.bench.shared_out import shared_out_figures
from tests.bench.sizes import FULL, QUICK, Sizes
from tests.bench.whole import figures, wholes

MUCH = 0.2
"""Cores that others may keep busy without a word about it."""


@dataclass(frozen=True)
class Bench:
    """Measures parts, prints each as soon as it is known, and keeps everything in plain values.

    Parameters
    ----------
    sizes, threads
        What is measured, and on how many threads where that is not part of a measurement.
    folder
        Where projects are simulated.
    console
        Where it is printed.
    record
        What was measured.
    """

    sizes: Sizes
    threads: int
    folder: Path
    console: Console
    record: dict[str, Any] = field(default_factory=dict)

    def measure(self, part: str) -> None:
        """Measure one part, and tell whether something else works on these cores."""
        busy = busy_cores()
        self.record.setdefault("busy_cores_before", {})[part] = busy
        if busy > MUCH:
            self.console.print(f"others keep {busy:.1f} cores busy; what follows is slower than it would be")
        PARTS[part](self)

    def kernels(self) -> None:
        """Products and loops by themselves."""
        found = apart(kernel_figures, self.sizes.kernel_boxes, self.sizes.kernel_repetitions)
        self._tell("kernels", "kernels on one core, in the sizes of the engine", found)

    def scoring(self) -> None:
        """Many particles compared with the same slices."""
        found = apart(scoring_figures, self.sizes.kernel_boxes, self.threads, self.sizes.kernel_repetitions)
        self._tell("scoring", f"wide search of random particles, threads: {self.threads}", found)

    def search(self) -> None:
        """Global searches of a refinement."""
        found = search_figures(*self.sizes.searched, self.sizes.step_repetitions, self.threads, self.folder)
        size = "{} particles, box {} px".format(*self.sizes.searched)
        self._tell("search", f"global searches of a refinement ({size}), threads: {self.threads}", found)

    def refinement(self) -> None:
        """Whole refinements."""
        self.record["refinement"] = []
        for whole in wholes(self.sizes.refined, self.sizes.refinements, self.threads, self.folder):
            self.console.print(iterations_table(whole))
            self.console.print(figures_table(f"and all of it, threads: {self.threads}", figures(whole)))
            self.record["refinement"].append(whole_record(whole))

    def growth(self) -> None:
        """Expectation steps that grow."""
        self.record["growth"] = []
        for growth in growths(self.sizes, self.folder):
            self.console.print(growth_table(growth))
            self.record["growth"].append(growth_record(growth))

    def ranks(self) -> None:
        """A refinement by one rank and by two."""
        found = shared_out_figures(*self.sizes.shared_out, self.sizes.pairs_of_runs, self.folder)
        size = "{} particles, box {} px".format(*self.sizes.shared_out)
        self._tell("ranks", f"one rank and two, a thread each ({size})", found)

    def _tell(self, name: str, title: str, found: Sequence[Figure]) -> None:
        self.console.print(figures_table(title, found))
        self.record[name] = [asdict(figure) for figure in found]


PARTS: dict[str, Callable[[Bench], None]] = {
    "kernels": Bench.kernels,
    "scoring": Bench.scoring,
    "search": Bench.search,
    "refinement": Bench.refinement,
    "growth": Bench.growth,
    "ranks": Bench.ranks,
}


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure how fast the engine is here.")
    made.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} [all]")
    made.add_argument("--quick", action="store_true", help="measure less: a minute instead of six")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file, too")
    made.add_argument(
        "--threads",
        type=int,
        default=min(2, usable_cores()),
        metavar="N",
        help="of searches and refinements [%(default)s]",
    )
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was asked for."""
    options = parser().parse_args(argv)
    if unknown := set(options.parts) - set(PARTS):
        parser().error(f"unknown part: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    prepare_processes("tests.bench.growth", "tests.bench.searching")
    sizes, console, start = QUICK if options.quick else FULL, make_console(), time.monotonic()
    about = {"machine": machine(), "sizes": asdict(sizes), "threads": options.threads}
    console.print(", ".join(f"{name} {value}" for name, value in machine().items()))
    with tempfile.TemporaryDirectory(prefix="halfmap-bench-") as folder:
        bench = Bench(sizes, options.threads, Path(folder), console, about)
        for part in options.parts or PARTS:
            bench.measure(part)
    console.print(f"measured in {time.monotonic() - start:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(bench.record, indent=1) + "\n")


if __name__ == "__main__":
    main()
