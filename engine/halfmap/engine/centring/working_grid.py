"""One grid for a map and what it is compared with, whatever grids they come on."""

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.fourier.transform import resample_map
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.initialisation import on_grid

_PIXEL_SIZE_ANGSTROM = 4.0
_LARGEST_BOX_PX = 96


def working_box(box_px: int, pixel_size_angstrom: float) -> int:
    """Even number of voxels across a map, such that they are about 4 Å wide but not more than 96."""
    return min(2 * round(box_px * pixel_size_angstrom / _PIXEL_SIZE_ANGSTROM / 2), _LARGEST_BOX_PX)


def on_working_grid(
    density: Float32[np.ndarray, "n n n"], pixel_size_angstrom: float, grid: ModelGrid
) -> Float64[np.ndarray, "m m m"]:
    """Bring a map to a map's grid (its box and pixel size), and that to the working grid of the same extent."""
    same = on_grid(density, pixel_size_angstrom, grid)
    return resample_map(same.astype(np.float64), working_box(grid.box_px, grid.pixel_size_angstrom))
