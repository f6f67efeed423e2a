"""The expectation step of a global search in a refinement: what its products and gathers reach, and their shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from halfmap.engine.simulation import SimulationSettings
from tests.bench.kernels import PLAIN_EDGE, gemm_flops
from tests.bench.measuring import Figure, apart, seconds_in_turn
from tests.bench.problem import PADDING, load_kernels
from tests.bench.project import make_project, run_refinement, settings
from tests.bench.scoring import LEAST_SHARE, PEAK, like_a_refinement, peak
from tests.bench.tally import Passes, Work

OPTIONS = (
    "--ini_high 50 --healpix_order 2 --auto_local_healpix_order 8 --auto_iter_max 2 --offset_range 5 --offset_step 2"
    f" --pad {PADDING}"
).split()
MOST_OF_GATHER = 0.25


@dataclass(frozen=True)
class Search:
    """What was measured of one refinement of global searches only.

    Parameters
    ----------
    passes
        What was compared.
    expectation_seconds
        Time of the expectation step.
    threads
        How many worked.
    peak_flops
        Operations a second of plain products on all threads, right before and after it.
    """

    passes: Passes
    expectation_seconds: float
    threads: int
    peak_flops: float

    @property
    def flops(self) -> float:
        """Operations a second while particles were compared with the same slices, of all threads."""
        return self.passes.coarse.operations / self.passes.coarse.scoring_seconds * self.threads

    @property
    def gather_share(self) -> float:
        """Share of the expectation step that is spent on reading slices in any of its passes."""
        return self.passes.all.gather_seconds / (self.threads * self.expectation_seconds)


def search_figures(particles: int, box_px: int, repetitions: int, threads: int, folder: Path) -> list[Figure]:
    """Run a global search several times, each in a process of its own; tell medians."""
    simulated = settings(particles, box_px)
    root = apart(make_project, simulated, folder / f"searched_{particles}_{box_px}")
    options = (*OPTIONS, "--j", f"{threads}")
    return figures([apart(measured, root, simulated, options, threads) for _ in range(repetitions)])


def measured(root: Path, simulated: SimulationSettings, options: Sequence[str], threads: int) -> Search:
    """Run a refinement in this process, between plain products: what else the machine does may change meanwhile."""
    load_kernels()
    before = plain_flops(threads)
    run = run_refinement(root, simulated, *options)
    return Search(run.work, run.seconds["expectation"], threads, (before + plain_flops(threads)) / 2)


def plain_flops(threads: int) -> float:
    """Operations a second of plain products on all threads."""
    with like_a_refinement(threads) as executor:
        seconds = seconds_in_turn({PEAK: peak(executor, threads)}, 5)[PEAK]
    return threads * gemm_flops(*[PLAIN_EDGE] * 3) / median(seconds)


def figures(searches: Sequence[Search]) -> list[Figure]:
    """Turn measured searches into figures."""
    passes = searches[0].passes
    both, seconds = passes.coarse.asked + passes.fine.asked, median(one.expectation_seconds for one in searches)
    return [
        Figure("expectation steps", seconds, "s", note="of all iterations"),
        Figure(
            "pose-pixels compared", both / seconds / 1e9, "G pose-pixels/s", note=f"{both / 1e9:.0f} G in both passes"
        ),
        Figure(
            "products of the wide search",
            median(one.flops for one in searches) / 1e9,
            "GFLOP/s",
            median(one.flops / one.peak_flops for one in searches),
            f"of plain products (bar: ≥ {LEAST_SHARE:.0%}); {passes.coarse.operations / 1e9:.0f} GFLOP",
        ),
        Figure(
            "gather",
            1e-6 * median(one.passes.all.samples / one.passes.all.gather_seconds for one in searches),
            "Msamples/s",
            median(one.gather_share for one in searches),
            f"of the expectation step (bar: < {MOST_OF_GATHER:.0%}); rate of a thread, with squares",
        ),
        *(
            figure
            for name, works in (
                ("coarse pass", [one.passes.coarse for one in searches]),
                ("fine pass", [one.passes.fine for one in searches]),
                ("back-projection", [one.passes.stored for one in searches]),
            )
            for figure in pass_figures(name, works)
        ),
    ]


def pass_figures(name: str, works: Sequence[Work]) -> list[Figure]:
    """Tell time and rate of a pass; rates count the poses that were asked for, not what was computed beside them."""
    seconds, asked, computed = median(work.seconds for work in works), works[0].asked, works[0].computed
    in_backend = median(work.backend_seconds / work.seconds for work in works)
    return [
        Figure(name, seconds, "thread-s", note=f"{in_backend:.0%} of it in the backend"),
        Figure(
            f"{name}, rate of a thread",
            asked / seconds / 1e6,
            "M pose-pixels/s",
            note=f"{asked / computed:.0%} of the computed poses were asked for",
        ),
    ]
