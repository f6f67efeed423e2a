"""Half maps in, resolution and sharpened map out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float, Float32, Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.transform import restore_map, transform_map
from halfmap.engine.postprocessing.curves import FscCurves, fsc_curves
from halfmap.engine.postprocessing.guinier import GuinierFit, fit_b_factor, log_amplitudes
from halfmap.engine.postprocessing.settings import FitRange, PostprocessSettings
from halfmap.engine.postprocessing.sharpening import b_factor_weights, final_low_pass, fsc_weights, mtf_weights

STEPS = 2
_LARGEST_WEIGHT = 1e12


@dataclass(frozen=True)
class GuinierPlots:
    """ln(amplitude) of each shell on the way to the sharpened map; NaN where a shell is empty.

    Parameters
    ----------
    original, mtf_corrected, weighted, sharpened
        Of the mean of the half maps; divided by the MTF (None without one); weighed by the FSC; of the last map.
    """

    original: Float64[np.ndarray, " shells"]
    mtf_corrected: Float64[np.ndarray, " shells"] | None
    weighted: Float64[np.ndarray, " shells"]
    sharpened: Float64[np.ndarray, " shells"]


@dataclass(frozen=True)
class Postprocessed:
    """What two half maps come to.

    Parameters
    ----------
    curves
        FSC between them.
    pixel_size_angstrom
        Of the maps.
    resolution_angstrom
        Where the corrected FSC falls below 0.143; None if it does so at once.
    guinier
        Amplitudes by shell.
    fit
        Line through them; None if no B-factor was looked for.
    b_factor_angstrom2
        Applied B-factor; 0 for none.
    low_pass_angstrom
        Applied low-pass filter; None for none.
    sharpened
        The map.
    masked
        The map within the mask; None without a mask.
    """

    curves: FscCurves
    pixel_size_angstrom: float
    resolution_angstrom: float | None
    guinier: GuinierPlots
    fit: GuinierFit | None
    b_factor_angstrom2: float
    low_pass_angstrom: float | None
    sharpened: Float32[np.ndarray, "n n n"]
    masked: Float32[np.ndarray, "n n n"] | None

    @property
    def extent_angstrom(self) -> float:
        """Edge of the box."""
        return self.sharpened.shape[0] * self.pixel_size_angstrom


def postprocess(
    first: Float[np.ndarray, "n n n"],
    second: Float[np.ndarray, "n n n"],
    mask: Float[np.ndarray, "n n n"] | None,
    pixel_size_angstrom: float,
    settings: PostprocessSettings | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Postprocessed:
    """Compare two unfiltered half maps within a mask, and sharpen their mean.

    Parameters
    ----------
    first, second
        Half maps, not masked.
    mask
        Solvent mask, 0 to 1; None compares the whole boxes.
    pixel_size_angstrom
        Of the maps.
    settings
        How; by default without a B-factor.
    tick
        Called after each of the two `STEPS`: comparing, and sharpening.

    Raises
    ------
    BadInput
        If a B-factor is asked for and too few shells tell it, or values become too large by sharpening.

    Notes
    -----
    RELION: Postprocessing::run.
    """
    settings = settings or PostprocessSettings()
    curves = fsc_curves(first, second, mask, settings.randomise_below_fsc, settings.random_seed)
    tick()
    extent_angstrom = first.shape[0] * pixel_size_angstrom
    shell = curves.resolution_shell
    resolution = extent_angstrom / shell if shell else None
    mean = transform_map((first.astype(np.float64) + second.astype(np.float64)) / 2)
    steps = _sharpen(mean, curves, pixel_size_angstrom, resolution, settings)
    sharpened = restore_map(steps.transform).astype(np.float32)
    tick()
    return Postprocessed(
        curves=curves,
        pixel_size_angstrom=pixel_size_angstrom,
        resolution_angstrom=resolution,
        guinier=steps.guinier,
        fit=steps.fit,
        b_factor_angstrom2=steps.b_factor_angstrom2,
        low_pass_angstrom=steps.low_pass_angstrom,
        sharpened=sharpened,
        masked=None if mask is None else (sharpened * mask).astype(np.float32),
    )


@dataclass(frozen=True)
class _Sharpened:
    transform: Complex128[np.ndarray, "n n half"]
    guinier: GuinierPlots
    fit: GuinierFit | None
    b_factor_angstrom2: float
    low_pass_angstrom: float | None


def _sharpen(
    mean: Complex128[np.ndarray, "n n half"],
    curves: FscCurves,
    pixel_size_angstrom: float,
    resolution_angstrom: float | None,
    settings: PostprocessSettings,
) -> _Sharpened:
    box_px = mean.shape[0]
    original = log_amplitudes(mean)
    corrected, mtf_plot = mean, None
    if settings.mtf is not None:
        corrected = mean * mtf_weights(box_px, pixel_size_angstrom, settings.mtf)
        mtf_plot = log_amplitudes(corrected)
    weighted = corrected * fsc_weights(curves.corrected, box_px) if settings.weight_by_fsc else corrected
    plot = log_amplitudes(weighted)
    fit, b_factor = _b_factor(plot, box_px * pixel_size_angstrom, settings.b_factor)
    low_pass = settings.low_pass_angstrom if settings.low_pass_angstrom >= 0 else resolution_angstrom
    last = weighted * _finite_weights(box_px, pixel_size_angstrom, b_factor)
    if low_pass:
        last = last * final_low_pass(box_px, pixel_size_angstrom, low_pass, settings.filter_edge_shells)
    plots = GuinierPlots(original, mtf_plot, plot, log_amplitudes(last))
    return _Sharpened(last, plots, fit, b_factor, low_pass or None)


def _finite_weights(box_px: int, pixel_size_angstrom: float, b_factor: float) -> Float64[np.ndarray, "n n half"]:
    """Weigh by a B-factor; BadInput if that is more than a map in single precision can hold."""
    with np.errstate(over="ignore"):
        weights = b_factor_weights(box_px, pixel_size_angstrom, b_factor)
    if not weights.max() < _LARGEST_WEIGHT:
        raise BadInput(
            f"a B-factor of {b_factor:g} Å² sharpens the last shell more than {_LARGEST_WEIGHT:g} times; take one that "
            f"is nearer to 0."
        )
    return weights


def _b_factor(
    plot: Float64[np.ndarray, " shells"], extent_angstrom: float, asked: float | FitRange | None
) -> tuple[GuinierFit | None, float]:
    if isinstance(asked, FitRange):
        fit = fit_b_factor(plot, extent_angstrom, asked)
        return fit, fit.b_factor_angstrom2
    return None, float(asked or 0.0)
