"""Weights that make the noise of tilt images white."""

import numpy as np
import scipy.fft
from jaxtyping import Float32, Float64

from halfmap.engine.imaging.transfer import rows_of


def whitening_weights(
    images: Float32[np.ndarray, "tilts height width"], box_px: int, binning: float
) -> Float32[np.ndarray, "tilts n half"]:
    """One over the power of each tilt image, averaged over rings, at every pixel of half-transforms of a box.

    RELION: Tomogram::computeNoiseWeight.

    Parameters
    ----------
    images
        Tilt images.
    box_px
        Binned box.
    binning
        Tilt-series pixels per pixel of the box.
    """
    tile_px = min(round(box_px * binning), *images.shape[1:])
    radius = np.hypot(rows_of(box_px)[:, None], np.arange(box_px // 2 + 1)) * tile_px / (box_px * binning)
    out = np.empty((len(images), *radius.shape), np.float32)
    for weights, image in zip(out, images, strict=True):
        profile = ring_means(mean_power(image, tile_px))
        inverse = np.divide(1, profile, out=np.zeros_like(profile), where=profile > 0)
        weights[:] = np.interp(radius, np.arange(len(profile)), inverse)
    return out


def mean_power(image: Float32[np.ndarray, "height width"], tile_px: int) -> Float64[np.ndarray, "n half"]:
    """Power of square tiles that overlap by half, averaged; per pixel, so that white noise has its variance."""
    step = max(tile_px // 2, 1)
    tiles = np.lib.stride_tricks.sliding_window_view(image, (tile_px, tile_px))[::step, ::step]
    total = np.zeros((tile_px, tile_px // 2 + 1))
    for row in tiles:
        total += (np.abs(scipy.fft.rfft2(row)) ** 2).sum(axis=0)
    return total / (tiles.shape[0] * tiles.shape[1] * tile_px**2)


def ring_means(power: Float64[np.ndarray, "n half"]) -> Float64[np.ndarray, " rings"]:
    """Average a half-transform over rings up to its last column; a pixel between two rings counts for both in part."""
    radius = np.hypot(rows_of(power.shape[0])[:, None], np.arange(power.shape[1])).ravel()
    inner = radius.astype(np.int64)
    share, rings = radius - inner, power.shape[1]
    size = int(inner.max()) + 2
    total = np.bincount(inner, (1 - share) * power.ravel(), size) + np.bincount(inner + 1, share * power.ravel(), size)
    count = np.bincount(inner, 1 - share, size) + np.bincount(inner + 1, share, size)
    return total[:rings] / count[:rings]
