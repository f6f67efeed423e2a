"""Fourier transforms with RELION's normalisation, and resampling of maps in Fourier and real space.

Forward transforms are divided by the number of pixels; the origin of an image or map is pixel n/2.
"""

import numpy as np
import scipy.fft
from jaxtyping import Complex, Float

from halfmap.engine.arrays import Array
from halfmap.engine.fourier.shells import frequencies


def transform_images(images: Float[Array, "images n n"]) -> Complex[Array, "images n half"]:
    """Transform centred images into half-transforms divided by n²."""
    if not isinstance(images, np.ndarray):
        # SciPy does not know arrays on cards
        return np.fft.rfft2(np.fft.ifftshift(images, axes=(1, 2)), norm="forward")
    return scipy.fft.rfft2(scipy.fft.ifftshift(images, axes=(1, 2)), norm="forward")


def transform_map(density: Float[np.ndarray, "n n n"], workers: int = 1) -> Complex[np.ndarray, "n n half"]:
    """Transform a centred map into a half-transform divided by n³."""
    return scipy.fft.rfftn(scipy.fft.ifftshift(density), norm="forward", workers=workers)


def restore_map(half_transform: Complex[np.ndarray, "n n half"], workers: int = 1) -> Float[np.ndarray, "n n n"]:
    """Invert `transform_map`."""
    box_px = half_transform.shape[0]
    shape = (box_px, box_px, box_px)
    return scipy.fft.fftshift(scipy.fft.irfftn(half_transform, s=shape, norm="forward", workers=workers))


def window_transform(half_transform: Complex[np.ndarray, "n n half"], box_px: int) -> Complex[np.ndarray, "m m mhalf"]:
    """Crop or pad a half-transform of a map to another even box size.

    Padding copies only the Nyquist sphere (RELION: windowFourierTransform); nothing is rescaled.
    """
    old_px = half_transform.shape[0]
    common = min(old_px, box_px)
    rows = frequencies(common)
    out = np.zeros((box_px, box_px, box_px // 2 + 1), half_transform.dtype)
    block = half_transform[np.ix_(rows, rows, np.arange(common // 2 + 1))]
    if box_px > old_px:
        square = rows.astype(np.float64) ** 2
        radius2 = square[:, None, None] + square[None, :, None] + np.arange(common // 2 + 1) ** 2
        block = np.where(radius2 <= (old_px // 2) ** 2, block, 0)
    out[np.ix_(rows, rows, np.arange(common // 2 + 1))] = block
    return out


def resample_map(density: Float[np.ndarray, "n n n"], box_px: int) -> Float[np.ndarray, "m m m"]:
    """Change the number of voxels across the same extent by cropping or padding in Fourier space."""
    if box_px == density.shape[0]:
        return density
    return restore_map(window_transform(transform_map(density), box_px)).astype(density.dtype)


def window_map(density: Float[np.ndarray, "n n n"], box_px: int, fill: float = 0.0) -> Float[np.ndarray, "m m m"]:
    """Crop a map around its centre, or pad it with a constant."""
    old_px = density.shape[0]
    start = old_px // 2 - box_px // 2
    low, high = max(start, 0), min(start + box_px, old_px)
    out = np.full((box_px,) * 3, fill, density.dtype)
    inner = slice(low - start, high - start)
    out[inner, inner, inner] = density[low:high, low:high, low:high]
    return out
