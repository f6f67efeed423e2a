"""How far each voxel is from the surface of a density, and soft masks around it."""

import numpy as np
import scipy.ndimage
from jaxtyping import Bool, Float64

# the density's level is the mean of its highest voxels, as many as this share of the mask
_TOP_SHARE = 0.02


def level_of(density: Float64[np.ndarray, "n n n"], mask_voxels: float) -> float:
    """Mean of the highest voxels of a map."""
    count = max(int(_TOP_SHARE * mask_voxels), 1)
    return float(np.partition(density.ravel(), -count)[-count:].mean())


def distance_from_surface(inside: Bool[np.ndarray, "z y x"]) -> Float64[np.ndarray, "z y x"]:
    """Distance of each voxel from the surface of a body, in voxels; negative inside, infinite without a body."""
    if not inside.any():
        return np.full(inside.shape, np.inf)
    outer = scipy.ndimage.distance_transform_edt(~inside)
    inner = scipy.ndimage.distance_transform_edt(inside)
    return np.where(inside, 0.5 - inner, outer - 0.5)


def soft_envelope(
    distance_px: Float64[np.ndarray, "*any"], extension_px: float, edge_px: float
) -> Float64[np.ndarray, "*any"]:
    """Mask that is 1 up to a distance from the surface and falls to 0 over a cosine edge, half of it on either side."""
    position = np.clip((distance_px - extension_px) / edge_px + 0.5, 0, 1)
    return 0.5 + 0.5 * np.cos(np.pi * position)
