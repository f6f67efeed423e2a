"""``python -m tests.bench``: measure, print, and write JSON if asked to."""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench.growth import growths
from tests.bench.kernels import kernel_figures
from tests.bench.measuring import apart, prepare_processes, usable_cores
from tests.bench.report import figures_table, growth_record, growth_table, machine, make_console
from tests.bench.sizes import FULL, QUICK, Sizes
from tests.bench.whole import refinement_figures

PARTS = ("kernels", "refinement", "growth")


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure how fast the engine is here.")
    made.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} [all]")
    made.add_argument("--quick", action="store_true", help="measure less: half a minute instead of a few")
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures to a file, too")
    made.add_argument(
        "--threads", type=int, default=min(2, usable_cores()), metavar="N", help="of the whole refinement [%(default)s]"
    )
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what was asked for."""
    options = parser().parse_args(argv)
    if unknown := set(options.parts) - set(PARTS):
        parser().error(f"unknown part: {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    prepare_processes("tests.bench.growth", "tests.bench.kernels")
    console, start = make_console(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="halfmap-bench-") as folder:
        record = measure(options.parts or PARTS, options, Path(folder), console)
    console.print(f"measured in {time.monotonic() - start:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")


def measure(parts: Sequence[str], options: argparse.Namespace, folder: Path, console: Console) -> dict[str, Any]:
    """Measure some parts, print each as soon as it is known, and return everything in plain values."""
    sizes: Sizes = QUICK if options.quick else FULL
    record: dict[str, Any] = {"machine": machine(), "sizes": asdict(sizes), "threads": options.threads}
    console.print(", ".join(f"{name} {value}" for name, value in record["machine"].items()))
    if "kernels" in parts:
        figures = apart(kernel_figures, sizes.kernel_boxes, sizes.kernel_repetitions)
        console.print(figures_table("kernels on one core, with the arguments of the engine", figures))
        record["kernels"] = [asdict(figure) for figure in figures]
    if "refinement" in parts:
        figures = refinement_figures(sizes.particles, sizes.refinements, options.threads, folder)
        console.print(figures_table(f"a whole refinement, threads: {options.threads}", figures))
        record["refinement"] = [asdict(figure) for figure in figures]
    if "growth" in parts:
        record["growth"] = []
        for growth in growths(sizes, folder):
            console.print(growth_table(growth))
            record["growth"].append(growth_record(growth))
    return record


if __name__ == "__main__":
    main()
