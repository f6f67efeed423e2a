"""Fourier shell correlation between half maps."""

import numpy as np
from jaxtyping import Complex, Float, Float64, Int64

from halfmap.engine.fourier.shells import round_half_away, shell_indices, shell_sums
from halfmap.engine.fourier.transform import transform_map

GOLD_STANDARD = 0.143
"""FSC between half maps at which their mean is taken to be resolved."""


def shell_correlation(
    first: Complex[np.ndarray, " n"], second: Complex[np.ndarray, " n"], shells: Int64[np.ndarray, " n"], count: int
) -> Float64[np.ndarray, " shells"]:
    """Correlate two transforms shell by shell: Σ Re(a·b*) / √(Σ|a|² Σ|b|²); 0 where a shell is empty."""
    cross = shell_sums((first * second.conj()).real, shells, count)
    power = shell_sums(np.abs(first) ** 2, shells, count) * shell_sums(np.abs(second) ** 2, shells, count)
    return np.divide(cross, np.sqrt(power), out=np.zeros(count), where=power > 0)


def fsc_of_averages(
    first: Complex[np.ndarray, "m m mhalf"], second: Complex[np.ndarray, "m m mhalf"], max_shell: int, box_px: int
) -> Float64[np.ndarray, " shells"]:
    """Correlate down-sampled averages of two accumulators, up to `max_shell`; 1 at the origin.

    RELION: BackProjector::calculateDownSampledFourierShellCorrelation.
    """
    centre = first.shape[0] // 2
    square = (np.arange(first.shape[0]) - centre) ** 2.0
    radius = np.sqrt(square[:, None, None] + square[None, :, None] + np.arange(first.shape[2]) ** 2.0)
    keep = radius <= max_shell
    count = box_px // 2 + 1
    fsc = shell_correlation(first[keep], second[keep], round_half_away(radius[keep]), count)
    fsc[0] = 1.0
    return fsc


def fsc_of_maps(
    first: Float[np.ndarray, "n n n"], second: Float[np.ndarray, "n n n"]
) -> Float64[np.ndarray, " shells"]:
    """Correlate two maps; shells 0 … n/2, 1 at the origin (RELION: getFSC)."""
    box_px = first.shape[0]
    shells = shell_indices(box_px, 3).ravel()
    fsc = shell_correlation(
        transform_map(first.astype(np.float64)).ravel(),
        transform_map(second.astype(np.float64)).ravel(),
        shells,
        box_px // 2 + 1,
    )
    fsc[0] = 1.0
    return fsc


def shell_resolutions(shells: int, extent_angstrom: float) -> tuple[float | None, ...]:
    """Resolution of each shell of a box, in Å; None for shell 0."""
    return tuple(extent_angstrom / shell if shell else None for shell in range(shells))


def resolution_shell(fsc: Float64[np.ndarray, " shells"], threshold: float) -> int:
    """Last shell before the curve first falls below a threshold; the last shell of all if it never does."""
    below = np.flatnonzero(fsc[1:] < threshold)
    return int(below[0]) if len(below) else len(fsc) - 1
