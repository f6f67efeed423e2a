"""Corrections for interpolation between the points of a Fourier grid."""

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.fourier.masks import distances

_BLOB_RADIUS = 1.9
_BLOB_ALPHA = 15.0


def divide_by_sinc2(density: Float[np.ndarray, "n n n"], padding: float) -> Float[np.ndarray, "n n n"]:
    """Divide a map by sinc²(r/(n·padding)), r being the distance from the centre in voxels.

    RELION: Projector::griddingCorrect; the radius is taken, not the product over the axes.
    """
    box_px = density.shape[0]
    return density / np.sinc(distances(box_px, 3) / (box_px * padding)) ** 2


def blob_transform(radius_px: Float64[np.ndarray, "*n"], padded_px: int) -> Float64[np.ndarray, "*n"]:
    """Fourier transform of a Kaiser–Bessel blob (radius 1.9 voxels, α 15, order 0), 1 at the origin.

    Parameters
    ----------
    radius_px
        Distance in real space, in voxels of the padded box.
    padded_px
        Padded box size.

    Notes
    -----
    Lewitt (1990), J. Opt. Soc. Am. A 7, 1834: in three dimensions ∝ I_{3/2}(√(α²−u²))/(α²−u²)^{3/4}, written
    here with sinh and cosh.
    """
    u = 2 * np.pi * _BLOB_RADIUS * radius_px / padded_px
    inner = np.sqrt((_BLOB_ALPHA**2 - u**2).astype(np.complex128))
    inner = np.where(np.abs(inner) < 1e-6, 1e-6, inner)
    value = ((np.cosh(inner) - np.sinh(inner) / inner) / inner**2).real
    origin = (np.cosh(_BLOB_ALPHA) - np.sinh(_BLOB_ALPHA) / _BLOB_ALPHA) / _BLOB_ALPHA**2
    return np.asarray(value / origin)
