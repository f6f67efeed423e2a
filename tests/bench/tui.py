"""Figures of the terminal interface, by its keys on a pseudo terminal: ``python -m tests.bench.tui [--quick]``.

A real daemon with 5,000 jobs answers, one of which has ended and left a log of 200 MB, and one runs. About four
minutes; on a machine that does other things the times are longer than they need be.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.tui_measures import MEASURES, QUICK, Figure, Sizes
from tests.bench.tui_world import LOG_MB, world


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print each figure beside its bar; exit code 1 if one is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tui", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="measure less: about a minute")
    parser.add_argument("--only", choices=MEASURES, action="append", help="leave the others out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    options = parser.parse_args(argv)
    sizes = QUICK if options.quick else Sizes()
    with tempfile.TemporaryDirectory(prefix="hm-") as folder:
        figures = [told(one) for one in measured(Path(folder), options.jobs, sizes, options.only or list(MEASURES))]
    if options.json:
        kept = {"load": os.getloadavg()[0], "figures": [asdict(figure) for figure in figures]}
        options.json.write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if all(figure.is_kept for figure in figures) else 1


def measured(folder: Path, jobs: int, sizes: Sizes, which: Sequence[str], log_mb: int = LOG_MB) -> Iterator[Figure]:
    """Measure with a daemon of its own, whose files lie in a folder with a short path."""
    with world(folder, jobs, log_mb=log_mb) as found:
        for name in which:
            yield from MEASURES[name](found, sizes)


def told(figure: Figure) -> Figure:
    """Print a figure."""
    bar = "" if figure.bar is None else f"(at most {figure.bar:g}) {'' if figure.is_kept else 'MISSED'}"
    print(f"{figure.name:<52} {figure.value:10.3f} {figure.unit:<4} {bar}".rstrip(), flush=True)  # noqa: T201
    return figure


if __name__ == "__main__":
    sys.exit(main())
