"""Weights that make up for the uneven sampling of Fourier space."""

import numpy as np
import scipy.fft
from jaxtyping import Float64

from halfmap.engine.fourier.backprojector import AccumulatorGeometry
from halfmap.engine.fourier.gridding import blob_transform
from halfmap.engine.fourier.masks import distances
from halfmap.engine.fourier.projector import centred_window, padded_box_px, uncentred

_CORRECTION_FLOOR = 1e-6


def iterated_inverse_weight(
    geometry: AccumulatorGeometry, weight: Float64[np.ndarray, "z y x"], iterations: int, workers: int = 1
) -> Float64[np.ndarray, "z y x"]:
    """Find what to multiply data by so that weights times it, smoothed by a blob, are flat.

    Parameters
    ----------
    geometry
        Of the accumulator.
    weight
        Weights, regularised or not.
    iterations
        Number of iterations, 10 with RELION.
    workers
        Threads of the Fourier transforms.

    Notes
    -----
    Pipe & Menon (1999), Magn. Reson. Med. 41, 179; RELION: BackProjector::reconstruct, convoluteBlobRealSpace.
    """
    padded_px = padded_box_px(geometry.box_px, geometry.padding)
    inside = uncentred((geometry.radius2 <= geometry.radius**2).astype(np.float64), padded_px) > 0
    scale = max(float(weight.max()), np.finfo(np.float64).tiny)
    density = uncentred(weight / scale, padded_px) * inside
    blob = scipy.fft.ifftshift(blob_transform(distances(padded_px, 3), padded_px))
    inverse = inside.astype(np.float64)
    for _ in range(iterations):
        real = scipy.fft.irfftn((inverse * density).astype(np.complex128), s=blob.shape, workers=workers)
        smoothed = np.abs(scipy.fft.rfftn(real * blob, workers=workers))
        inverse = np.where(inside, inverse / np.maximum(smoothed, _CORRECTION_FLOOR), 0)
    return centred_window(inverse, geometry.radius) / scale
