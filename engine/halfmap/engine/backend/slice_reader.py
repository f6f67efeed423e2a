"""Slices of a reference, as the tilt images of some particles see it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.kernels.gather import gather_slices, square_pairs
from halfmap.engine.fourier.shells import PixelList


@dataclass(frozen=True)
class SliceReader:
    """Reads slices.

    Parameters
    ----------
    volume
        Padded reference transform, real and imaginary parts.
    pixels
        Pixels of the images.
    geometry
        Maps from pixel indices to voxels, one for each tilt image.
    """

    volume: Float32[np.ndarray, "z y x 2"]
    pixels: PixelList
    geometry: Float64[np.ndarray, "tilts 2 3"]

    @property
    def tilts(self) -> int:
        """Number of tilt images."""
        return len(self.geometry)

    def matrices(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], tilts: slice
    ) -> Float32[np.ndarray, "orientations some_tilts 2 3"]:
        """Maps from pixel indices to voxels: geometry times orientation."""
        return (self.geometry[tilts] @ rotations[:, None]).astype(np.float32)

    def read(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], tilts: slice
    ) -> Float32[np.ndarray, "orientations some_tilts pixels 2"]:
        """Slices in some tilts."""
        matrices = self.matrices(rotations, tilts)
        slices = np.empty((*matrices.shape[:2], len(self.pixels.kx), 2), np.float32)
        kx, ky = self.pixels.kx.astype(np.float32), self.pixels.ky.astype(np.float32)
        gather_slices(self.volume, matrices, kx, ky, slices)
        return slices

    def with_squares(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], tilt: int
    ) -> tuple[Float32[np.ndarray, "orientations numbers"], Float32[np.ndarray, "orientations pixels"]]:
        """Slices in one tilt, real and imaginary parts in one row, and their squared magnitudes."""
        slices = self.read(rotations, slice(tilt, tilt + 1))[:, 0]
        squares = np.empty(slices.shape[:2], np.float32)
        square_pairs(slices, squares)
        return slices.reshape(len(slices), -1), squares


def as_pairs(values: Complex64[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n 2"]:
    """See complex numbers as pairs of real ones, without copying."""
    contiguous = np.ascontiguousarray(values, np.complex64)
    return contiguous.view(np.float32).reshape(*contiguous.shape, 2)


def spans(count: int, bytes_each: int, bytes_at_once: int) -> Iterator[slice]:
    """Cut a number of things into stretches that need so much memory."""
    width = max(1, bytes_at_once // max(bytes_each, 1))
    return (slice(start, min(start + width, count)) for start in range(0, count, width))
