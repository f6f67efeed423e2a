"""Filters of maps in Fourier space."""

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.fourier.shells import radii
from halfmap.engine.fourier.transform import restore_map, transform_map


def low_pass_weights(box_px: int, cut_shell: float, edge_shells: float) -> Float64[np.ndarray, "n n half"]:
    """Weights that fall from 1 to 0 as a cosine over `edge_shells` around a shell."""
    position = np.clip((cut_shell + edge_shells / 2 - radii(box_px, 3)) / edge_shells, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * position)


def low_pass(
    density: Float[np.ndarray, "n n n"], cut_shell: float, edge_shells: float = 2.0
) -> Float64[np.ndarray, "n n n"]:
    """Low-pass filter a map, with a cosine edge around a shell."""
    weights = low_pass_weights(density.shape[0], cut_shell, edge_shells)
    return restore_map(transform_map(density.astype(np.float64)) * weights)
