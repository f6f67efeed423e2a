"""The engine's products and inner loops on one core, beside plain ones of the same machine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
from jaxtyping import Float32, Float64
from threadpoolctl import threadpool_limits

from halfmap.engine.backend.kernels.gather import gather_slices
from halfmap.engine.backend.kernels.scatter import insert_slices
from tests.bench.measuring import Figure, median_ratio, seconds_in_turn
from tests.bench.problem import Problem, ProblemSize, load_kernels, make_problem

FUNCTIONS = 31
"""Functions that a tilt image's shifts are mixtures of, where offsets within two steps are searched."""
ORIENTATIONS, PARTICLES = 256, 64
"""That are compared at once."""
PLAIN_EDGE = 1536
PLAIN_GEMM = f"plain GEMM {PLAIN_EDGE} × {PLAIN_EDGE} × {PLAIN_EDGE}"
COPIED_BYTES = 128 << 20
COPY = "memory copy, read and written"
GATHER_BYTES = 8 * 8 + 4 + 8
"""Per sample: eight voxels of a float32 pair and a weight are read, a pair is written."""
INSERT_BYTES = 8 * 24 * 2 + 8 + 8 + 4
"""Per sample: eight voxels of three float64 are read and written; a phase factor, a pixel and its weight are read."""

Pairs = Float32[np.ndarray, "*n 2"]


@dataclass(frozen=True)
class Kernel:
    """Something that is timed.

    Parameters
    ----------
    name, action
        What is done.
    amount, unit
        How much of what one call does.
    reference, per_amount
        Which plain kernel it is set against, and how much of that one's unit one unit of this one stands for.
    """

    name: str
    action: Callable[[], object]
    amount: float
    unit: str
    reference: str = ""
    per_amount: float = 1.0


def kernel_figures(boxes: tuple[int, ...], repetitions: int) -> list[Figure]:
    """Measure all kernels at some box sizes."""
    load_kernels()
    kernels = [*plain_kernels(), *(kernel for box_px in boxes for kernel in engine_kernels(box_px))]
    with threadpool_limits(1):  # as in a refinement: its threads each work on particles of their own
        seconds = seconds_in_turn({kernel.name: kernel.action for kernel in kernels}, repetitions)
    amounts = {kernel.name: kernel.amount for kernel in kernels}
    return [_figure(kernel, seconds, amounts) for kernel in kernels]


def _figure(kernel: Kernel, seconds: dict[str, list[float]], amounts: dict[str, float]) -> Figure:
    rate = kernel.amount / median(seconds[kernel.name])
    if not kernel.reference:
        return Figure(kernel.name, rate / 1e9, f"G{kernel.unit}/s")
    times_as_fast = median_ratio(seconds[kernel.reference], seconds[kernel.name])
    share = times_as_fast * kernel.amount * kernel.per_amount / amounts[kernel.reference]
    prefix, unit = ("G", 1e9) if kernel.unit == "FLOP" else ("M", 1e6)
    return Figure(kernel.name, rate / unit, f"{prefix}{kernel.unit}/s", share, f"of {kernel.reference}")


def gemm_flops(rows: int, inner: int, columns: int) -> int:
    """Multiplications and additions of a real matrix product."""
    return 2 * rows * inner * columns


def plain_kernels() -> Iterator[Kernel]:
    """A large matrix product and a copy of memory."""
    yield Kernel(PLAIN_GEMM, plain_product(), gemm_flops(*[PLAIN_EDGE] * 3), "FLOP")
    source = np.ones(COPIED_BYTES, np.uint8)
    target = np.zeros_like(source)
    yield Kernel(COPY, lambda: np.copyto(target, source), 2 * COPIED_BYTES, "B")


def plain_product() -> Callable[[], object]:
    """Make a large matrix product, as fast as this machine does any."""
    left, right = (np.random.default_rng(1).random((PLAIN_EDGE, PLAIN_EDGE), np.float32) for _ in range(2))
    product = np.empty_like(left)
    return lambda: np.matmul(left, right, out=product)


