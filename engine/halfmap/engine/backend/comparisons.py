"""Comparing slices with the images of many particles by matrix products, one tilt after the other."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from halfmap.engine.backend.interface import Comparison
from halfmap.engine.backend.slice_reader import SliceReader

_ORIENTATIONS = 256
"""A matrix of so many rows is multiplied nearly as fast as a large one, and its slices in one tilt fit into the cache."""

Slices = Float32[np.ndarray, "orientations numbers"]
Squares = Float32[np.ndarray, "orientations pixels"]
Found = Float32[np.ndarray, "*anything"]


@dataclass(frozen=True)
class CpuComparison(Comparison):
    """Goes through tilts; what is added up over them is up to subclasses.

    Parameters
    ----------
    reader
        Reads slices.
    """

    reader: SliceReader

    @property
    def orientations_at_once(self) -> int:
        """See `_ORIENTATIONS`."""
        return _ORIENTATIONS

    def fill_scores(
        self,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        which: Bool[np.ndarray, " particles"],
        scores: Float32[np.ndarray, "particles orientations offsets"],
    ) -> None:
        """Read the slices of each tilt once, and multiply them with each row of particles without a gap."""
        rows = list(_runs(which))
        found = [self._begun(len(rotations), some) for some in rows]
        for tilt in range(self.reader.tilts):
            slices, squares = self.reader.with_squares(rotations, tilt)
            for some, sums in zip(rows, found, strict=True):
                self._add(tilt, some, slices, squares, sums)
        for some, sums in zip(rows, found, strict=True):
            scores[some] = self._ended(some, sums)

    @abstractmethod
    def _begun(self, orientations: int, some: slice) -> tuple[Found, ...]:
        """Sums over no tilt."""

    @abstractmethod
    def _add(self, tilt: int, some: slice, slices: Slices, squares: Squares, sums: tuple[Found, ...]) -> None:
        """Add a tilt."""

    @abstractmethod
    def _ended(self, some: slice, sums: tuple[Found, ...]) -> Float32[np.ndarray, "particles orientations offsets"]:
        """Turn sums into scores."""


@dataclass(frozen=True)
class ByShifts(CpuComparison):
    """Log-likelihoods with each image in each offset; best for few offsets.

    Parameters
    ----------
    columns
        Weighted and shifted images.
    half_weight
        Half of what the log-likelihood multiplies the power of a slice by.
    """

    columns: Float32[np.ndarray, "tilts particles offsets numbers"]
    half_weight: Float32[np.ndarray, "tilts particles pixels"]

    def _begun(self, orientations: int, some: slice) -> tuple[Found, ...]:
        particles, offsets = self.columns[0, some].shape[:2]
        return (np.zeros((orientations, particles, offsets), np.float32),)

    def _add(self, tilt: int, some: slice, slices: Slices, squares: Squares, sums: tuple[Found, ...]) -> None:
        (total,) = sums
        total += _products(slices, self.columns[tilt, some])
        total -= (squares @ self.half_weight[tilt, some].T)[..., None]

    def _ended(self, some: slice, sums: tuple[Found, ...]) -> Float32[np.ndarray, "particles orientations offsets"]:  # noqa: ARG002
        return sums[0].swapaxes(0, 1)


@dataclass(frozen=True)
class ByBasis(CpuComparison):
    """Log-likelihoods with each image times the functions that shifts are combinations of; best for many offsets.

    Parameters
    ----------
    columns
        Weighted images times functions.
    half_weight
        Half of what the log-likelihood multiplies the power of a slice by.
    coefficients
        What combines the functions of all tilts into offsets.
    """

    columns: Float32[np.ndarray, "tilts particles functions numbers"]
    half_weight: Float32[np.ndarray, "tilts particles pixels"]
    coefficients: Float32[np.ndarray, "particles tilts_functions offsets"]

    def _begun(self, orientations: int, some: slice) -> tuple[Found, ...]:
        tilts, (particles, functions) = len(self.columns), self.columns[0, some].shape[:2]
        products = np.empty((particles, orientations, tilts, functions), np.float32)
        return products, np.zeros((orientations, particles), np.float32)

    def _add(self, tilt: int, some: slice, slices: Slices, squares: Squares, sums: tuple[Found, ...]) -> None:
        products, power = sums
        products[:, :, tilt] = _products(slices, self.columns[tilt, some]).swapaxes(0, 1)
        power += squares @ self.half_weight[tilt, some].T

    def _ended(self, some: slice, sums: tuple[Found, ...]) -> Float32[np.ndarray, "particles orientations offsets"]:
        products, power = sums
        by_offset = products.reshape(*products.shape[:2], -1) @ self.coefficients[some]
        return by_offset - power.T[..., None]


@dataclass(frozen=True)
class ByCorrelation(CpuComparison):
    """Sums of correlation coefficients; slices are normalised image by image.

    Parameters
    ----------
    columns
        Images times their CTF, shifted.
    squared_ctf
        Squared CTF.
    """

    columns: Float32[np.ndarray, "tilts particles offsets numbers"]
    squared_ctf: Float32[np.ndarray, "tilts particles pixels"]

    def _begun(self, orientations: int, some: slice) -> tuple[Found, ...]:
        particles, offsets = self.columns[0, some].shape[:2]
        return (np.zeros((orientations, particles, offsets), np.float32),)

    def _add(self, tilt: int, some: slice, slices: Slices, squares: Squares, sums: tuple[Found, ...]) -> None:
        power = squares @ self.squared_ctf[tilt, some].T
        scale = 1 / np.sqrt(power, out=np.ones_like(power), where=power > 0)
        sums[0][:] += scale[..., None] * _products(slices, self.columns[tilt, some])

    def _ended(self, some: slice, sums: tuple[Found, ...]) -> Float32[np.ndarray, "particles orientations offsets"]:  # noqa: ARG002
        return sums[0].swapaxes(0, 1)


def _products(
    slices: Slices, columns: Float32[np.ndarray, "particles each numbers"]
) -> Float32[np.ndarray, "orientations particles each"]:
    found = slices @ columns.reshape(-1, columns.shape[2]).T
    return found.reshape(len(slices), *columns.shape[:2])


def _runs(which: Bool[np.ndarray, " n"]) -> Iterator[slice]:
    """Give stretches of entries that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(np.int8)))
    return (slice(first, last) for first, last in edges.reshape(-1, 2).tolist())
