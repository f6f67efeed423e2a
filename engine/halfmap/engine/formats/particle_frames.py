"""The frames in which particles tell their poses, and where their offsets point."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_vectors
from halfmap.engine.particles.pose import euler_to_matrix


def frames(table: pd.DataFrame, path: Path) -> Float64[np.ndarray, "particles 3 3"]:
    """Rotation A_sub from each particle's subtomogram frame to its tomogram; none where the file does not tell."""
    return euler_to_matrix(as_vectors(table, labels.SUBTOMOGRAM_ANGLES, path, 0.0))


def moved_angstrom(table: pd.DataFrame, path: Path) -> Float64[np.ndarray, "particles 3"]:
    """How far each particle is from its coordinates, along the axes of the tomogram: −A_sub · origin."""
    origins = as_vectors(table, labels.ORIGINS, path, 0.0)
    return -(frames(table, path) @ origins[..., None])[..., 0]
