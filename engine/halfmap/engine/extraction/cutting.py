"""Cutting particles out of tilt images: RELION-5 2D stacks, and what 3D pseudo-subtomograms are made of.

RELION: SubtomoProgram (relion_tomo_subtomo) and TomoExtraction.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Complex64, Float32, Float64, Int64

from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.fourier.masks import background_fraction, distances
from halfmap.engine.fourier.shells import round_half_away
from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.imaging.transfer import rows_of, transfer_functions
from halfmap.engine.particles.tilt_series import TiltSeries

_FALLOFF_PX = 5.0


@dataclass(frozen=True)
class CutOut:
    """A particle in its visible tilt images, before the box is cropped.

    Parameters
    ----------
    boxes
        Images of `box_px`, protein white, multiplied by CTF and dose filter, faded to 0 outside of the circle that
        will be left; the particle is on pixel n/2.
    weights
        Square of what they were multiplied by, on their half-transforms.
    """

    boxes: Float32[np.ndarray, "visible n n"]
    weights: Float32[np.ndarray, "visible n half"]


def visible_frames(
    series: TiltSeries,
    position_px: Float64[np.ndarray, "3"] | Float64[np.ndarray, "tilts 3"],
    image_size_px: tuple[int, int],
    settings: ExtractionSettings,
) -> Bool[np.ndarray, " tilts"]:
    """Tell in which tilt images a particle is far enough from the edge and little enough exposed.

    Parameters
    ----------
    series
        The tilt series.
    position_px
        Position in tilt-series pixels from the tomogram's corner, or the positions at each tilt.
    image_size_px
        Width and height of the tilt images.
    settings
        Box, binning and exposure.
    """
    size = np.array(image_size_px, float)
    margin = settings.binning * settings.crop_px / 2
    projected = series.project_px(position_px, size)
    inside = ((projected >= margin) & (projected <= size - margin)).all(axis=1)
    return inside & (series.exposure <= settings.max_dose)


def extract_stack(
    images: Float32[np.ndarray, "tilts height width"],
    series: TiltSeries,
    microscope: Microscope,
    position_px: Float64[np.ndarray, "3"],
    visible: Bool[np.ndarray, " tilts"],
    settings: ExtractionSettings,
    motion_px: Float64[np.ndarray, "tilts 3"] | None = None,
) -> Float32[np.ndarray, "visible n n"]:
    """Cut a particle out of its visible tilt images as a RELION-5 2D stack.

    Parameters
    ----------
    images, series, microscope, position_px, visible, settings, motion_px
        As for `cut_out`.

    Returns
    -------
    Images of `crop_px`; divided by the binning, so that the grey scale of a map does not depend on it.
    """
    found = cut_out(images, series, microscope, position_px, visible, settings, motion_px)
    start = settings.box_px // 2 - settings.crop_px // 2
    middle = slice(start, start + settings.crop_px)
    return found.boxes[:, middle, middle] / np.float32(settings.binning)


def cut_out(
    images: Float32[np.ndarray, "tilts height width"],
    series: TiltSeries,
    microscope: Microscope,
    position_px: Float64[np.ndarray, "3"],
    visible: Bool[np.ndarray, " tilts"],
    settings: ExtractionSettings,
    motion_px: Float64[np.ndarray, "tilts 3"] | None = None,
) -> CutOut:
    """Cut a particle out of its visible tilt images, bin, and multiply by the CTF.

    Parameters
    ----------
    images
        All tilt images, protein dark.
    series, microscope
        Geometry and imaging conditions.
    position_px
        Position in tilt-series pixels from the tomogram's corner; it comes to lie on pixel n/2. The defocus is that
        of this position.
    visible
        See `visible_frames`.
    settings
        Box, crop, binning, and what is done.
    motion_px
        Where the particle is at each tilt, as seen from its position.
    """
    height, width = images.shape[1:]
    path_px = position_px if motion_px is None else position_px + motion_px
    projected = series.project_px(path_px, np.array([width, height], float))[visible]
    squares, centre_px = _squares(images, projected, settings.cut_out_px, np.flatnonzero(visible))
    transforms = _binned(squares, centre_px, settings)
    transfer = _transfer(series.ctf_at(position_px, visible), microscope, settings, series.pixel_size_angstrom)
    transforms *= -transfer if settings.invert else transfer
    shape = (settings.box_px, settings.box_px)
    boxes = scipy.fft.fftshift(scipy.fft.irfft2(transforms, s=shape, norm="forward"), axes=(1, 2))
    return CutOut(_circle(boxes, settings.crop_px) if settings.circle_crop else boxes, transfer**2)


def _transfer(
    ctf: TiltCtf, microscope: Microscope, settings: ExtractionSettings, pixel_size_angstrom: float
) -> Float32[np.ndarray, "visible n half"]:
    box = settings.box_px
    if not settings.multiply_ctf:
        return np.ones((len(ctf.dose), box, box // 2 + 1), np.float32)
    return transfer_functions(ctf, microscope, box, settings.binning * pixel_size_angstrom)


def _squares(
    images: Float32[np.ndarray, "tilts height width"],
    projected_px: Float64[np.ndarray, "visible 2"],
    size_px: int,
    visible: Int64[np.ndarray, " visible"],
) -> tuple[Float32[np.ndarray, "visible n n"], Float64[np.ndarray, "visible 2"]]:
    """Cut squares out of visible images, with the nearest pixel beyond their edges. Also where the positions lie."""
    nearest = round_half_away(projected_px)
    corner = nearest - size_px // 2
    columns = np.clip(corner[:, :1] + np.arange(size_px), 0, images.shape[2] - 1)
    rows = np.clip(corner[:, 1:] + np.arange(size_px), 0, images.shape[1] - 1)
    return images[visible[:, None, None], rows[:, :, None], columns[:, None]], projected_px - corner


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


def _circle(boxes: Float32[np.ndarray, "visible n n"], crop_px: int) -> Float32[np.ndarray, "visible n n"]:
    """Subtract the mean outside of a circle, and fade the outside to 0."""
    radius = distances(boxes.shape[1], 2)
    outside = radius > crop_px / 2
    level = boxes[:, outside].mean(axis=1) if outside.any() else np.zeros(len(boxes), np.float32)
    weight = 1 - background_fraction(radius, crop_px / 2 - _FALLOFF_PX, _FALLOFF_PX)
    return (boxes - level[:, None, None]) * weight.astype(np.float32)


def cut_transforms(
    images: Float32[np.ndarray, "tilts height width"],
    tilts: Int64[np.ndarray, " visible"],
    projected_px: Float64[np.ndarray, "visible 2"],
    settings: ExtractionSettings,
) -> Complex64[np.ndarray, "visible m half"]:
    """Cut a particle out of tilt images as half-transforms divided by n², the particle at the origin.

    Parameters
    ----------
    images
        All tilt images.
    tilts
        Those in which the particle is seen.
    projected_px
        Where it appears in each of them.
    settings
        Box and binning; with a circle crop what was cut out is faded to 0 outside of the circle that fits into it.
    """
    squares, centre_px = _squares(images, projected_px, settings.cut_out_px, tilts)
    if settings.circle_crop:
        squares = _circle(squares, settings.cut_out_px)
    return _binned(squares, centre_px, settings)
