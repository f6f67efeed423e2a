"""Weights of Fourier space that turn the mean of two half maps into the map that is looked at."""

import numpy as np
from jaxtyping import Float64

from halfmap.engine.fourier.filters import low_pass_weights
from halfmap.engine.fourier.shells import radii, round_scalar, shell_indices
from halfmap.engine.postprocessing.settings import Mtf


def mtf_weights(box_px: int, pixel_size_angstrom: float, mtf: Mtf) -> Float64[np.ndarray, "n n half"]:
    """One over the detector's MTF, interpolated linearly; beyond its last point as at that point."""
    frequency = radii(box_px, 3) / box_px * (mtf.pixel_size_angstrom / pixel_size_angstrom)
    return 1 / np.interp(frequency, mtf.frequency_per_px, mtf.values)


def fsc_weights(fsc: Float64[np.ndarray, " shells"], box_px: int) -> Float64[np.ndarray, "n n half"]:
    """√(2 FSC / (1 + FSC)) of each shell, 0 from the first shell on whose FSC is not above 0.

    It is the correlation that the mean of the halves has with a perfect map (Rosenthal & Henderson 2003).
    """
    gone = np.cumsum(fsc <= 0) > 0
    kept = np.where(gone, 0, fsc)
    weights = np.append(np.sqrt(2 * kept / (1 + kept)), 0)
    return weights[np.minimum(shell_indices(box_px, 3), len(fsc))]


def b_factor_weights(
    box_px: int, pixel_size_angstrom: float, b_factor_angstrom2: float
) -> Float64[np.ndarray, "n n half"]:
    """exp(−B/(4 d²)): a negative B-factor sharpens."""
    return np.exp(-b_factor_angstrom2 / 4 * (radii(box_px, 3) / (box_px * pixel_size_angstrom)) ** 2)


def final_low_pass(
    box_px: int, pixel_size_angstrom: float, resolution_angstrom: float, edge_shells: float
) -> Float64[np.ndarray, "n n half"]:
    """Low-pass filter at the shell nearest to a resolution (RELION: lowPassFilterMap)."""
    return low_pass_weights(box_px, round_scalar(box_px * pixel_size_angstrom / resolution_angstrom), edge_shells)
