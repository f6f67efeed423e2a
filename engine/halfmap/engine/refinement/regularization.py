"""From FSC to signal spectra, and the Wiener-filtered reconstruction.

RELION: BackProjector::updateSSNRarrays, BackProjector::reconstruct.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.gridding import divide_by_sinc2
from halfmap.engine.fourier.masks import background_fraction, distances, replace_outside_by_mean
from halfmap.engine.fourier.projector import padded_box_px, uncentred
from halfmap.engine.fourier.shells import shell_means, shell_sums
from halfmap.engine.fourier.transform import restore_map, window_map

FSC_RANGE = (0.001, 0.999)
_WEIGHT_FLOOR = 1000
_EDGE_PX = 3


@dataclass(frozen=True)
class Spectra:
    """Spectra of one reconstruction, each over the shells 0 … n/2.

    Parameters
    ----------
    fsc
        Gold-standard FSC between the halves.
    sigma2
        Noise power of the reconstruction.
    tau2
        Signal power.
    ssnr
        Signal-to-noise ratio, `data_vs_prior`; 1 marks the resolution.
    coverage
        Share of voxels whose data outweigh the prior.
    """

    fsc: Float64[np.ndarray, " shells"]
    sigma2: Float64[np.ndarray, " shells"]
    tau2: Float64[np.ndarray, " shells"]
    ssnr: Float64[np.ndarray, " shells"]
    coverage: Float64[np.ndarray, " shells"]


def spectra(accumulator: Accumulator, fsc: Float64[np.ndarray, " shells"], tau2_fudge: float, joined: bool) -> Spectra:
    """Estimate noise and signal power of a reconstruction from the FSC between the halves.

    Parameters
    ----------
    accumulator
        Symmetrised sums of the half, or of both.
    fsc
        FSC between the halves.
    tau2_fudge
        Multiplies the signal-to-noise ratio.
    joined
        The sums are of both halves: the FSC is turned into that of the whole set, √(2f/(1+f)).
    """
    geometry = accumulator.geometry
    count = geometry.box_px // 2 + 1
    shells = geometry.shells[geometry.inside]
    scaled_weight = geometry.padding**3 * accumulator.weight[geometry.inside]
    total = shell_sums(scaled_weight, shells, count)
    voxels = shell_sums(np.ones(len(shells)), shells, count)
    sigma2 = np.divide(voxels, total, out=np.zeros(count), where=total > 0)
    f = np.maximum(fsc, FSC_RANGE[0])
    f = np.minimum(np.sqrt(2 * f / (1 + f)) if joined else f, FSC_RANGE[1])
    ssnr = tau2_fudge * f / (1 - f)
    tau2 = ssnr * sigma2
    covered = scaled_weight * tau2_fudge * tau2[np.minimum(shells, count - 1)] >= 1
    return Spectra(fsc, sigma2, tau2, ssnr, shell_means(covered.astype(float), shells, count))


def regularised_weight(
    accumulator: Accumulator, tau2: Float64[np.ndarray, " shells"], tau2_fudge: float, minimum_shell: int
) -> Float64[np.ndarray, "z y x"]:
    """Add the prior's weight 1/(padding³·T·τ²) from `minimum_shell` on; where τ² is 0, 1/(0.001·weight)."""
    geometry, weight = accumulator.geometry, accumulator.weight
    shells = np.minimum(geometry.shells, len(tau2) - 1)
    prior = geometry.padding**3 * tau2_fudge * tau2[shells]
    unknown = np.divide(1, 0.001 * weight, out=np.zeros_like(weight), where=weight > 0)
    inverse = np.divide(1, prior, out=unknown, where=prior > 0)
    return weight + np.where(geometry.inside & (geometry.shells >= minimum_shell), inverse, 0)


def floored(accumulator: Accumulator, weight: Float64[np.ndarray, "z y x"]) -> Float64[np.ndarray, "z y x"]:
    """Raise weights to a thousandth of their shell's mean, shells counted by FLOOR(r/padding)."""
    geometry = accumulator.geometry
    shells = (np.sqrt(geometry.radius2) / geometry.padding).astype(np.int64)
    inside = geometry.radius2 < geometry.radius**2
    mean = shell_means(weight[inside], shells[inside], geometry.max_shell)
    return np.maximum(weight, mean[np.minimum(shells, geometry.max_shell - 1)] / _WEIGHT_FLOOR)


def reconstruct(
    accumulator: Accumulator, weight: Float64[np.ndarray, "z y x"], workers: int = 1
) -> Float[np.ndarray, "n n n"]:
    """Divide data by weights and transform back into a map on RELION's grey scale.

    Parameters
    ----------
    accumulator
        Symmetrised sums.
    weight
        What the data are divided by; voxels where it is 0 become 0.
    workers
        Threads of the Fourier transform.
    """
    geometry = accumulator.geometry
    divided = np.divide(accumulator.data, weight, out=np.zeros(weight.shape, np.complex128), where=weight > 0)
    divided[geometry.radius2 > geometry.radius**2] = 0
    padded = restore_map(uncentred(divided, padded_box_px(geometry.box_px, geometry.padding)), workers)
    scale = geometry.padding**3 * geometry.box_px ** (3 - geometry.dimensions)
    density = window_map(padded, geometry.box_px) / scale
    edge = background_fraction(distances(geometry.box_px, 3), geometry.box_px / 2, _EDGE_PX)
    softened = replace_outside_by_mean(density[None], edge)[0]
    return divide_by_sinc2(softened, geometry.padding).astype(np.float32)
