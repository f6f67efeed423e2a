"""A refinement shared out between two ranks, against the same one on a single rank with both half sets in turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.launching import Launched, launch
from tests.bench.measuring import Figure, apart, median_ratio
from tests.bench.project import make_project, settings, total_seconds
from tests.bench.searching import OPTIONS
from tests.bench.whole import COMPUTING

ONE_THREAD = ("--j", "1")
LEAST_SPEED_UP = 1.8


@dataclass(frozen=True)
class Pair:
    """The same refinement by one rank and by two, one after the other.

    Parameters
    ----------
    alone, together
        What they have told.
    """

    alone: Launched
    together: Launched


def shared_out_figures(particles: int, box_px: int, pairs: int, folder: Path) -> list[Figure]:
    """Run pairs of refinements on one thread for each rank."""
    simulated = settings(particles, box_px)
    root = apart(make_project, simulated, folder / f"searched_{particles}_{box_px}")
    words = (*OPTIONS, *ONE_THREAD)
    return figures(
        [Pair(launch(root, simulated, *words), launch(root, simulated, *words, ranks=2)) for _ in range(pairs)]
    )


def figures(pairs: Sequence[Pair]) -> list[Figure]:
    """Tell times by one rank and by two, and ratios of those that were measured one after the other."""
    found = []
    for name, seconds_of in (
        ("expectation step", lambda run: total_seconds(run.iterations)["expectation"]),
        ("iterations", lambda run: sum(total_seconds(run.iterations)[phase] for phase in COMPUTING)),
        ("whole process", lambda run: run.seconds),
    ):
        alone, together = ([seconds_of(getattr(pair, who)) for pair in pairs] for who in ("alone", "together"))
        bar = f"; bar: ≥ {LEAST_SPEED_UP}" if name == "expectation step" else ""
        found += [
            Figure(f"{name}, 1 rank", median(alone), "s"),
            Figure(f"{name}, 2 ranks", median(together), "s"),
            Figure(f"{name}, speed-up", median_ratio(alone, together), "×", note=f"pairs: {len(pairs)}{bar}"),
        ]
    return found