def engine_kernels(box_px: int) -> Iterator[Kernel]:
    """Loops and products of one tile of orientations in one tilt image, which is how the backend goes on."""
    problem = make_problem(ProblemSize(box_px, tilts=1))
    rows, numbers = len(problem.rotations), 2 * len(problem.images[0].pixels.kx)
    for name, inner, columns in (
        ("scores GEMM", numbers, FUNCTIONS * PARTICLES),
        ("back-projection GEMM", FUNCTIONS, numbers),
    ):
        label = f"box {box_px}: {name} {rows} × {inner} × {columns}"
        yield Kernel(label, _product(rows, inner, columns), gemm_flops(rows, inner, columns), "FLOP", PLAIN_GEMM)
    for name, loop, of_sample in (
        ("gather_slices", gather(problem), GATHER_BYTES),
        ("insert_slices", insertion(problem), INSERT_BYTES),
    ):
        yield Kernel(f"box {box_px}: {name}", loop, samples(problem), "samples", COPY, per_amount=of_sample)


def _product(rows: int, inner: int, columns: int) -> Callable[[], object]:
    random = np.random.default_rng(1)
    left, right = random.random((rows, inner), np.float32), random.random((columns, inner), np.float32)
    return lambda: left @ right.T


def gather(problem: Problem) -> Callable[[], object]:
    """Make the loop that reads all slices, tilt by tilt and in tiles of orientations, as the backend does."""
    volume, frequencies, matrices = pairs(problem.transform), _frequencies(problem), problem.matrices
    starts = range(0, matrices.shape[1], ORIENTATIONS)
    tiles = [one[None, start : start + ORIENTATIONS] for one in matrices for start in starts]
    slices = np.empty((1, min(ORIENTATIONS, matrices.shape[1]), len(frequencies[0]), 2), np.float32)

    def read() -> None:
        for tile in tiles:
            gather_slices(volume, tile, frequencies, slices[:, : tile.shape[1]])

    return read


def sliced(problem: Problem) -> Pairs:
    """Read slices in all tilts at once."""
    slices = np.full((*problem.matrices.shape[:2], len(problem.images[0].pixels.kx), 2), np.nan, np.float32)
    gather_slices(pairs(problem.transform), problem.matrices, _frequencies(problem), slices)
    return slices


def insertion(problem: Problem, sums: Float64[np.ndarray, "z y x 3"] | None = None) -> Callable[[], object]:
    """Make the loop that adds a slice for each orientation and tilt image; to given sums, if any."""
    image, matrices, k_xyz = problem.images[0], problem.matrices, _frequencies(problem)
    phases = np.tile(np.array([1, 0], np.float32), (*matrices.shape[:2], len(k_xyz[0]), 1))
    mass, weights = np.ones(matrices.shape[1], np.float32), np.ones(image.ctf.shape, np.float32)
    inserted, total = pairs(image.unmasked), np.zeros(problem.geometry.shape) if sums is None else sums
    return lambda: insert_slices(total, matrices, k_xyz, phases, mass, inserted, weights)


def samples(problem: Problem) -> int:
    """Pixels of all slices that a gather reads or a scatter writes."""
    return len(problem.rotations) * int(problem.images[0].ctf.size)


def _frequencies(problem: Problem) -> tuple[Float32[np.ndarray, " pixels"], Float32[np.ndarray, " pixels"]]:
    pixels = problem.images[0].pixels
    return pixels.kx.astype(np.float32), pixels.ky.astype(np.float32)


def pairs(values: np.ndarray) -> Pairs:
    """See complex numbers as pairs of real ones."""
    contiguous = np.ascontiguousarray(values, np.complex64)
    return contiguous.view(np.float32).reshape(*contiguous.shape, 2)
