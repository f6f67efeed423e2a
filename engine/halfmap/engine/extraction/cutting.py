"""Cutting particles out of tilt images: RELION-5 2D stacks.

RELION: SubtomoProgram (relion_tomo_subtomo) and TomoExtraction.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Complex64, Float32, Float64

from halfmap.engine.fourier.masks import background_fraction, distances
from halfmap.engine.fourier.shells import round_half_away
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.transfer import rows_of, transfer_functions
from halfmap.engine.particles.tilt_series import TiltSeries

_FALLOFF_PX = 5.0


@dataclass(frozen=True)
class ExtractionSettings:
    """How particles are cut out.

    Parameters
    ----------
    box_px
        Binned box in which images are multiplied by their CTF (`--b`).
    crop_px
        Box that is written, the middle of the other (`--crop`).
    binning
        Tilt-series pixels per pixel of the particle (`--bin`).
    max_dose
        Images exposed to more e/Å² before are left out (`--max_dose`).
    """

    box_px: int
    crop_px: int
    binning: float = 1.0
    max_dose: float = np.inf

    @property
    def cut_out_px(self) -> int:
        """Edge of the square that is cut out of a tilt image, in its pixels."""
        return int(self.binning * self.box_px + 0.5)


def visible_frames(
    series: TiltSeries,
    position_px: Float64[np.ndarray, "3"],
    image_size_px: tuple[int, int],
    settings: ExtractionSettings,
) -> Bool[np.ndarray, " tilts"]:
    """Tell in which tilt images a particle is far enough from the edge and little enough exposed.

    Parameters
    ----------
    series
        The tilt series.
    position_px
        Position in tilt-series pixels from the tomogram's corner.
    image_size_px
        Width and height of the tilt images.
    settings
        Box, binning and exposure.
    """
    size = np.array(image_size_px, float)
    margin = settings.binning * settings.crop_px / 2
    projected = series.project_px(position_px, size)
    inside = ((projected >= margin) & (projected <= size - margin)).all(axis=1)
    return inside & (series.ctf.dose <= settings.max_dose)


def extract_stack(
    images: Float32[np.ndarray, "tilts height width"],
    series: TiltSeries,
    microscope: Microscope,
    position_px: Float64[np.ndarray, "3"],
    visible: Bool[np.ndarray, " tilts"],
    settings: ExtractionSettings,
) -> Float32[np.ndarray, "visible n n"]:
    """Cut a particle out of its visible tilt images, protein white, multiplied by CTF and dose filter.

    Parameters
    ----------
    images
        All tilt images, protein dark.
    series, microscope
        Geometry and imaging conditions.
    position_px
        Position in tilt-series pixels from the tomogram's corner; it comes to lie on pixel n/2.
    visible
        See `visible_frames`.
    settings
        Box, crop and binning.

    Returns
    -------
    Images of `crop_px`, faded to 0 outside of a circle after the mean of what surrounds it was subtracted.
    """
    height, width = images.shape[1:]
    projected = series.project_px(position_px, np.array([width, height], float))[visible]
    squares, centre_px = _squares(images[visible], projected, settings.cut_out_px)
    transforms = _binned(squares, centre_px, settings)
    ctf = series.ctf_at(position_px, visible)
    pixel = settings.binning * series.pixel_size_angstrom
    transforms *= -transfer_functions(ctf, microscope, settings.box_px, pixel)
    shape = (settings.box_px, settings.box_px)
    boxes = scipy.fft.fftshift(scipy.fft.irfft2(transforms, s=shape, norm="forward"), axes=(1, 2))
    return _circle(boxes / np.float32(settings.binning), settings.crop_px)


def _squares(
    images: Float32[np.ndarray, "visible height width"], projected_px: Float64[np.ndarray, "visible 2"], size_px: int
) -> tuple[Float32[np.ndarray, "visible n n"], Float64[np.ndarray, "visible 2"]]:
    """Cut squares out; beyond the edges the nearest pixel is repeated. Also where in them the positions lie."""
    nearest = round_half_away(projected_px)
    corner = nearest - size_px // 2
    columns = np.clip(corner[:, :1] + np.arange(size_px), 0, images.shape[2] - 1)
    rows = np.clip(corner[:, 1:] + np.arange(size_px), 0, images.shape[1] - 1)
    tilts = np.arange(len(images))[:, None, None]
    return images[tilts, rows[:, :, None], columns[:, None]], projected_px - corner


def _binned(
    squares: Float32[np.ndarray, "visible n n"],
    centre_px: Float64[np.ndarray, "visible 2"],
    settings: ExtractionSettings,
) -> Complex64[np.ndarray, "visible m half"]:
    """Transform squares about a point of theirs and keep the low frequencies: half-transforms divided by n²."""
    box, size = settings.box_px, settings.cut_out_px
    rows, columns = rows_of(box), np.arange(box // 2 + 1)
    kept = scipy.fft.rfft2(squares, norm="forward")[:, rows.astype(np.int64)[:, None] % size, columns]
    turn_y = np.exp(2j * np.pi * centre_px[:, 1:] * rows / size)
    turn_x = np.exp(2j * np.pi * centre_px[:, :1] * columns / size)
    return (kept * (turn_y[:, :, None] * turn_x[:, None])).astype(np.complex64)


def _circle(boxes: Float32[np.ndarray, "visible n n"], crop_px: int) -> Float32[np.ndarray, "visible m m"]:
    """Subtract the mean outside of a circle, fade the outside to 0, and keep the middle of the box."""
    radius = distances(boxes.shape[1], 2)
    outside = radius > crop_px / 2
    level = boxes[:, outside].mean(axis=1) if outside.any() else np.zeros(len(boxes), np.float32)
    weight = 1 - background_fraction(radius, crop_px / 2 - _FALLOFF_PX, _FALLOFF_PX)
    faded = (boxes - level[:, None, None]) * weight.astype(np.float32)
    start = boxes.shape[1] // 2 - crop_px // 2
    middle = slice(start, start + crop_px)
    return faded[:, middle, middle]
