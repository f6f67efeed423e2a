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
from halfmap.engine.backend.slice_reader import SliceReader, spans

_SINGLE_BYTES = 4

Scores = Float32[Array, "particles orientations offsets"]
ByFunction = Float32[Array, "some_tilts orientations particles functions"]
Power = Float32[Array, "some_tilts orientations particles"]
Total = Float32[Array, "orientations particles offsets"]
TotalPower = Float32[Array, "orientations particles"]


@dataclass(frozen=True)
class Columns:
    """What slices in some tilts are multiplied by, and what becomes of the products.

    Parameters
    ----------
    tilts, pixels
        Neighbouring tilts and pixels.
    images
        Images times the functions that shifts are mixtures of, real and imaginary parts.
    power_weight
        What the power of slices is multiplied by.
    mixing
        What mixes the functions into offsets.
    """

    tilts: slice
    pixels: slice
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
        Images, one entry for each stretch of tilts and pixels.
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
        zeros = self.device.zeros32
        parts = [
            (where, zeros(*where.shape, scores.shape[2]), zeros(*where.shape))
            for where in rectangles(wanted, self.device.block_orientations)
        ]
        for columns in self.columns:
            slices, squares = self.reader.with_squares(rotations, columns.tilts, columns.pixels)
            for where, total, total_power in parts:
                images, power_weight = columns.images[where.particles], columns.power_weight[where.particles]
                products = _times(slices[:, where.orientations], images)
                weighed = self._weighed(products, _power(squares[:, where.orientations], power_weight), total_power)
                self._add_mixture(total, weighed, columns.mixing)
        for where, total, total_power in parts:
            self._conclude(total, total_power)
            scores[where.particles, where.orientations] = total.swapaxes(0, 1)

    @abstractmethod
    def _weighed(self, products: ByFunction, power: Power, total_power: TotalPower) -> ByFunction:
        """Take account of the power of slices in some tilts: at once, or by adding it up for the end."""

    @abstractmethod
    def _conclude(self, total: Total, total_power: TotalPower) -> None:
        """Take account, in place, of the power that was added up."""

    def _add_mixture(
        self,
        total: Total,
        products: ByFunction,
        mixing: Float32[Array, "some_tilts functions offsets"],
    ) -> None:
        """Turn products with functions into scores of offsets, some orientations at a time, which stay in the cache."""
        orientations, particles, offsets = total.shape
        rows = products.transpose(1, 2, 0, 3).reshape(orientations, particles, -1)
        coefficients = mixing.reshape(-1, offsets)
        for some in spans(orientations, _SINGLE_BYTES * particles * offsets, self.device.cache_bytes):
            total[some] += (rows[some].reshape(-1, len(coefficients)) @ coefficients).reshape(-1, particles, offsets)


@dataclass(frozen=True)
class Likelihood(MatrixComparison):
    """The power is half of what the log-likelihood multiplies it by, and is subtracted."""

    def _weighed(self, products: ByFunction, power: Power, total_power: TotalPower) -> ByFunction:
        total_power += power.sum(axis=0)
        return products

    def _conclude(self, total: Total, total_power: TotalPower) -> None:
        total -= total_power[..., None]


@dataclass(frozen=True)
class Correlation(MatrixComparison):
    """Each slice is divided by the root of its power, that of the slice times the CTF."""

    def _weighed(self, products: ByFunction, power: Power, total_power: TotalPower) -> ByFunction:  # noqa: ARG002
        return products / _root(power)

    def _conclude(self, total: Total, total_power: TotalPower) -> None:
        """Nothing is left to do."""


@dataclass(frozen=True)
class CorrelationOfVolumes(MatrixComparison):
    """The whole of a rotated reference, of which each stretch is a part, is divided by the root of its power."""

    def _weighed(self, products: ByFunction, power: Power, total_power: TotalPower) -> ByFunction:
        total_power += power.sum(axis=0)
        return products

    def _conclude(self, total: Total, total_power: TotalPower) -> None:
        total /= _root(total_power)


def _root(power: Float32[Array, "*n"]) -> Float32[Array, "*n 1"]:
    """Root of a power, 1 where there is none."""
    return np.sqrt(np.where(power > 0, power, np.float32(1)))[..., None]


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
