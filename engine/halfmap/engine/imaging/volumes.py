"""From a pseudo-subtomogram's volume and its CTF volume to the transforms that refinement works with.

RELION: MlOptimiser::getFourierTransformsAndCtfs, get3DCTFAndMulti, applySubtomoCorrection.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.masks import replace_outside_by_mean
from halfmap.engine.fourier.shells import round_half_away
from halfmap.engine.fourier.transform import transform_map
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import ParticleImages
from halfmap.engine.imaging.settings import ImageSettings, VolumeSettings
from halfmap.engine.particles.optics import OpticsGroup


@dataclass(frozen=True)
class CtfVolume:
    """CTF of a pseudo-subtomogram as it was read: half-transforms in FFT order.

    Parameters
    ----------
    ctf
        CTF, its square, or the sum of the squares over tilt images.
    multiplicity
        How many tilt images contributed to each voxel; None where the file does not tell.
    """

    ctf: Float32[np.ndarray, "n n half"]
    multiplicity: Float32[np.ndarray, "n n half"] | None


@dataclass(frozen=True)
class ParticleVolume:
    """A pseudo-subtomogram as it was read.

    Parameters
    ----------
    density
        Volume in real space, centre n/2.
    transfer
        Its CTF.
    """

    density: Float32[np.ndarray, "n n n"]
    transfer: CtfVolume


@dataclass(frozen=True)
class Weighting:
    """What becomes of a volume's transform, and how it is modelled.

    Parameters
    ----------
    factor
        What the transform is multiplied by; None for 1.
    ctf
        What a rotated reference is multiplied by.
    multiplicity
        Variance of the noise in units of σ² as RELION has it; None for 1 everywhere.
    exact_multiplicity
        The same of premultiplied data, whose noise was multiplied by the CTF, too.
    """

    factor: Float32[np.ndarray, "n n half"] | None
    ctf: Float32[np.ndarray, "n n half"]
    multiplicity: Float32[np.ndarray, "n n half"] | None
    exact_multiplicity: Float32[np.ndarray, "n n half"]


def load_volume(
    volume: ParticleVolume,
    shift_px: Int64[np.ndarray, "3"],
    optics: OpticsGroup,
    grid: ModelGrid,
    settings: ImageSettings,
) -> ParticleImages:
    """Move, mask, transform and weight a particle's volume.

    Parameters
    ----------
    volume
        The volume as read.
    shift_px
        By how much its content is moved, along x, y and z: the particle's offset in whole voxels.
    optics, grid, settings
        See there.

    Returns
    -------
    The volume as a single image with three axes.
    """
    density = translated(volume.density, shift_px)
    background = settings.background(optics)
    masked = replace_outside_by_mean(density[None], background)[0]
    found = weighting(volume.transfer, optics.premultiplied, settings.volumes)
    factor = np.float32(1) if found.factor is None else found.factor
    exact = settings.exact_noise and settings.ctf_correction and optics.premultiplied
    multiplicity = found.exact_multiplicity if exact else found.multiplicity
    return ParticleImages(
        optics,
        grid,
        np.eye(3)[None],
        found.ctf[None],
        (transform_map(masked) * factor)[None],
        (transform_map(density) * factor)[None],
        None if multiplicity is None else multiplicity[None],
        None if found.multiplicity is None else found.multiplicity[None],
        shift_px.astype(np.float64),
    )


def translated(density: Float32[np.ndarray, "n n n"], shift_px: Int64[np.ndarray, "3"]) -> Float32[np.ndarray, "n n n"]:
    """Move the content by whole voxels along x, y and z; zeros enter."""
    box = len(density)
    moved = np.zeros_like(density)
    steps = [int(np.clip(step, -box, box)) for step in shift_px[::-1]]
    to = tuple(slice(max(step, 0), box + min(step, 0)) for step in steps)
    come_from = tuple(slice(max(-step, 0), box + min(-step, 0)) for step in steps)
    moved[to] = density[come_from]
    return moved


def weighting(transfer: CtfVolume, premultiplied: bool, settings: VolumeSettings) -> Weighting:
    """Tell how a volume is weighted and modelled.

    Parameters
    ----------
    transfer
        Its CTF as read.
    premultiplied
        The images were multiplied by their CTF, so that the file tells CTF² and not the CTF.
    settings
        What the files hold.

    Notes
    -----
    The sum of M tilt images has M times the noise of one, and exactly Σ CTF² times: a volume that is a sum is compared
    with that variance, and back-projected as a sum. Voxels to which hardly any image contributed are left out.
    """
    ctf = transfer.ctf
    if premultiplied:
        ctf = np.abs(ctf) if settings.ctf_squared else ctf**2
    if transfer.multiplicity is None:
        if settings.normalised:
            raise BadInput(
                "--normalised_subtomo: a CTF volume holds no multiplicity, which averages have to be multiplied by; "
                "leave the option out, or extract the particles again."
            )
        return Weighting(None, ctf, None, ctf)
    seen = transfer.multiplicity > settings.multiplicity_threshold
    multiplicity = np.where(seen, transfer.multiplicity, np.float32(0))
    if settings.skip_multiplicity:
        inverse = np.divide(1, multiplicity, out=np.zeros_like(multiplicity), where=seen)
        return Weighting(inverse, ctf * inverse, None, ctf * inverse**2)
    factor = multiplicity if settings.normalised else seen.astype(np.float32)
    return Weighting(factor, ctf * factor, multiplicity, ctf * factor)


def whole_voxels(origin_angstrom: Float64[np.ndarray, "3"], optics: OpticsGroup) -> Int64[np.ndarray, "3"]:
    """Round an offset to whole voxels, halves away from zero."""
    return round_half_away(origin_angstrom / optics.pixel_size_angstrom)
