"""Comparing slices with the images of many particles by matrix products, some tilts after the other."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.device import Device
from halfmap.engine.backend.interface import Comparison
from halfmap.engine.backend.rectangles import rectangles
from halfmap.engine.backend.slice_reader import SliceReader

_SINGLE_BYTES = 4

Scores = Float32[Array, "particles orientations offsets"]
ByFunction = Float32[Array, "some_tilts orientations particles functions"]
Power = Float32[Array, "some_tilts orientations particles"]


@dataclass(frozen=True)
class Columns:
    """What slices in some tilts are multiplied by, and what becomes of the products.

    Parameters
    ----------
    tilts
        Neighbouring tilts.
    images
        Images times the functions that shifts are mixtures of, real and imaginary parts.
    power_weight
        What the power of slices is multiplied by.
    mixing
        What mixes the functions into offsets.
    """

    tilts: slice
    images: Float32[Array, "particles some_tilts functions numbers"]
    power_weight: Float32[Array, "particles some_tilts pixels"]
    mixing: Float32[Array, "some_tilts functions offsets"]


@dataclass(frozen=True)
class MatrixComparison(Comparison):
    """Slices times images; what becomes of the power of slices is up to subclasses.

    Parameters
    ----------
    device, reader
        Where and how slices are read.
    columns
        Images, one entry for each stretch of tilts.
    """

    device: Device
    reader: SliceReader
    columns: Sequence[Columns]

    @property
    def orientations_at_once(self) -> int:
        """As the device likes it."""
        particles, tilts, functions, numbers = self.columns[0].images.shape
        products = 2 * particles * tilts * functions
        return self.device.orientations_at_once(_SINGLE_BYTES * (tilts * (numbers + numbers // 2) + products))

    def fill_scores(
        self,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        wanted: Bool[np.ndarray, "particles orientations"],
        scores: Scores,
    ) -> None:
        """Read the slices of each tilt once, and multiply them with the particles that want them."""
        parts = [
            (where, self.device.zeros32(where.orientation_count, where.particle_count, scores.shape[2]))
            for where in rectangles(wanted, self.device.block_orientations)
        ]
        for columns in self.columns:
            slices, squares = self.reader.with_squares(rotations, columns.tilts)
            for where, total in parts:
                images, power_weight = columns.images[where.particles], columns.power_weight[where.particles]
                products = _times(slices[:, where.orientations], images)
                total[...] += self._mixed(
                    products, _power(squares[:, where.orientations], power_weight), columns.mixing
                )
        for where, total in parts:
            scores[where.particles, where.orientations] = total.swapaxes(0, 1)

    @abstractmethod
    def _mixed(
        self, products: ByFunction, power: Power, mixing: Float32[Array, "some_tilts functions offsets"]
    ) -> Float32[Array, "orientations particles offsets"]:
        """Turn products with functions into scores of offsets, taking account of the power of the slices."""


@dataclass(frozen=True)
class Likelihood(MatrixComparison):
    """The power is half of what the log-likelihood multiplies it by, and is subtracted."""

    def _mixed(
        self, products: ByFunction, power: Power, mixing: Float32[Array, "some_tilts functions offsets"]
    ) -> Float32[Array, "orientations particles offsets"]:
        scores = _mixture(products, mixing)
        scores -= power.sum(axis=0)[..., None]
        return scores


@dataclass(frozen=True)
class Correlation(MatrixComparison):
    """Each slice is divided by the root of its power, that of the slice times the CTF."""

    def _mixed(
        self, products: ByFunction, power: Power, mixing: Float32[Array, "some_tilts functions offsets"]
    ) -> Float32[Array, "orientations particles offsets"]:
        root = np.sqrt(np.where(power > 0, power, np.float32(1)))
        return _mixture(products / root[..., None], mixing)


def _mixture(
    products: ByFunction, mixing: Float32[Array, "some_tilts functions offsets"]
) -> Float32[Array, "orientations particles offsets"]:
    """Add up mixtures over tilts; of a single one nothing is copied."""
    tilts, functions, offsets = mixing.shape
    rows = products.transpose(1, 2, 0, 3).reshape(-1, tilts * functions)
    return (rows @ mixing.reshape(-1, offsets)).reshape(*products.shape[1:3], offsets)


def _times(
    slices: Float32[Array, "some_tilts orientations numbers"],
    images: Float32[Array, "particles some_tilts functions numbers"],
) -> ByFunction:
    particles, tilts, functions, numbers = images.shape
    flat = images.swapaxes(0, 1).reshape(tilts, particles * functions, numbers)
    return (slices @ flat.swapaxes(1, 2)).reshape(*slices.shape[:2], particles, functions)


def _power(
    squares: Float32[Array, "some_tilts orientations pixels"], weight: Float32[Array, "particles some_tilts pixels"]
) -> Power:
    return squares @ weight.transpose(1, 2, 0)
