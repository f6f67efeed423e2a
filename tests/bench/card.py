"""``python -m tests.bench.card``: the wide search on a card beside cores, by precision, and a whole refinement."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from halfmap.engine.backend.interface import Backend
from halfmap.engine.backend.precision import CardSettings, Precision
from halfmap.engine.backend.select import backend, finds_a_card
from halfmap.engine.refinement.audit import largest_change
from tests.bench.counting_backend import operations
from tests.bench.launching import launch
from tests.bench.measuring import Figure, apart, seconds_in_turn
from tests.bench.problem import Problem, ProblemSize, load_kernels, make_problem
from tests.bench.project import make_project, settings
from tests.bench.report import figures_table, make_console
from tests.bench.whole import OPTIONS

BOXES, REPETITIONS, REFINED = (64, 128), 5, (96, 64)


def searched(problem: Problem, computing: Backend) -> Callable[[], np.ndarray]:
    """Make a wide search of all particles; it gives their scores, on the host."""
    comparison = problem.comparison(computing)
    everything = np.ones((len(problem.images), len(problem.rotations)), bool)
    width = comparison.orientations_at_once

    def search() -> np.ndarray:
        found = computing.empty_scores(*everything.shape, len(problem.offsets_px))
        for first in range(0, everything.shape[1], width):
            tile = slice(first, first + width)
            comparison.fill_scores(problem.rotations[tile], everything[:, tile], found[:, tile])
        return computing.on_host(found)

    return search


def figures(box_px: int, tiles: int) -> list[Figure]:
    """Measure one box size on a core and, in each precision, on the card."""
    problem = make_problem(ProblemSize(box_px, tilts=41, particles=64, orientations=tiles * 512))
    devices = {"one core": backend(1)}
    devices |= {f"card, {one}": backend(1, CardSettings(one)) for one in Precision}
    searches = {}
    for name, computing in devices.items():
        # CuPy's choice of a precision is one for the whole process
        searches[name] = _in_its_precision(computing, searched(problem, computing))
    comparison = problem.comparison(devices["one core"])
    done = len(problem.rotations) * len(problem.images) * operations(comparison, len(problem.images[0].pixels.kx))
    exact = searches["one core"]()
    changes = {name: max(map(largest_change, search(), exact)) for name, search in searches.items()}
    seconds = {name: median(took) for name, took in seconds_in_turn(searches, REPETITIONS).items()}
    return [
        Figure(
            f"box {box_px}: {name}",
            done / seconds[name] / 1e9,
            "GFLOP/s",
            note=f"{seconds['one core'] / seconds[name]:.1f} × one core; log-weights change by {changes[name]:.3f}",
        )
        for name in searches
    ]


def _in_its_precision(computing: Backend, search: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    def run() -> np.ndarray:
        computing.use(computing.precision)
        return search()

    return run


def refinement_figures(folder: Path) -> list[Figure]:
    """Run the same refinement on cores and on the card, each in a process of its own."""
    root = apart(make_project, settings(*REFINED), folder / "card")
    found = []
    for name, options in {"two threads": ("--j", "2"), "a card, two threads": ("--j", "2", "--gpu", "0")}.items():
        ran = launch(root, settings(*REFINED), *OPTIONS, *options)
        found.append(Figure(f"whole refinement, {name}", ran.seconds, "s", note=f"{len(ran.iterations)} iterations"))
    return found


def main() -> None:
    """Measure, and print."""
    made = argparse.ArgumentParser(prog="python -m tests.bench.card", description="Measure the engine on a card.")
    made.add_argument("--tiles", type=int, default=4, metavar="N", help="512 orientations each [%(default)s]")
    options = made.parse_args()
    if not finds_a_card():
        sys.exit("CuPy is not installed, or finds no card: there is nothing to measure.")
    load_kernels()
    console = make_console()
    for box_px in BOXES:
        console.print(figures_table(f"wide search, box {box_px}, 41 tilts", figures(box_px, options.tiles)))
    with tempfile.TemporaryDirectory(prefix="halfmap-bench-") as folder:
        console.print(figures_table("whole refinements", refinement_figures(Path(folder))))


if __name__ == "__main__":
    main()
