"""A whole small refinement: seconds of each phase, what was compared, and memory."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.simulation import SimulationSettings
from tests.bench.counting import Work
from tests.bench.measuring import Figure, apart, memory_now_mb, peak_memory_mb
from tests.bench.problem import load_kernels
from tests.bench.project import make_project, run_refinement, settings

OPTIONS = ("--ini_high", "50", "--healpix_order", "2", "--auto_local_healpix_order", "3")


@dataclass(frozen=True)
class Whole:
    """What was measured of one refinement.

    Parameters
    ----------
    iterations, resolution_angstrom
        Its length and outcome.
    seconds, phases
        Time from beginning to end, and of each phase.
    start_mb, peak_mb
        Resident memory when it began, and at most.
    coarse, fine, stored
        Work of the two passes over the poses and of the back-projection.
    """

    iterations: int
    resolution_angstrom: float
    seconds: float
    phases: dict[str, float]
    start_mb: float
    peak_mb: float
    coarse: Work
    fine: Work
    stored: Work


def refinement_figures(particles: int, repetitions: int, threads: int, folder: Path) -> list[Figure]:
    """Run a refinement several times, each in a process of its own; tell about the fastest."""
    simulated = settings(particles)
    root = apart(make_project, simulated, folder / f"whole_{particles}")
    options = (*OPTIONS, "--j", f"{threads}")
    runs = [apart(measured, root, simulated, options) for _ in range(repetitions)]
    return figures(min(runs, key=lambda run: run.seconds), particles)


def measured(root: Path, simulated: SimulationSettings, options: Sequence[str]) -> Whole:
    """Run a refinement in this process."""
    load_kernels()
    start_mb, start = memory_now_mb(), time.perf_counter()
    run = run_refinement(root, simulated, *options)
    seconds, tally = time.perf_counter() - start, run.tally
    return Whole(
        len(run.iterations),
        run.iterations[-1].resolution_angstrom or float("inf"),
        seconds,
        run.seconds,
        start_mb,
        peak_memory_mb(),
        tally.coarse,
        tally.fine,
        tally.stored,
    )


def figures(whole: Whole, particles: int) -> list[Figure]:
    """Turn a measured refinement into figures."""
    outcome = f"{particles} particles, {whole.iterations} iterations, {whole.resolution_angstrom:.1f} Å"
    beside = whole.seconds - sum(whole.phases.values())
    both = whole.coarse.asked + whole.fine.asked
    return [
        Figure("whole refinement", whole.seconds, "s", note=outcome),
        *(Figure(phase, seconds, "s") for phase, seconds in whole.phases.items()),
        Figure("before the first iteration", beside, "s", note="reading, first noise spectra, check of the contrast"),
        Figure(
            "pose-pixels compared in a second of expectation",
            both / whole.phases["expectation"] / 1e6,
            "M pose-pixels/s",
            note=f"{both / 1e9:.2f} G pose-pixels in both passes",
        ),
        *pass_figures("coarse pass", whole.coarse),
        *pass_figures("fine pass", whole.fine),
        *pass_figures("back-projection", whole.stored),
        Figure("peak memory", whole.peak_mb, "MB", note=f"{whole.peak_mb - whole.start_mb:.0f} MB above the start"),
    ]


def pass_figures(name: str, work: Work) -> list[Figure]:
    """Tell time and rate of a pass; rates count the poses that were asked for, not what was computed beside them."""
    backend, asked = work.backend_seconds / work.seconds, work.asked / work.computed
    return [
        Figure(name, work.seconds, "thread-s", note=f"{backend:.0%} of it in the backend"),
        Figure(
            f"{name}, rate of a thread",
            work.asked / work.seconds / 1e6,
            "M pose-pixels/s",
            note=f"{asked:.0%} of the computed poses were asked for",
        ),
    ]
