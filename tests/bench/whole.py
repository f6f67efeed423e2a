"""Whole refinements of several sizes, each a process of its own: seconds of each phase and iteration, and memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from halfmap.contract.progress import IterationFinished
from halfmap.contract.progress_events import Phase
from tests.bench.launching import Launched, launch
from tests.bench.measuring import Figure, apart
from tests.bench.project import make_project, settings, total_seconds

OPTIONS = ("--ini_high", "50", "--healpix_order", "2", "--auto_local_healpix_order", "3")
COMPUTING: tuple[Phase, ...] = ("accuracy", "expectation", "maximization")
"""Phases one after the other; an iteration is written while the next one is computed."""
PHASES: tuple[Phase, ...] = (*COMPUTING, "write")


@dataclass(frozen=True)
class Whole:
    """Several runs of the same refinement.

    Parameters
    ----------
    particles, box_px
        Its size.
    runs
        What each has told.
    """

    particles: int
    box_px: int
    runs: Sequence[Launched]

    @property
    def iterations(self) -> list[IterationFinished]:
        """Records of one of them; what they decide is the same in all."""
        return self.runs[0].iterations

    def seconds(self, phase: Phase) -> float:
        """Median time of a phase in all iterations."""
        return median(total_seconds(run.iterations).get(phase, 0.0) for run in self.runs)

    def seconds_of(self, iteration: int, phase: Phase) -> float:
        """Median time of a phase in one iteration, counted from 0."""
        return median(run.iterations[iteration].seconds.get(phase) or 0.0 for run in self.runs)

    @property
    def share_of_plan(self) -> float:
        """Largest memory of a rank over what it was planned to need at most, in the worst iteration of all runs."""
        return max(run.share_of_plan for run in self.runs)


def wholes(refined: Sequence[tuple[int, int]], repetitions: int, threads: int, folder: Path) -> list[Whole]:
    """Run refinements of several sizes, all of them once and then all of them again."""
    roots = {size: apart(make_project, settings(*size), folder / "whole_{}_{}".format(*size)) for size in refined}
    options = (*OPTIONS, "--j", f"{threads}")
    runs: dict[tuple[int, int], list[Launched]] = {size: [] for size in refined}
    for _ in range(repetitions):
        for size in refined:
            runs[size].append(launch(roots[size], settings(*size), *options))
    return [Whole(*size, runs[size]) for size in refined]


def figures(whole: Whole) -> list[Figure]:
    """Turn measured refinements into figures."""
    seconds, last = median(run.seconds for run in whole.runs), whole.iterations[-1]
    phases = {phase: whole.seconds(phase) for phase in COMPUTING}
    planned, peak = max(whole.runs[0].planned_mb), median(run.peak_mb for run in whole.runs)
    outcome = f"{len(whole.iterations)} iterations, {last.resolution_angstrom or float('inf'):.1f} Å"
    return [
        Figure("whole refinement", seconds, "s", note=f"{outcome}; runs: {len(whole.runs)}"),
        *(Figure(phase, took, "s") for phase, took in phases.items()),
        Figure("beside these", seconds - sum(phases.values()), "s", note="start, reading, noise spectra, last files"),
        Figure("write", whole.seconds("write"), "s", note="mostly while the next iteration is computed"),
        Figure("printed memory plan", planned, "MB", note="of the iteration that needs most"),
        Figure("peak memory", peak, "MB", whole.share_of_plan, "of the plan, in the worst iteration (bar: ≤ 100%)"),
    ]
