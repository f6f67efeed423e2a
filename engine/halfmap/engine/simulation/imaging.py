"""The tilt images of a whole tomogram: which window, which grey scale, which noise."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Float32, Float64

from halfmap.engine.particles.tilt_series import TiltSeries
from halfmap.engine.simulation.acquisition import LARGEST_SHIFT_PX, MOST_DEFOCUS
from halfmap.engine.simulation.particle_tables import Tomogram
from halfmap.engine.simulation.phantom import Phantom
from halfmap.engine.simulation.projection import Camera, add_windows, signal_variance
from halfmap.engine.simulation.settings import SimulationSettings

# standard deviation of a particle's signal and the noise together; leaves room for an int8 copy of the images
GREY_LEVELS = 12.0
_SAMPLE = 8
_MARGIN_PX = 8
_LONGEST_WAVE_ANGSTROM = 0.0251  # 200 kV


def image_size_px(settings: SimulationSettings) -> int:
    """Edge of the tilt images: as given, or so large that every particle is whole in every image."""
    if settings.image_size_px:
        return settings.image_size_px
    reach = (settings.radius_angstrom + 4 * settings.pick_error_angstrom) / settings.pixel_size_angstrom
    return 2 * math.ceil(reach + LARGEST_SHIFT_PX + settings.box_px / 2 + 2)


def window_px(settings: SimulationSettings) -> int:
    """Even size of a window for one particle: its diameter, and how far the CTF spreads it at the Nyquist frequency."""
    pixel = settings.pixel_size_angstrom
    defocus = MOST_DEFOCUS * settings.defocus_max_angstrom + settings.radius_angstrom
    spread = _LONGEST_WAVE_ANGSTROM * defocus / (2 * pixel)
    half = (settings.diameter_angstrom / 2 + spread) / pixel + _MARGIN_PX / 2
    return 2 * int(scipy.fft.next_fast_len(math.ceil(half)))


def camera(settings: SimulationSettings, tomogram: Tomogram, series: TiltSeries) -> Camera:
    """Set a camera up for a tomogram."""
    return Camera(series, tomogram.recording.microscope, image_size_px(settings), window_px(settings))


def positions_px(positions_angstrom: Float64[np.ndarray, "n 3"], series: TiltSeries) -> Float64[np.ndarray, "n 3"]:
    """Turn positions from the tomogram's centre into tilt-series pixels from its corner."""
    return positions_angstrom / series.pixel_size_angstrom + series.centre_px


@dataclass(frozen=True)
class GreyScale:
    """How strong signal and noise are.

    Parameters
    ----------
    signal
        Factor on the phantom's density.
    noise
        Standard deviation of the noise in a tilt image.
    """

    signal: float
    noise: float


def grey_scale(settings: SimulationSettings, phantom: Phantom, first: Camera, tomogram: Tomogram) -> GreyScale:
    """Divide `GREY_LEVELS` between signal and noise, judging by some particles of the first tomogram."""
    position = positions_px(tomogram.poses.position_angstrom[:_SAMPLE], first.series)
    images = [
        first.particle(phantom, where, turned)[1]
        for where, turned in zip(position, tomogram.poses.rotation[:_SAMPLE], strict=True)
    ]
    diameter_px = settings.diameter_angstrom / settings.pixel_size_angstrom
    variance = float(np.mean([signal_variance(contents, diameter_px) for contents in images]))
    noise = 1 / (1 + settings.snr)
    return GreyScale(GREY_LEVELS * math.sqrt((1 - noise) / variance), GREY_LEVELS * math.sqrt(noise))


def tilt_images(
    taken_by: Camera,
    phantom: Phantom | None,
    tomogram: Tomogram,
    noise: Float32[np.ndarray, "tilts size size"],
    done: Callable[[], None],
) -> Float32[np.ndarray, "tilts size size"]:
    """Add all particles of a tomogram to images of noise.

    Parameters
    ----------
    taken_by
        Camera of the tomogram.
    phantom
        The particle; None leaves the noise alone.
    tomogram
        Its particles.
    noise
        Images of noise.
    done
        Called after each particle.
    """
    images = noise.copy()
    position = positions_px(tomogram.poses.position_angstrom, taken_by.series)
    for where, turned in zip(position, tomogram.poses.rotation, strict=True):
        if phantom is not None:
            add_windows(images, *taken_by.particle(phantom, where, turned))
        done()
    return images
