"""What is the same on every device that runs the kernels in ``cuda/``."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.device import Device
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.shells import PixelList

_FEWEST_ORIENTATIONS, _MOST_ORIENTATIONS = 32, 4096
_LARGEST_TILE_BYTES = 256 << 20
_KEPT_SHARE = 0.4
"""Share of the memory for images that stay from one iteration to the next."""
_SLICES_OF_A_GROUP = 64
"""Slices whose residual terms one thread adds up before it adds them to the totals."""

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True)
class CardAccumulator(Accumulator):
    """Sums in single precision; a fourth number that is not used lets a voxel be added to at once."""

    sums: Float32[Array, "z y x 4"]


class CudaDevice(Device):
    """Loops as kernels; where arrays lie and how kernels are launched is up to subclasses.

    Parameters
    ----------
    memory_bytes
        Memory that may be used.
    """

    cache_bytes = 1 << 40
    all_tilts_at_once = True
    block_orientations = 256
    most_diagonalised = 0

    def __init__(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self.tile_bytes = min(_LARGEST_TILE_BYTES, memory_bytes // 32)
        self._room_bytes = int(_KEPT_SHARE * memory_bytes)
        self._kept: dict[int, Array] = {}
        self._lock = Lock()
        self._pixels: dict[int, tuple[PixelList, Array, Array]] = {}

    @abstractmethod
    def launch(self, kernel: str, threads: int, *arguments: Array | int) -> None:
        """Run a kernel in so many threads at least; arrays are contiguous."""

    def orientations_at_once(self, bytes_each: int) -> int:
        """As many as fit into a share of the memory."""
        return int(np.clip(4 * self.tile_bytes // max(bytes_each, 1), _FEWEST_ORIENTATIONS, _MOST_ORIENTATIONS))

    def kept(self, key: int, make: Callable[[int], np.ndarray]) -> Array:
        """Keep arrays as long as they take a share of the memory; those beyond are copied anew each time."""
        if key in self._kept:
            return self._kept[key]
        found = self.put(make(key))
        with self._lock:
            if found.nbytes <= self._room_bytes and key not in self._kept:
                self._kept[key] = found
                self._room_bytes -= found.nbytes
        return found

    def zeros32(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make an array of zeros."""
        made = self.empty(*shape)
        made[...] = 0
        return made

    def zeros(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make an array of zeros in single precision."""
        return self.zeros32(*shape)

    def accumulator(self, geometry: AccumulatorGeometry) -> CardAccumulator:
        """Make sums of nothing on the device."""
        return CardAccumulator(geometry, self.zeros(*geometry.shape[:3], 4))

    def collected(self, accumulator: Accumulator) -> Accumulator:
        """Bring sums to the host, in double precision."""
        sums = self.take(accumulator.sums)[..., :3].astype(np.float64)
        return Accumulator(accumulator.geometry, sums)

    def for_each(self, action: Callable[[S], R], items: Sequence[S]) -> list[R]:
        """Do one after the other: the device is kept busy by what is in its queue."""
        return [action(item) for item in items]

    def gather_slices(
        self,
        volume: Float32[Array, "z y x 2"],
        matrices: Float32[Array, "tilts orientations 2 3"],
        pixels: PixelList,
        with_squares: bool,  # noqa: ARG002
    ) -> tuple[Float32[Array, "tilts orientations pixels 2"], Float32[Array, "tilts orientations pixels"]]:
        """Read slices and their squared magnitudes."""
        tilts, orientations, count = int(matrices.shape[0]), int(matrices.shape[1]), len(pixels.kx)
        slices, squares = self.empty(tilts, orientations, count, 2), self.empty(tilts, orientations, count)
        samples = tilts * orientations * count
        self.launch(
            "gather_slices", samples, volume, *_size(volume), matrices, *self._indices(pixels), tilts * orientations,
            count, slices, squares,
        )  # fmt: skip
        return slices, squares

    def phases(
        self, shifts: Float64[np.ndarray, "tilts offsets 2"], pixels: PixelList
    ) -> Complex64[Array, "tilts offsets pixels"]:
        """Phase factors of shifts."""
        tilts, offsets, count = shifts.shape[0], shifts.shape[1], len(pixels.kx)
        found, on_device = self.empty(tilts, offsets, count, 2), self.put(np.ascontiguousarray(shifts))
        self.launch(
            "fill_phases", tilts * offsets * count, on_device, *self._indices(pixels), tilts * offsets, count, found
        )
        return found.view(np.complex64)[..., 0]

    def add_residual_terms(
        self,
        slices: Float32[Array, "tilts orientations pixels 2"],
        phases: Float32[Array, "tilts orientations pixels 2"],
        mass: Float32[Array, " orientations"],
        images: Float32[Array, "tilts pixels 2"],
        ctf: Float32[Array, "tilts pixels"],
        totals: tuple[Float32[Array, " pixels"], Float32[Array, " pixels"]],
    ) -> None:
        """Add residual terms to totals by pixel."""
        tilts, orientations, pixels = slices.shape[:3]
        groups = -(-tilts * orientations // _SLICES_OF_A_GROUP)
        self.launch(
            "add_residual_terms", groups * pixels, slices, phases, mass, images, ctf, tilts * orientations, pixels,
            orientations, _SLICES_OF_A_GROUP, *totals,
        )  # fmt: skip

    def insert_slices(
        self,
        accumulator: Accumulator,
        matrices: Float32[Array, "tilts orientations 2 3"],
        pixels: PixelList,
        phases: Float32[Array, "tilts orientations pixels 2"],
        mass: Float32[Array, " orientations"],
        images: Float32[Array, "tilts pixels 2"],
        weights: Float32[Array, "tilts pixels"],
    ) -> None:
        """Spread pixels over their neighbours."""
        tilts, orientations, count = phases.shape[:3]
        self.launch(
            "insert_slices", tilts * orientations * count, accumulator.sums, *_size(accumulator.sums), matrices,
            *self._indices(pixels), tilts * orientations, count, orientations, phases, mass, images, weights,
        )  # fmt: skip

    def add_rotated(
        self, sums: Float64[np.ndarray, "z y x 3"], rotations: Float64[np.ndarray, "g 3 3"], radius: int
    ) -> Float64[np.ndarray, "z y x 3"]:
        """Add rotated sums, which lie on the host."""
        source = self.put(np.ascontiguousarray(sums))
        total = source.copy()
        for rotation in rotations:
            matrix = self.put(np.ascontiguousarray(rotation))
            self.launch("add_rotated", sums[..., 0].size, source, matrix, *_size(source), radius, total)
        return self.take(total)

    def _indices(self, pixels: PixelList) -> tuple[Float32[Array, " pixels"], Float32[Array, " pixels"]]:
        """Pixel indices on the device, copied there once."""
        if id(pixels) not in self._pixels:
            kx, ky = (self.put(k.astype(np.float32)) for k in (pixels.kx, pixels.ky))
            self._pixels[id(pixels)] = pixels, kx, ky
        return self._pixels[id(pixels)][1:]


def _size(volume: Array) -> tuple[int, int]:
    """Edge of a volume and number of its columns."""
    return int(volume.shape[0]), int(volume.shape[2])
