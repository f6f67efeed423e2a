"""From sums to maps."""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Complex128, Float32, Float64

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.backend.on_cpu import Cores
from halfmap.engine.fourier.backprojector import Accumulator, symmetrise
from halfmap.engine.fourier.gridding import divide_by_sinc2
from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.fourier.projector import uncentred
from halfmap.engine.fourier.shells import radii, shell_indices, shell_means
from halfmap.engine.fourier.transform import restore_map, transform_map, window_map

_LEAST_SHARE_OF_MEAN_WEIGHT = 0.001


@dataclass(frozen=True)
class AverageMaps:
    """An average and what it was made of.

    Parameters
    ----------
    full
        Map in the whole box.
    cropped
        Its middle.
    data
        Back-projected images, weights not divided out.
    weight
        Weights in Fourier space, the origin on voxel n/2.
    """

    full: Float32[np.ndarray, "n n n"]
    cropped: Float32[np.ndarray, "m m m"]
    data: Float32[np.ndarray, "n n n"]
    weight: Float32[np.ndarray, "n n n"]


def symmetrised(accumulator: Accumulator, settings: AverageSettings, threads: int) -> Accumulator:
    """Sum over the point group."""
    return symmetrise(accumulator, settings.group.operators, Cores(threads).add_rotated)


def average_maps(accumulator: Accumulator, settings: AverageSettings, threads: int = 1) -> AverageMaps:
    """Divide symmetrised sums by their weights.

    RELION: ReconstructParticleProgram, Reconstruction::griddingCorrect3D_sinc2, ctfCorrect3D_Wiener and
    ctfCorrect3D_heuristic. RELION's transforms are divided by the square root of the number of pixels; hence the factor
    of 1/√n.
    """
    box = settings.box_px
    sums = uncentred(accumulator.data, box)
    weight = uncentred(accumulator.weight, box)
    # RELION lets no sinc² fall below 0.01; the smallest there is, in the corners of the box, is 0.02
    data = divide_by_sinc2(restore_map(sums, threads) / np.sqrt(box), padding=1)
    divided = _divided(transform_map(data, threads), weight, settings.snr)
    full = restore_map(divided, threads)
    middle = window_map(full, settings.crop_px)
    return AverageMaps(
        tapered(full, settings.taper_px).astype(np.float32),
        tapered(middle, settings.taper_px).astype(np.float32),
        data.astype(np.float32),
        whole(weight).astype(np.float32),
    )


def _divided(
    transform: Complex128[np.ndarray, "n n half"], weight: Float64[np.ndarray, "n n half"], snr: float | None
) -> Complex128[np.ndarray, "n n half"]:
    """Divide by weights, within the Nyquist sphere; 0 where nothing was seen."""
    box = len(transform)
    inside = radii(box, 3) < box // 2
    if snr is not None:
        divisor = weight + 1 / snr
    else:
        shells = shell_indices(box, 3)
        mean = shell_means(weight[inside], shells[inside], box // 2 + 1)
        divisor = np.maximum(weight, _LEAST_SHARE_OF_MEAN_WEIGHT * mean[np.minimum(shells, box // 2)])
    return np.divide(transform, divisor, out=np.zeros_like(transform), where=inside & (divisor > 0))


def tapered(density: Float64[np.ndarray, "n n n"], width_px: float) -> Float64[np.ndarray, "n n n"]:
    """Subtract the mean inside a soft sphere that fits into the box, and fade the outside to 0.

    RELION: Reconstruction::taper; the mean is weighted like the sphere.
    """
    box = len(density)
    inside = soft_sphere(box, box / 2 - width_px, width_px)
    return (density - (density * inside).sum() / inside.sum()) * inside


def whole(half: Float64[np.ndarray, "n n half"]) -> Float64[np.ndarray, "n n n"]:
    """Complete the half-transform of weights by its other half, and centre it."""
    box = len(half)
    negative = -np.arange(box) % box
    columns = np.arange(1, box // 2)[::-1]
    full = np.concatenate([half, half[negative][:, negative][:, :, columns]], axis=2)
    return scipy.fft.fftshift(full)
