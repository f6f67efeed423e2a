"""The maximization step of one half set: new reference, noise, offsets, scales and directions.

RELION: MlOptimiser::maximization, maximizationOtherParameters.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.density_compensation import iterated_inverse_weight
from halfmap.engine.refinement.regularization import Spectra, floored, reconstruct, regularised_weight
from halfmap.engine.refinement.state import HalfState
from halfmap.engine.refinement.sums import ExpectationSums

_NOISE_FLOOR = 1e-15
_NOISE_TOO_SMALL = 1e-14
_LARGEST_SCALE_FACTOR = 5.0


@dataclass(frozen=True)
class MaximizationSettings:
    """What is estimated, and how.

    Parameters
    ----------
    tau2_fudge
        Regularisation T.
    minimum_shell
        Shells below are not regularised (`--minres_map`).
    gridding_iterations
        Iterations of the weights against interpolation; 0 for a plain division.
    minimum_sigma2_offset
        Least variance of offsets in Å².
    fix_noise, fix_offset, correct_scale
        Which estimates are left alone or made.
    threads
        Threads of the Fourier transforms.
    """

    tau2_fudge: float
    minimum_shell: int
    gridding_iterations: int
    minimum_sigma2_offset: float
    fix_noise: bool
    fix_offset: bool
    correct_scale: bool
    threads: int


def regularised_map(
    accumulator: Accumulator, estimates: Spectra, settings: MaximizationSettings
) -> Float32[np.ndarray, "n n n"]:
    """Reconstruct with the Wiener filter that the spectra ask for."""
    weight = regularised_weight(accumulator, estimates.tau2, settings.tau2_fudge, settings.minimum_shell)
    return _divided(accumulator, weight, settings)


def unregularised_map(accumulator: Accumulator, settings: MaximizationSettings) -> Float32[np.ndarray, "n n n"]:
    """Reconstruct without a filter."""
    return _divided(accumulator, accumulator.weight, settings)


def _divided(
    accumulator: Accumulator, weight: Float64[np.ndarray, "z y x"], settings: MaximizationSettings
) -> Float32[np.ndarray, "n n n"]:
    if settings.gridding_iterations:
        inverse = iterated_inverse_weight(accumulator.geometry, weight, settings.gridding_iterations, settings.threads)
        return reconstruct(
            accumulator, np.divide(1, inverse, where=inverse > 0, out=np.zeros_like(inverse)), settings.threads
        )
    return reconstruct(accumulator, floored(accumulator, weight), settings.threads)


def new_noise(old: Float64[np.ndarray, "optics shells"], sums: ExpectationSums) -> Float64[np.ndarray, "optics shells"]:
    """Noise spectra from the residuals; shells and groups without images keep theirs."""
    counted = sums.noise_count > 0
    sigma2 = np.divide(sums.residual, 2 * sums.noise_count, out=old.copy(), where=counted)
    sigma2 = np.where(counted, np.maximum(sigma2, _NOISE_FLOOR), sigma2)
    for shell in range(1, sigma2.shape[1]):
        tiny = sigma2[:, shell] < _NOISE_TOO_SMALL
        sigma2[tiny, shell] = sigma2[tiny, shell - 1]
    return sigma2


def mean_multiplicity(sums: ExpectationSums) -> Float64[np.ndarray, "optics shells"] | None:
    """Mean variance of the noise in units of σ²; None where RELION's model of the noise has the same σ²."""
    if np.array_equal(sums.noise_count, sums.relion_count):
        return None
    ones = np.ones_like(sums.noise_count)
    return np.divide(sums.noise_count, sums.relion_count, out=ones, where=sums.relion_count > 0)


def new_scale(
    old: Float64[np.ndarray, " groups"], sums: ExpectationSums, particles_per_group: Float64[np.ndarray, " groups"]
) -> Float64[np.ndarray, " groups"]:
    """Intensity scales by regression, kept within a factor of five of their median and averaging 1 over particles."""
    measured = sums.reference_power > 0
    if not measured.any() or not particles_per_group[measured].any():
        return old
    scale = np.divide(sums.signal_product, sums.reference_power, out=np.ones_like(old), where=measured)
    median = float(np.median(scale[measured]))
    if median <= 0:
        return old
    scale = np.clip(scale, median / _LARGEST_SCALE_FACTOR, median * _LARGEST_SCALE_FACTOR)
    return scale / np.average(scale, weights=particles_per_group)


def with_new_parameters(
    half: HalfState,
    sums: ExpectationSums,
    settings: MaximizationSettings,
    particles_per_group: Float64[np.ndarray, " groups"],
    by_correlation: bool,
) -> HalfState:
    """Estimate everything but the reference.

    Parameters
    ----------
    half
        Model that the sums were made with.
    sums
        Sums over all particles of the half.
    settings
        What is estimated.
    particles_per_group
        Particles of the half by scale group.
    by_correlation
        Poses were compared by correlation: noise and scales cannot be estimated.
    """
    away2, pmax, log_likelihood, particles = sums.scalars
    mass = sums.direction_mass.sum()
    variance = max(away2 / (3 * particles), settings.minimum_sigma2_offset)
    return replace(
        half,
        sigma2=half.sigma2 if by_correlation or settings.fix_noise else new_noise(half.sigma2, sums),
        sigma_offset_angstrom=half.sigma_offset_angstrom if settings.fix_offset else float(np.sqrt(variance)),
        scale=new_scale(half.scale, sums, particles_per_group)
        if settings.correct_scale and not by_correlation
        else half.scale,
        pdf_direction=sums.direction_mass / mass if mass > 0 else half.pdf_direction,
        average_pmax=float(pmax / particles),
        log_likelihood=float(log_likelihood),
        noise_multiplicity=mean_multiplicity(sums),
    )
