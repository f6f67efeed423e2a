"""How time and memory of one expectation step grow with the particles, the box and the HEALPix order."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from halfmap.engine.simulation import SimulationSettings
from tests.bench.measuring import apart, memory_now_mb, peak_memory_mb
from tests.bench.problem import load_kernels
from tests.bench.project import make_project, run_refinement, settings
from tests.bench.sizes import Sizes

BOX_PX = 32
ORDER = 2
_SMALLEST = 1e-3
GLOBAL_SEARCHES = ("--auto_local_healpix_order", "8", "--auto_iter_max", "1")
LOWPASS_ANGSTROM = 50


@dataclass(frozen=True)
class Step:
    """One expectation step over all particles: what is varied, and the rest.

    Parameters
    ----------
    particles, box_px, healpix_order
        Sizes.
    to_nyquist
        Compare all pixels of the box, not only those within the filter of the starting reference.
    """

    particles: int
    box_px: int = BOX_PX
    healpix_order: int = ORDER
    to_nyquist: bool = False

    @property
    def simulated(self) -> SimulationSettings:
        """What it needs."""
        return settings(self.particles, self.box_px)

    @property
    def options(self) -> tuple[str, ...]:
        """Options of a refinement that ends after this step."""
        lowpass = 2 * self.simulated.pixel_size_angstrom if self.to_nyquist else LOWPASS_ANGSTROM
        return (*GLOBAL_SEARCHES, "--healpix_order", f"{self.healpix_order}", "--ini_high", f"{lowpass:g}")


@dataclass(frozen=True)
class Point:
    """What was measured of one step.

    Parameters
    ----------
    size
        Particles, box size in pixels, or HEALPix order.
    seconds
        Of the expectation step.
    pose_pixels
        What was compared in both passes.
    peak_mb, above_start_mb
        Largest memory, and how far that is above the memory at the start.
    """

    size: int
    seconds: float
    pose_pixels: int
    peak_mb: float
    above_start_mb: float


@dataclass(frozen=True)
class Growth:
    """How one axis grows.

    Parameters
    ----------
    axis, unit
        What grows.
    points
        Measurements in growing order.
    doubling
        Growth is told for each doubling of the size, otherwise for each step of one.
    """

    axis: str
    unit: str
    points: Sequence[Point]
    doubling: bool = True

    def slope(self, quantity: str) -> float:
        """Exponent of a power law fitted to a quantity; for a size that is counted in ones, log2 of its growth."""
        sizes = [math.log2(point.size) if self.doubling else float(point.size) for point in self.points]
        values = [math.log2(max(getattr(point, quantity), _SMALLEST)) for point in self.points]
        return fitted_slope(sizes, values)


def fitted_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Slope of the straight line with the least squared errors."""
    centre, height = sum(x) / len(x), sum(y) / len(y)
    return sum((a - centre) * (b - height) for a, b in zip(x, y, strict=True)) / sum((a - centre) ** 2 for a in x)


def growths(sizes: Sizes, folder: Path) -> Iterator[Growth]:
    """Measure all three axes on one thread, each step in a process of its own."""
    few, repetitions = sizes.step_particles, sizes.step_repetitions
    axes = (
        ("particles", "", {count: Step(count) for count in sizes.growing_particles}),
        ("box", "px", {box: Step(few, box_px=box, to_nyquist=True) for box in sizes.growing_boxes}),
        ("HEALPix order", "", {order: Step(few, healpix_order=order) for order in sizes.growing_orders}),
    )
    for axis, unit, steps in axes:
        yield Growth(axis, unit, points_of(steps, repetitions, folder), doubling=axis != "HEALPix order")


def points_of(steps: Mapping[int, Step], repetitions: int, folder: Path) -> list[Point]:
    """Measure steps in turn, so that all see the same disturbances; simulate what they need, unless it is there."""
    roots = {
        size: apart(make_project, step.simulated, folder / f"step_{step.particles}_{step.box_px}")
        for size, step in steps.items()
    }
    rounds = [
        [apart(measured, size, roots[size], step.simulated, step.options) for size, step in steps.items()]
        for _ in range(repetitions)
    ]
    return [median_point(points) for points in zip(*rounds, strict=True)]


def median_point(points: Sequence[Point]) -> Point:
    """Put together what was measured of one step in several processes."""
    first = points[0]
    return Point(
        first.size,
        median(point.seconds for point in points),
        first.pose_pixels,
        median(point.peak_mb for point in points),
        median(point.above_start_mb for point in points),
    )


def measured(size: int, root: Path, simulated: SimulationSettings, options: Sequence[str]) -> Point:
    """Run the first iteration in this process; tell the time of its expectation step."""
    load_kernels()
    start_mb = memory_now_mb()
    run = run_refinement(root, simulated, *options)
    return Point(
        size,
        run.seconds["expectation"],
        run.work.coarse.asked + run.work.fine.asked,
        peak_memory_mb(),
        max(peak_memory_mb() - start_mb, 0.0),  # the kernel counts the two in different ways
    )
