"""The engine's products and inner loops on one core, beside plain ones of the same machine."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from jaxtyping import Float32
from threadpoolctl import threadpool_limits

from halfmap.engine.backend import on_cpu
from halfmap.engine.backend.kernels.gather import gather_slices
from halfmap.engine.backend.kernels.scatter import insert_slices
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.fourier.backprojector import Accumulator
from tests.bench.measuring import Figure, best_seconds
from tests.bench.problem import Problem, load_kernels, make_problem

TILTS = 13
ORIENTATIONS = 64
COARSE_OFFSETS = 33
"""Grid points within two steps."""
PLAIN_EDGE = 1536
PLAIN_GEMM = f"plain GEMM {PLAIN_EDGE} × {PLAIN_EDGE} × {PLAIN_EDGE}"
COPIED_BYTES = 128 << 20
COPY = "memory copy, read and written"
GATHER_BYTES = 8 * 8 + 4 + 8
"""Per sample: eight voxels of a float32 pair and a weight are read, a pair is written."""
INSERT_BYTES = 8 * 24 * 2 + 8 + 8 + 4
"""Per sample: eight voxels of three float64 are read and written; a phase factor, a pixel and its weight are read."""

Arguments = tuple[Any, ...]


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
        seconds = best_seconds({kernel.name: kernel.action for kernel in kernels}, repetitions)
    rates = {kernel.name: kernel.amount / seconds[kernel.name] for kernel in kernels}
    return [_figure(kernel, rates) for kernel in kernels]


def _figure(kernel: Kernel, rates: dict[str, float]) -> Figure:
    rate = rates[kernel.name]
    if not kernel.reference:
        return Figure(kernel.name, rate / 1e9, f"G{kernel.unit}/s")
    share = rate * kernel.per_amount / rates[kernel.reference]
    prefix, unit = ("G", 1e9) if kernel.unit == "FLOP" else ("M", 1e6)
    return Figure(kernel.name, rate / unit, f"{prefix}{kernel.unit}/s", share, f"of {kernel.reference}")


def gemm_flops(rows: int, inner: int, columns: int) -> int:
    """Multiplications and additions of a real matrix product."""
    return 2 * rows * inner * columns


def samples(matrices: Float32[np.ndarray, "orientations tilts 2 3"], kx: Float32[np.ndarray, " pixels"]) -> int:
    """Pixels of all slices that a gather reads or a scatter writes."""
    orientations, tilts = matrices.shape[:2]
    return int(orientations) * int(tilts) * len(kx)


def plain_kernels() -> Iterator[Kernel]:
    """A large matrix product and a copy of memory."""
    left, right = (np.random.default_rng(1).random((PLAIN_EDGE, PLAIN_EDGE), np.float32) for _ in range(2))
    product = np.empty_like(left)
    yield Kernel(PLAIN_GEMM, lambda: np.matmul(left, right, out=product), gemm_flops(*[PLAIN_EDGE] * 3), "FLOP")
    source = np.ones(COPIED_BYTES, np.uint8)
    target = np.zeros_like(source)
    yield Kernel(COPY, lambda: np.copyto(target, source), 2 * COPIED_BYTES, "B")


def engine_kernels(box_px: int) -> Iterator[Kernel]:
    """Loops and products with the very arguments that the backend hands to them."""
    problem = make_problem(box_px, TILTS, ORIENTATIONS, COARSE_OFFSETS)
    arguments = recorded_arguments(problem)
    for name, left, right in _products(arguments["gather_slices"], len(problem.offsets_px)):
        shape = (*left.shape, right.shape[1])
        label = f"box {box_px}: {name} " + " × ".join(map(str, shape))
        yield Kernel(label, _product(left, right), gemm_flops(*shape), "FLOP", PLAIN_GEMM)
    for name, loop, of_sample in (
        ("gather_slices", gather_slices, GATHER_BYTES),
        ("insert_slices", insert_slices, INSERT_BYTES),
    ):
        words = arguments[name]
        matrices, kx = words[1], words[2]
        yield Kernel(
            f"box {box_px}: {name}", _call(loop, words), samples(matrices, kx), "samples", COPY, per_amount=of_sample
        )


def _products(gathered: Arguments, offsets: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The two products of a tile of slices: with shifted images, and of posteriors with phase factors."""
    slices = gathered[5].reshape(len(gathered[5]), -1)
    random = np.random.default_rng(1)
    shifted = random.random((offsets, slices.shape[1]), np.float32)
    yield "scores GEMM", slices, shifted.T
    yield "back-projection GEMM", random.random((len(slices), offsets), np.float32), shifted


def _product(left: np.ndarray, right: np.ndarray) -> Callable[[], object]:
    return lambda: left @ right


def _call(loop: Callable[..., None], words: Arguments) -> Callable[[], object]:
    return lambda: loop(*words)


def recorded_arguments(problem: Problem) -> dict[str, Arguments]:
    """Run the backend once and keep what it hands to each loop first."""
    kept: dict[str, Arguments] = {}
    backend = CpuBackend()
    reference = backend.reference(problem.transform)
    poses = (reference, problem.images, problem.rotations, problem.offsets_px)
    with ExitStack() as stack:
        for name, loop in (("gather_slices", gather_slices), ("insert_slices", insert_slices)):
            stack.enter_context(patch.object(on_cpu, name, _keeping(kept, name, loop)))
        backend.scores(*poses)
        backend.accumulate(*poses, problem.weights, Accumulator.empty(problem.geometry))
    return kept


def _keeping(kept: dict[str, Arguments], name: str, loop: Callable[..., None]) -> Callable[..., None]:
    def run(*words: Any) -> None:
        kept.setdefault(name, words)
        loop(*words)

    return run
