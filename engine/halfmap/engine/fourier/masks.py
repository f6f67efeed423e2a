"""Soft spheres and circles with raised-cosine edges."""

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.arrays import Array, beside


def distances(box_px: int, dimensions: int) -> Float64[np.ndarray, "*box"]:
    """Distance of each pixel from the centre n/2, in pixels."""
    squares = (np.arange(box_px) - box_px // 2) ** 2.0
    total = squares
    for _ in range(dimensions - 1):
        total = total[..., None] + squares
    return np.sqrt(total)


def background_fraction(
    radius: Float64[np.ndarray, "*box"], inner_px: float, edge_px: float
) -> Float64[np.ndarray, "*box"]:
    """Weight of the background: 0 inside `inner_px`, rising as a cosine over `edge_px`, 1 beyond.

    RELION: softMaskOutsideMap, raisedCosineMask.
    """
    if edge_px <= 0:
        return (radius >= inner_px).astype(np.float64)
    position = np.clip((inner_px + edge_px - radius) / edge_px, 0, 1)
    return np.where(radius < inner_px, 0.0, 0.5 + 0.5 * np.cos(np.pi * position))


def replace_outside_by_mean(
    images: Float[Array, "images *box"], background: Float64[np.ndarray, "*box"]
) -> Float[Array, "images *box"]:
    """Fade each image into the mean of its own background (RELION: softMaskOutsideMap)."""
    flat = images.reshape(len(images), -1)
    mean = flat @ beside(background.ravel(), images) / max(background.sum(), np.finfo(float).tiny)
    return mix_background(images, mean.reshape(-1, *[1] * (images.ndim - 1)), background)


def mix_background(
    images: Float[Array, "images *box"],
    outside: Float[Array, "images *any"],
    background: Float64[np.ndarray, "*box"],
) -> Float[Array, "images *box"]:
    """Fade each image into what stands outside, by the background's weight."""
    background = beside(background, images)
    return ((1 - background) * images + background * outside).astype(images.dtype)


def soft_sphere(box_px: int, radius_px: float, edge_px: float) -> Float64[np.ndarray, "n n n"]:
    """Mask that is 1 inside a sphere and falls to 0 over a cosine edge outside it."""
    return 1 - background_fraction(distances(box_px, 3), radius_px, edge_px)
