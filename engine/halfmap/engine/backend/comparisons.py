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
TotalPower = Float32[Array, "orientations particles"]


@dataclass(frozen=True)
class Columns:
    """What slices in some tilts are multiplied by.

    Parameters
    ----------
    tilts
        Neighbouring tilts.
    images
        Images times the functions that shifts are mixtures of, real and imaginary parts.
    power_weight
        What the power of slices is multiplied by.
    """

    tilts: slice
    images: Float32[Array, "particles some_tilts functions numbers"]
    power_weight: Float32[Array, "particles some_tilts pixels"]

    @property
    def functions(self) -> int:
        """Functions of all these tilts."""
        return int(self.images.shape[1] * self.images.shape[2])


@dataclass(frozen=True)
class MatrixComparison(Comparison):
    """Slices times images; what becomes of the power of slices is up to subclasses.

    Parameters
    ----------
    device, reader
        Where and how slices are read.
    columns
        Images, one entry for each stretch of tilts.
    mixing
        What mixes the functions of all tilts into offsets.
    """

    device: Device
    reader: SliceReader
    columns: Sequence[Columns]
    mixing: Float32[Array, "all_functions offsets"]

    @property
    def orientations_at_once(self) -> int:
        """As the device likes it."""
        particles, tilts, _, numbers = self.columns[0].images.shape
        products = 2 * particles * int(self.mixing.shape[0])
        return self.device.orientations_at_once(_SINGLE_BYTES * (tilts * (numbers + numbers // 2) + products))

    def fill_scores(
        self,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        wanted: Bool[np.ndarray, "particles orientations"],
        scores: Scores,
    ) -> None:
        """Read the slices of each tilt once, and multiply them with the particles that want them."""
        parts = [
            (where, self.device.empty(_count(where.orientations), _count(where.particles), self.mixing.shape[0]))
            for where in rectangles(wanted, self.device.block_orientations)
        ]
        powers = [self.device.zeros32(*products.shape[:2]) for _, products in parts]
        done = 0
        for columns in self.columns:
            slices, squares = self.reader.with_squares(rotations, columns.tilts)
            here = slice(done, done + columns.functions)
            for (where, products), power in zip(parts, powers, strict=True):
                images, power_weight = columns.images[where.particles], columns.power_weight[where.particles]
                found = _times(slices[:, where.orientations], images)
                weighed = self._weighed(found, _power(squares[:, where.orientations], power_weight), power)
                products[:, :, here] = weighed.transpose(1, 2, 0, 3).reshape(*products.shape[:2], -1)
            done = here.stop
        for (where, products), power in zip(parts, powers, strict=True):
            mixed = products.reshape(-1, done) @ self.mixing
            new = mixed.reshape(*products.shape[:2], -1) - power[..., None]
            scores[where.particles, where.orientations] = new.swapaxes(0, 1)

    @abstractmethod
    def _weighed(self, products: ByFunction, power: Power, total: TotalPower) -> ByFunction:
        """Take account of the power of the slices in some tilts."""


@dataclass(frozen=True)
class Likelihood(MatrixComparison):
    """The power is half of what the log-likelihood multiplies it by, and is subtracted."""

    def _weighed(self, products: ByFunction, power: Power, total: TotalPower) -> ByFunction:
        total += power.sum(axis=0)
        return products


@dataclass(frozen=True)
class Correlation(MatrixComparison):
    """Each slice is divided by the root of its power, that of the slice times the CTF."""

    def _weighed(self, products: ByFunction, power: Power, total: TotalPower) -> ByFunction:  # noqa: ARG002
        return products / np.sqrt(np.where(power > 0, power, np.float32(1)))[..., None]


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


def _count(some: slice) -> int:
    return int(some.stop - some.start)
