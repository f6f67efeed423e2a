"""The backend for cores: BLAS for products, compiled loops for gathers and scatters."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.device import Device
from halfmap.engine.backend.kernels.gather import gather_slices, square_pairs
from halfmap.engine.backend.kernels.phases import fill_phases
from halfmap.engine.backend.kernels.scatter import add_residual_terms, add_rotated, insert_slices
from halfmap.engine.backend.matrix_backend import MatrixBackend
from halfmap.engine.backend.precision import Precision
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.shells import PixelList

ORIENTATIONS_AT_ONCE = 512
"""A matrix of so many rows is multiplied nearly as fast as a large one; its slices in one tilt fit into the cache."""

S = TypeVar("S")
R = TypeVar("R")


class Cores(Device):
    """NumPy and numba on this machine's cores.

    Parameters
    ----------
    threads
        Threads for work on whole volumes and on many particles; poses are shared out over threads by the caller.
    """

    tile_bytes = 2 << 20
    cache_bytes = 512 << 10
    all_tilts_at_once = False
    block_orientations = 64
    most_diagonalised = 400
    voxels_at_once = 1024

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def orientations_at_once(self, bytes_each: int) -> int:  # noqa: ARG002
        """See `ORIENTATIONS_AT_ONCE`."""
        return ORIENTATIONS_AT_ONCE

    def put(self, values: np.ndarray) -> np.ndarray:
        """Nothing has to be copied."""
        return values

    def take(self, values: np.ndarray) -> np.ndarray:
        """Nothing has to be copied."""
        return values

    def kept(self, key: int, make: Callable[[int], np.ndarray]) -> np.ndarray:
        """Make it anew: whether files are kept in memory is decided elsewhere."""
        return make(key)

    def empty(self, *shape: int) -> Float32[np.ndarray, "*shape"]:
        """Make an array with any contents."""
        return np.empty(shape, np.float32)

    def zeros32(self, *shape: int) -> Float32[np.ndarray, "*shape"]:
        """Make an array of zeros."""
        return np.zeros(shape, np.float32)

    def zeros(self, *shape: int) -> Float64[np.ndarray, "*shape"]:
        """Make an array of zeros in double precision."""
        return np.zeros(shape)

    def accumulator(self, geometry: AccumulatorGeometry) -> Accumulator:
        """Make sums of nothing."""
        return Accumulator.empty(geometry)

    def collected(self, accumulator: Accumulator) -> Accumulator:
        """They are here already."""
        return accumulator

    def for_each(self, action: Callable[[S], R], items: Sequence[S]) -> list[R]:
        """Share items out over the threads."""
        if len(items) == 1:
            return [action(items[0])]
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(action, items))

    def gather_slices(
        self,
        volume: Float32[np.ndarray, "z y x 2"],
        matrices: Float32[np.ndarray, "tilts orientations axes 3"],
        pixels: PixelList,
        with_squares: bool,
    ) -> tuple[Float32[np.ndarray, "tilts orientations pixels 2"], Float32[np.ndarray, "tilts orientations pixels"]]:
        """Read slices, and their squared magnitudes."""
        slices = self.empty(*matrices.shape[:2], len(pixels.kx), 2)
        gather_slices(volume, matrices, _as_floats(pixels), slices)
        squares = self.empty(*slices.shape[:3])
        if with_squares:
            square_pairs(slices, squares)
        return slices, squares

    def phases(
        self, shifts: Float64[np.ndarray, "tilts offsets axes"], pixels: PixelList
    ) -> Complex64[np.ndarray, "tilts offsets pixels"]:
        """Phase factors of shifts."""
        found = self.empty(*shifts.shape[:2], len(pixels.kx), 2)
        fill_phases(np.ascontiguousarray(shifts), tuple(pixels.frequencies), found)
        return found.view(np.complex64)[..., 0]

    def add_residual_terms(
        self,
        slices: Float32[np.ndarray, "tilts orientations pixels 2"],
        phases: Float32[np.ndarray, "tilts orientations pixels 2"],
        mass: Float32[np.ndarray, " orientations"],
        images: Float32[np.ndarray, "tilts pixels 2"],
        ctf: Float32[np.ndarray, "tilts pixels"],
        totals: tuple[Float64[np.ndarray, " pixels"], Float64[np.ndarray, " pixels"]],
    ) -> None:
        """Add residual terms to totals by pixel."""
        add_residual_terms(slices, phases, mass, images, ctf, *totals)

    def insert_slices(
        self,
        accumulator: Accumulator,
        matrices: Float32[np.ndarray, "tilts orientations axes 3"],
        pixels: PixelList,
        phases: Float32[np.ndarray, "tilts orientations pixels 2"],
        mass: Float32[np.ndarray, " orientations"],
        images: Float32[np.ndarray, "tilts pixels 2"],
        weights: Float32[np.ndarray, "tilts pixels"],
    ) -> None:
        """Spread pixels over their neighbours."""
        insert_slices(accumulator.sums, matrices, _as_floats(pixels), phases, mass, images, weights)

    def add_rotated(
        self,
        sums: Float64[np.ndarray, "z y x 3"],
        rotations: Float64[np.ndarray, "g 3 3"],
        radius: int,
    ) -> Float64[np.ndarray, "z y x 3"]:
        """Add rotated sums, planes shared out over the threads."""
        total, edges = sums.copy(), np.linspace(0, len(sums), 4 * self.threads + 1).astype(int)

        def add(planes: tuple[int, int]) -> None:
            for rotation in rotations:
                add_rotated(sums, np.ascontiguousarray(rotation), radius, *planes, total)

        self.for_each(add, list(pairwise(edges.tolist())))
        return total


class CpuBackend(MatrixBackend):
    """The expectation step on this machine's cores.

    Parameters
    ----------
    threads
        Threads for work on whole volumes and on many particles.
    """

    def __init__(self, threads: int = 1) -> None:
        super().__init__(Cores(threads))

    def use(self, precision: Precision) -> None:
        """Refuse anything but single precision."""
        if precision is not Precision.FP32:
            raise ValueError(f"cores multiply in single precision, not in {precision}")


def _as_floats(pixels: PixelList) -> tuple[Float32[np.ndarray, " pixels"], ...]:
    return tuple(pixels.frequencies.astype(np.float32))
