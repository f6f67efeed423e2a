"""Shifts of images within a small disc, written with a few functions: what many poses would compute again and again.

The phase factors exp(−2πi k·s) of all shifts s with |s| ≤ R and all frequencies |k| ≤ K are combinations of little more
than π R² · π K² functions of k, with real coefficients that depend on s alone (Slepian 1964). Products of slices with
images that were multiplied by these functions give the products with all shifted images.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64
from numpy.polynomial.chebyshev import chebvander2d

from halfmap.engine.fourier.shells import PixelList


@dataclass(frozen=True)
class ShiftBasis:
    """Functions that shifts within a disc are combinations of.

    Parameters
    ----------
    radius
        Largest shift, in pixels over the box size.
    functions
        Functions of the frequency, orthonormal as real vectors.
    from_chebyshev
        Turns products of Chebyshev polynomials of a shift into its coefficients.
    degree
        Degree of these polynomials along each axis.
    """

    radius: float
    functions: Complex64[np.ndarray, "functions pixels"]
    from_chebyshev: Float64[np.ndarray, "polynomials functions"]
    degree: int

    def coefficients(self, shifts: Float64[np.ndarray, "*n 2"]) -> Float32[np.ndarray, "*n functions"]:
        """Coefficients of shifts, which must lie within the disc."""
        polynomials = _chebyshev(shifts / self.radius, self.degree)
        return np.asarray(polynomials @ self.from_chebyshev, np.float32)


def shift_basis(pixels: PixelList, radius: float, tolerance: float) -> ShiftBasis:
    """Find the fewest functions that give every shift's phase factors.

    Parameters
    ----------
    pixels
        Frequencies.
    radius
        Largest shift, in pixels over the box size.
    tolerance
        Largest root mean square error of any shift's phase factors.
    """
    degree = _degree(2 * np.pi * radius * float(pixels.radius.max(initial=0)))
    shifts = _disc_of_shifts(radius, degree)
    phases = np.exp(-2j * np.pi * (shifts[:, :1] * pixels.kx + shifts[:, 1:] * pixels.ky))
    real = np.hstack([phases.real, phases.imag])
    # functions of shifts and those of frequencies belong together in pairs: the smaller matrix tells both
    power, of_shifts = np.linalg.eigh(real @ real.T)
    power, of_shifts = power[::-1], of_shifts[:, ::-1]
    count = functions_needed(power, of_shifts, tolerance)
    scale = np.sqrt(power[:count])
    chosen = (of_shifts[:, :count] / scale).T @ real
    pairs = chosen[:, : len(pixels.kx)] + 1j * chosen[:, len(pixels.kx) :]
    polynomials = _chebyshev(shifts / radius, degree)
    fitted = np.linalg.lstsq(polynomials, of_shifts[:, :count] * scale, rcond=1e-12)[0]
    return ShiftBasis(radius, pairs.astype(np.complex64), fitted, degree)


def functions_needed(
    power: Float64[np.ndarray, " shifts"], of_shifts: Float64[np.ndarray, "shifts shifts"], tolerance: float
) -> int:
    """How many principal components leave of no shift more than a share of its size; given from largest to smallest."""
    parts = of_shifts**2 * np.maximum(power, 0)
    left = parts[:, ::-1].cumsum(axis=1)[:, ::-1] / parts.sum(axis=1, keepdims=True)
    # left[:, n] is what n functions leave
    return int((left.max(axis=0) > tolerance**2).sum())


def _degree(largest_phase: float) -> int:
    """Degree at which a wave's Chebyshev series has converged: its terms vanish soon beyond its largest phase."""
    return int(np.ceil(largest_phase)) + 8


def _chebyshev(points: Float64[np.ndarray, "*n 2"], degree: int) -> Float64[np.ndarray, "*n polynomials"]:
    every = chebvander2d(points[..., 0], points[..., 1], [degree, degree])
    total = np.add.outer(np.arange(degree + 1), np.arange(degree + 1)).ravel()
    return every[..., total <= degree]


def _disc_of_shifts(radius: float, degree: int) -> Float64[np.ndarray, "n 2"]:
    """Shifts that are denser near the rim, where a series is least accurate."""
    axis = np.cos(np.linspace(0, np.pi, 2 * degree))
    x, y = (part.ravel() for part in np.meshgrid(axis, axis))
    return radius * np.column_stack([x, y])[np.hypot(x, y) <= 1]
