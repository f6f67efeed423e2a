"""The wide search, in which particles of a tomogram are compared with the same slices, beside the machine's peak."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from halfmap.engine.backend.interface import Comparison
from halfmap.engine.backend.select import backend
from tests.bench.counting_backend import functions_of, operations, pose_pixels
from tests.bench.kernels import ORIENTATIONS, PARTICLES, PLAIN_EDGE, gather, gemm_flops, plain_product, samples
from tests.bench.measuring import Figure, median_ratio, seconds_in_turn
from tests.bench.problem import Problem, ProblemSize, load_kernels, make_problem

TILES = 8
"""Tiles of orientations for each thread."""
LEAST_SHARE = 0.7
PEAK, SCORES, GATHER = "peak", "scores", "gather"


@dataclass(frozen=True)
class Scoring:
    """What was measured of one problem.

    Parameters
    ----------
    problem
        What was compared.
    functions, operations
        Functions that shifts are mixtures of, in all tilts together, and what the products of slices with images do.
    threads
        How many worked.
    seconds
        Of the products of all threads, of all scores, and of the slices that these need, in each repetition.
    """

    problem: Problem
    functions: int
    operations: float
    threads: int
    seconds: dict[str, list[float]]

    @property
    def share_of_peak(self) -> float:
        """Operations a second over those of plain products, in the same moments."""
        plain = self.threads * gemm_flops(*[PLAIN_EDGE] * 3)
        return self.operations / plain * median_ratio(self.seconds[PEAK], self.seconds[SCORES])


@contextmanager
def like_a_refinement(threads: int) -> Iterator[Executor]:
    """Give threads that share out work, each with products of its own."""
    with threadpool_limits(1), ThreadPoolExecutor(threads) as executor:
        yield executor


def on_each_thread(executor: Executor, actions: list[Callable[[], object]]) -> Callable[[], object]:
    """Make an action of several that are done side by side."""
    return lambda: list(executor.map(lambda action: action(), actions))


def peak(executor: Executor, threads: int) -> Callable[[], object]:
    """Make one plain product for each thread."""
    return on_each_thread(executor, [plain_product() for _ in range(threads)])


def measured(size: ProblemSize, threads: int, repetitions: int) -> Scoring:
    """Compare random particles with random slices."""
    problem = make_problem(size)
    with like_a_refinement(threads) as executor:
        comparison = problem.comparison(backend(threads))
        pixels = len(problem.images[0].pixels.kx)
        actions = {
            PEAK: peak(executor, threads),
            SCORES: scores(problem, comparison, executor),
            GATHER: on_each_thread(executor, [gather(problem) for _ in range(threads)]),
        }
        seconds = seconds_in_turn(actions, repetitions)
    compared = len(problem.rotations) * len(problem.images)
    return Scoring(problem, functions_of(comparison), compared * operations(comparison, pixels), threads, seconds)


def scores(problem: Problem, comparison: Comparison, executor: Executor) -> Callable[[], object]:
    """Compare all particles with all orientations, tiles of which are shared out over the threads."""
    found = np.empty((len(problem.images), len(problem.rotations), len(problem.offsets_px)), np.float32)
    everything, width = np.ones(found.shape[:2], bool), comparison.orientations_at_once

    def fill(first: int) -> None:
        tile = slice(first, first + width)
        comparison.fill_scores(problem.rotations[tile], everything[:, tile], found[:, tile])

    return lambda: list(executor.map(fill, range(0, len(problem.rotations), width)))


def scoring_figures(boxes: tuple[int, ...], threads: int, repetitions: int) -> list[Figure]:
    """Measure the wide search at some box sizes."""
    load_kernels()
    return [figure for box_px in boxes for figure in figures(box_px, _of_box(box_px, threads, repetitions))]


def _of_box(box_px: int, threads: int, repetitions: int) -> Scoring:
    size = ProblemSize(box_px, particles=PARTICLES, orientations=ORIENTATIONS * TILES * threads)
    return measured(size, threads, repetitions)


def figures(box_px: int, scoring: Scoring) -> list[Figure]:
    """Tell rates, and shares of what the machine did in the same moments."""
    problem, seconds = scoring.problem, scoring.seconds
    took, reading = median(seconds[SCORES]), median(seconds[GATHER]) / scoring.threads
    of_particle = pose_pixels(problem.images[0], len(problem.rotations) * len(problem.offsets_px))
    tilts, name = len(problem.images[0].ctf), f"box {box_px}: "
    shape = f"{len(problem.images)} particles × {len(problem.rotations)} orientations"
    return [
        Figure(f"{name}plain products", _peak_flops(scoring) / 1e9, "GFLOP/s", note="one for each thread"),
        Figure(
            f"{name}products of the wide search",
            scoring.operations / took / 1e9,
            "GFLOP/s",
            scoring.share_of_peak,
            f"of plain products (bar: ≥ {LEAST_SHARE:.0%})",
        ),
        Figure(
            f"{name}pose-pixels",
            len(problem.images) * of_particle / took / 1e9,
            "G pose-pixels/s",
            note=f"{shape}; {len(problem.offsets_px)} offsets from {scoring.functions / tilts:.0f} functions a tilt",
        ),
        Figure(
            f"{name}gather",
            samples(problem) / reading / 1e6,
            "Msamples/s",
            median_ratio(seconds[GATHER], seconds[SCORES]) / scoring.threads,
            "of the time of the wide search",
        ),
    ]


def _peak_flops(scoring: Scoring) -> float:
    return scoring.threads * gemm_flops(*[PLAIN_EDGE] * 3) / median(scoring.seconds[PEAK])
