"""Comparing slices with the images of many particles by matrix products, one tilt after the other."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from halfmap.engine.backend.interface import Comparison
from halfmap.engine.backend.slice_reader import SliceReader

_ORIENTATIONS = 256
"""A matrix of so many rows is multiplied nearly as fast as a large one; its slices in one tilt fit into the cache."""

Scores = Float32[np.ndarray, "particles orientations offsets"]
ByParticle = Float32[np.ndarray, "orientations particles"]


@dataclass(frozen=True)
class CpuComparison(Comparison):
    """Slices times images; what becomes of the power of slices is up to subclasses.

    Parameters
    ----------
    reader
        Reads slices.
    columns
        For each tilt the images times the functions that shifts are mixtures of, real and imaginary parts.
    mixing
        What mixes the functions of all tilts into offsets.
    power_weight
        What the power of slices is multiplied by.
    """

    reader: SliceReader
    columns: tuple[Float32[np.ndarray, "particles functions numbers"], ...]
    mixing: Float32[np.ndarray, "all_functions offsets"]
    power_weight: Float32[np.ndarray, "tilts particles pixels"]

    @property
    def orientations_at_once(self) -> int:
        """See `_ORIENTATIONS`."""
        return _ORIENTATIONS

    def fill_scores(
        self, rotations: Float64[np.ndarray, "orientations 3 3"], which: Bool[np.ndarray, " particles"], scores: Scores
    ) -> None:
        """Read the slices of each tilt once, and multiply them with each row of particles without a gap."""
        rows = [(some, *self._empty(len(rotations), some)) for some in _runs(which)]
        done = 0
        for tilt, columns in enumerate(self.columns):
            slices, squares = self.reader.with_squares(rotations, tilt)
            here = slice(done, done + columns.shape[1])
            for some, products, power in rows:
                flat = columns[some].reshape(-1, columns.shape[2])
                found = (slices @ flat.T).reshape(len(slices), -1, columns.shape[1])
                products[:, :, here] = self._weighed(found, squares @ self.power_weight[tilt, some].T, power)
            done = here.stop
        for some, products, power in rows:
            mixed = products.reshape(-1, done) @ self.mixing
            scores[some] = (mixed.reshape(*products.shape[:2], -1) - power[..., None]).swapaxes(0, 1)

    def _empty(self, orientations: int, some: slice) -> tuple[Float32[np.ndarray, "..."], ByParticle]:
        particles = some.stop - some.start
        products = np.empty((orientations, particles, len(self.mixing)), np.float32)
        return products, np.zeros((orientations, particles), np.float32)

    @abstractmethod
    def _weighed(
        self, products: Float32[np.ndarray, "orientations particles functions"], power: ByParticle, total: ByParticle
    ) -> Float32[np.ndarray, "orientations particles functions"]:
        """Take account of the power of the slices in one tilt."""


@dataclass(frozen=True)
class Likelihood(CpuComparison):
    """The power is half of what the log-likelihood multiplies it by, and is subtracted."""

    def _weighed(
        self, products: Float32[np.ndarray, "orientations particles functions"], power: ByParticle, total: ByParticle
    ) -> Float32[np.ndarray, "orientations particles functions"]:
        total += power
        return products


@dataclass(frozen=True)
class Correlation(CpuComparison):
    """Each slice is divided by the root of its power, that of the slice times the CTF."""

    def _weighed(
        self,
        products: Float32[np.ndarray, "orientations particles functions"],
        power: ByParticle,
        total: ByParticle,  # noqa: ARG002
    ) -> Float32[np.ndarray, "orientations particles functions"]:
        return products / np.sqrt(np.where(power > 0, power, 1))[..., None]


def _runs(which: Bool[np.ndarray, " n"]) -> Iterator[slice]:
    """Give stretches of entries that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(np.int8)))
    return (slice(first, last) for first, last in edges.reshape(-1, 2).tolist())
