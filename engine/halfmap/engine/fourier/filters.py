"""Weights that filter a map in Fourier space."""

import numpy as np
from jaxtyping import Float64

from halfmap.engine.fourier.shells import radii


def low_pass_weights(box_px: int, cut_shell: float, edge_shells: float) -> Float64[np.ndarray, "n n half"]:
    """Weights that fall from 1 to 0 as a cosine over `edge_shells` around a shell."""
    position = np.clip((cut_shell + edge_shells / 2 - radii(box_px, 3)) / edge_shells, 0, 1)
    return 0.5 - 0.5 * np.cos(np.pi * position)
