"""Images of particles as the columns of a matrix whose product with slices gives the scores of all offsets."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


class Columns(ABC):
    """Weighted images of some particles in all their offsets."""

    @abstractmethod
    def products(
        self, slices: Float32[np.ndarray, "orientations tilts numbers"], some: slice
    ) -> Float32[np.ndarray, "orientations particles offsets"]:
        """Σ Re(X · conj(P)) of slices with some of the particles."""


@dataclass(frozen=True)
class ShiftedColumns(Columns):
    """Each image in each offset: best for a few offsets.

    Parameters
    ----------
    values
        Real and imaginary parts of all pixels of all tilts.
    """

    values: Float32[np.ndarray, "particles offsets all_numbers"]

    def products(
        self, slices: Float32[np.ndarray, "orientations tilts numbers"], some: slice
    ) -> Float32[np.ndarray, "orientations particles offsets"]:
        """One product, with the tilts inside."""
        values = self.values[some]
        found = slices.reshape(len(slices), -1) @ values.reshape(-1, values.shape[2]).T
        return found.reshape(len(slices), *values.shape[:2])


@dataclass(frozen=True)
class BasisColumns(Columns):
    """Each image times the functions that shifts are combinations of: best for many offsets.

    Parameters
    ----------
    values
        Real and imaginary parts of all pixels.
    coefficients
        Coefficients of the offsets.
    """

    values: Float32[np.ndarray, "tilts particles functions numbers"]
    coefficients: Float32[np.ndarray, "particles tilts_functions offsets"]

    def products(
        self, slices: Float32[np.ndarray, "orientations tilts numbers"], some: slice
    ) -> Float32[np.ndarray, "orientations particles offsets"]:
        """One product for each tilt, and one for each particle that combines functions into offsets."""
        tilts, _, functions, numbers = self.values.shape
        coefficients = self.coefficients[some]
        middle = np.empty((len(slices), tilts, len(coefficients), functions), np.float32)
        for tilt in range(tilts):
            columns = self.values[tilt, some].reshape(-1, numbers)
            middle[:, tilt] = (slices[:, tilt] @ columns.T).reshape(len(slices), -1, functions)
        by_particle = np.ascontiguousarray(middle.transpose(2, 0, 1, 3)).reshape(len(coefficients), len(slices), -1)
        return np.matmul(by_particle, coefficients).swapaxes(0, 1)
