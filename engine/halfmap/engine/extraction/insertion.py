"""3D pseudo-subtomograms: the cut-outs of a particle put together in Fourier space.

RELION: SubtomoProgram and FourierBackprojection (forward insertion with multiplicity).
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Complex64, Float32, Float64

from halfmap.engine.backend.kernels.scatter import insert_slices
from halfmap.engine.extraction.cutting import CutOut
from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.imaging.ctf import TiltCtf, envelope
from halfmap.engine.imaging.transfer import half_plane

_MARGIN = 2
"""Voxels around the box which corners of cells reach; they are cut off."""


@dataclass(frozen=True)
class PseudoSubtomogram:
    """A particle as a volume, with what is needed to weight it.

    Parameters
    ----------
    data
        Sum of the tilt images in real space, centre n/2.
    weights
        Half-transforms in FFT order: Σ CTF², and behind it along z the number of tilt images that contributed.
    """

    data: Float32[np.ndarray, "n n n"]
    weights: Float32[np.ndarray, "slabs n half"]


def put_together(
    found: CutOut,
    rotations: Float64[np.ndarray, "visible 3 3"],
    used: Bool[np.ndarray, "visible n half"],
    settings: ExtractionSettings,
) -> PseudoSubtomogram:
    """Insert cut-outs as slices into a volume of `crop_px`.

    Parameters
    ----------
    found
        The cut-outs.
    rotations
        From the frame of the volume to each tilt image.
    used
        Pixels that are inserted, see `used_pixels`.
    settings
        Box, crop and binning.
    """
    box, crop = settings.box_px, settings.crop_px
    centred = scipy.fft.ifftshift(found.boxes, axes=(1, 2))
    images = scipy.fft.rfft2(centred, norm="forward").astype(np.complex64)
    matrices = (rotations[:, :2] * (crop / box)).astype(np.float32)
    data, ctf2 = _inserted(images, found.weights, matrices, used, crop)
    _, multiplicity = _inserted(np.zeros_like(images), np.ones_like(found.weights), matrices, used, crop)
    # a voxel is as wide as b/crop pixels of a slice; the rest follows from RELION's scaling of transforms
    samples = (box / crop) ** 2
    volume = scipy.fft.fftshift(scipy.fft.irfftn(data, s=(crop, crop, crop), norm="forward"))
    return PseudoSubtomogram(
        (volume / np.sqrt(crop * settings.binning)).astype(np.float32),
        (np.concatenate([ctf2, multiplicity]) / samples).astype(np.float32),
    )


def used_pixels(
    ctf: TiltCtf, settings: ExtractionSettings, pixel_size_angstrom: float, cutoff: float
) -> Bool[np.ndarray, "tilts n half"]:
    """Tell which pixels of half-transforms are inserted: those of `pixels_left`, one of each Hermitian pair.

    Parameters
    ----------
    ctf, settings, pixel_size_angstrom, cutoff
        As for `pixels_left`.
    """
    box = settings.box_px
    ky, kx = half_plane(box)
    return pixels_left(ctf, settings, pixel_size_angstrom, cutoff) & ~((kx == 0) & (ky < 0))


def pixels_left(
    ctf: TiltCtf, settings: ExtractionSettings, pixel_size_angstrom: float, cutoff: float
) -> Bool[np.ndarray, "tilts n half"]:
    """Tell which pixels of half-transforms lie up to the Nyquist frequency and have been left by the dose.

    A row ends behind its last pixel with an envelope above `cutoff` (RELION: Tomogram::findDoseXRanges).

    Parameters
    ----------
    ctf
        Dose or B-factor of each tilt image.
    settings
        Box and binning.
    pixel_size_angstrom
        Of the tilt images.
    cutoff
        Least share of the amplitude that has to be left (`--cutoff_fract`).
    """
    box = settings.box_px
    ky, kx = half_plane(box)
    extent = box * settings.binning * pixel_size_angstrom
    left = envelope(ctf, ((kx**2 + ky**2) / extent**2).ravel()).reshape(-1, *kx.shape)
    strong = (left > cutoff) & (kx**2 + ky**2 <= (box / 2) ** 2)
    return np.logical_or.accumulate(strong[..., ::-1], axis=-1)[..., ::-1]


def _inserted(
    images: Complex64[np.ndarray, "visible n half"],
    weights: Float32[np.ndarray, "visible n half"],
    matrices: Float32[np.ndarray, "visible 2 3"],
    used: Bool[np.ndarray, "visible n half"],
    crop_px: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Sum values and weights over the slices: half-transforms in FFT order."""
    size = crop_px + 2 * _MARGIN
    sums = np.zeros((size, size, crop_px // 2 + 1 + _MARGIN, 3))
    ky, kx = half_plane(images.shape[1])
    for image, weight, matrix, pixels in zip(images, weights, matrices, used, strict=True):
        count = int(pixels.sum())
        phases = np.zeros((1, 1, count, 2), np.float32)
        phases[..., 0] = 1
        insert_slices(
            sums,
            matrix[None, None],
            (kx[pixels].astype(np.float32), ky[pixels].astype(np.float32)),
            phases,
            np.ones(1, np.float32),
            np.stack([image[pixels].real, image[pixels].imag], axis=-1)[None],
            weight[pixels][None],
        )
    inner = slice(_MARGIN, _MARGIN + crop_px)
    folded = _folded(np.fft.ifftshift(sums[inner, inner, : crop_px // 2 + 1], axes=(0, 1)))
    return folded[..., 0] + 1j * folded[..., 1], folded[..., 2]


def _folded(sums: Float64[np.ndarray, "n n half 3"]) -> Float64[np.ndarray, "n n half 3"]:
    """Add to each voxel of the plane kx = 0 the conjugate of its opposite, the origin included."""
    opposite = np.roll(sums[::-1, ::-1, 0], 1, axis=(0, 1))
    sums[:, :, 0] += opposite * np.array([1.0, -1.0, 1.0])
    return sums
