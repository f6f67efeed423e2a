"""How much of Fourier space an iteration looks at.

RELION: MlOptimiser::updateCurrentResolution, updateImageSizeAndResolutionPointers.
"""

import math
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from halfmap.engine.fourier.shells import round_scalar
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.fsc import GOLD_STANDARD
from halfmap.engine.refinement.state import Control

RESOLUTION_TOLERANCE_PER_ANGSTROM = 0.0001
_GAP_SHELLS = 3
_COARSE_OVERSAMPLING = 1.2
_HIGH_PMAX = 0.1
_HIGH_FSC = 0.2
_INCREMENT_MARGIN_SHELLS = 5


def resolution_shell_by_ssnr(ssnr: Float64[np.ndarray, " shells"]) -> int:
    """Last shell before the SSNR first falls below 1, or the highest shell above 1 if that is more than 3 further."""
    count = len(ssnr) - 1
    below = np.flatnonzero(ssnr[1:count] < 1)
    first = int(below[0]) if len(below) else count - 1
    above = np.flatnonzero(ssnr[1:count] > 1)
    highest = int(above[-1]) + 1 if len(above) else 0
    return highest if highest > first + _GAP_SHELLS else first


def with_new_resolution(
    control: Control, ssnr: Float64[np.ndarray, " shells"], grid: ModelGrid, lowpass_angstrom: float, minimum_shell: int
) -> Control:
    """Read the resolution off the SSNR and count iterations without gain.

    Parameters
    ----------
    control
        State so far.
    ssnr
        `data_vs_prior` of half set 1.
    grid
        Model grid.
    lowpass_angstrom
        Above 0 the reference has just been low-pass filtered there, which is then the resolution.
    minimum_shell
        Resolution is never worse than this shell.
    """
    filtered = round_scalar(grid.extent_angstrom / lowpass_angstrom) if lowpass_angstrom > 0 else None
    shell = max(resolution_shell_by_ssnr(ssnr) if filtered is None else filtered, minimum_shell)
    resolution = shell / grid.extent_angstrom
    gained = resolution > control.resolution_per_angstrom + RESOLUTION_TOLERANCE_PER_ANGSTROM
    count = 0 if gained else control.iterations_without_resolution_gain + 1
    return replace(control, resolution_per_angstrom=resolution, iterations_without_resolution_gain=count)


def with_new_size_increment(control: Control, fsc: Float64[np.ndarray, " shells"], max_shell: int) -> Control:
    """Let images reach farther beyond the resolution where the FSC falls slowly or is still high at the limit.

    Both only ever grow (RELION: MlOptimiserMpi::iterate).
    """
    falls_to_half, falls_to_143 = (_first_below(fsc, threshold) for threshold in (0.5, GOLD_STANDARD))
    return replace(
        control,
        size_increment_shells=max(
            control.size_increment_shells, falls_to_143 - falls_to_half + _INCREMENT_MARGIN_SHELLS
        ),
        has_high_fsc_at_limit=control.has_high_fsc_at_limit or bool(fsc[max_shell - 1] > _HIGH_FSC),
    )


def _first_below(fsc: Float64[np.ndarray, " shells"], threshold: float) -> int:
    below = np.flatnonzero(fsc < threshold)
    return int(below[0]) if len(below) else -1


def current_size_px(control: Control, grid: ModelGrid, to_nyquist: bool) -> int:
    """Fourier window of the model for the next expectation; all of it in the last iteration."""
    if to_nyquist:
        return grid.box_px
    shell = round_scalar(control.resolution_per_angstrom * grid.extent_angstrom)
    if control.average_pmax > _HIGH_PMAX and control.has_high_fsc_at_limit:
        shell += round_scalar(0.25 * grid.box_px / 2)
    else:
        shell += control.size_increment_shells
    return min(2 * shell, grid.box_px)


def image_size_px(model_size_px: int, optics: OpticsGroup, grid: ModelGrid) -> int:
    """Fourier window of an optics group's images for a window of the model."""
    ratio = optics.extent_angstrom / grid.extent_angstrom
    return min(2 * math.ceil(round(0.5 * ratio * model_size_px, 6)), optics.box_px)


def coarse_size_px(
    fine_size_px: int,
    optics: OpticsGroup,
    step_deg: float,
    diameter_angstrom: float,
    at_most_px: int = -1,
    grid: ModelGrid | None = None,
) -> int:
    """Fourier window of the coarse pass: what the coarse angular step can tell apart.

    Parameters
    ----------
    fine_size_px
        Window of the fine pass; the coarse one is never larger.
    optics
        Optics group of the images.
    step_deg
        Coarse angular step.
    diameter_angstrom
        Particle diameter.
    at_most_px
        `--coarse_size` on the model's grid; -1 for no limit.
    grid
        Model grid, needed with `at_most_px`.
    """
    resolution = step_deg / 360 * math.pi * diameter_angstrom / _COARSE_OVERSAMPLING
    size = 2 * math.ceil(optics.extent_angstrom / resolution)
    if at_most_px > 0 and grid is not None:
        size = min(size, round_scalar(at_most_px * optics.extent_angstrom / grid.extent_angstrom))
    return min(size, fine_size_px)
