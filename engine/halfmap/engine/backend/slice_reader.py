"""Slices of a reference, as the tilt images of some particles see it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.device import Device
from halfmap.engine.fourier.shells import PixelList


@dataclass(frozen=True)
class SliceReader:
    """Reads slices.

    Parameters
    ----------
    device
        Where they are read.
    volume
        Padded reference transform, real and imaginary parts.
    pixels
        Pixels of the images.
    geometry
        Maps from pixel indices to voxels, one for each tilt image.
    """

    device: Device
    volume: Float32[Array, "z y x 2"]
    pixels: PixelList
    geometry: Float64[np.ndarray, "tilts axes 3"]

    @property
    def tilts(self) -> int:
        """Number of tilt images."""
        return len(self.geometry)

    def matrices(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], tilts: slice
    ) -> Float32[Array, "some_tilts orientations axes 3"]:
        """Maps from pixel indices to voxels: geometry times orientation."""
        return self.device.put((self.geometry[tilts, None] @ rotations).astype(np.float32))

    def read(
        self, matrices: Float32[Array, "some_tilts orientations axes 3"], pixels: PixelList
    ) -> Float32[Array, "some_tilts orientations pixels 2"]:
        """Slices through some maps, in some pixels."""
        return self.device.gather_slices(self.volume, matrices, pixels, with_squares=False)[0]

    def with_squares(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], tilts: slice, pixels: slice
    ) -> tuple[Float32[Array, "some_tilts orientations numbers"], Float32[Array, "some_tilts orientations pixels"]]:
        """Slices in some tilts and pixels, real and imaginary parts in one row, and their squared magnitudes."""
        matrices = self.matrices(rotations, tilts)
        slices, squares = self.device.gather_slices(self.volume, matrices, self.pixels.part(pixels), with_squares=True)
        return slices.reshape(*slices.shape[:2], -1), squares


def as_pairs(values: Complex64[Array, "*n"]) -> Float32[Array, "*n 2"]:
    """See complex numbers as pairs of real ones, copied only if they do not lie one after the other."""
    contiguous = values.astype(np.complex64, order="C", copy=False)
    return contiguous.view(np.float32).reshape(*values.shape, 2)


def spans(count: int, bytes_each: int, bytes_at_once: int) -> Iterator[slice]:
    """Cut a number of things into stretches that need so much memory."""
    width = max(1, bytes_at_once // max(bytes_each, 1))
    return (slice(start, min(start + width, count)) for start in range(0, count, width))
