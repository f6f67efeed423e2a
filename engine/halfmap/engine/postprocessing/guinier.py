"""The Guinier plot of a map and the B-factor that it tells (Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.shells import shell_indices, shell_means
from halfmap.engine.postprocessing.settings import FitRange

_LEAST_SHELLS = 3


@dataclass(frozen=True)
class GuinierFit:
    """A straight line through ln(amplitude) over 1/d².

    Parameters
    ----------
    slope_angstrom2
        A quarter of the B-factor.
    intercept
        ln(amplitude) at 1/d² = 0.
    correlation
        Between the line and the plot, 0 to 1.
    """

    slope_angstrom2: float
    intercept: float
    correlation: float

    @property
    def b_factor_angstrom2(self) -> float:
        """Negative where amplitudes fall with resolution; applying it makes them flat."""
        return 4 * self.slope_angstrom2


def log_amplitudes(transform: Complex[np.ndarray, "n n half"]) -> Float64[np.ndarray, " shells"]:
    """Logarithm of the mean amplitude of each shell; NaN where a shell is empty."""
    box_px = transform.shape[0]
    means = shell_means(np.abs(transform).ravel(), shell_indices(box_px, 3).ravel(), box_px // 2 + 1)
    return np.log(means, out=np.full(len(means), np.nan), where=means > 0)


def inverse_square(shells: int, extent_angstrom: float) -> Float64[np.ndarray, " shells"]:
    """1/d² of each shell, in Å⁻²."""
    return (np.arange(shells) / extent_angstrom) ** 2


def fit_b_factor(log_amplitude: Float64[np.ndarray, " shells"], extent_angstrom: float, within: FitRange) -> GuinierFit:
    """Fit a line by least squares to the shells of a range that hold something.

    Raises
    ------
    BadInput
        If fewer than three shells are left.
    """
    square = inverse_square(len(log_amplitude), extent_angstrom)
    highest = within.highest_angstrom or 0.0
    low, high = 1 / within.lowest_angstrom**2, 1 / highest**2 if highest > 0 else np.inf
    used = (square >= low) & (square <= high) & np.isfinite(log_amplitude)
    if np.count_nonzero(used) < _LEAST_SHELLS:
        last = np.flatnonzero(np.isfinite(log_amplitude))[-1:]
        reached = f"{extent_angstrom / last[0]:.1f} Å" if len(last) and last[0] else "nothing"
        raise BadInput(
            f"only {np.count_nonzero(used)} shells from {within.lowest_angstrom:g} Å on are left for the B-factor, and "
            f"three are needed: the maps agree up to {reached}. Give --autob_lowres a larger number, or a B-factor "
            f"with --adhoc_bfac instead of --auto_bfac."
        )
    x, y = square[used], log_amplitude[used]
    slope, intercept = np.polyfit(x, y, 1)
    spread = float(x.std() * y.std())
    correlation = abs(float(np.mean((x - x.mean()) * (y - y.mean())))) / spread if spread > 0 else 0.0
    return GuinierFit(float(slope), float(intercept), correlation)
