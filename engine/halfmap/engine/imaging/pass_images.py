"""What a pass over the poses compares: the pixels of its window, cut out of a particle's transforms and modelled.

RELION: MlOptimiser::precalculateShiftedImagesCtfsAndInvSigma2s.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array, beside
from halfmap.engine.fourier.shells import PixelList, disc, inside_rows, round_half_away, window
from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.imaging.particle_images import ParticleImages, ctf_at_pixels
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.particles.optics import OpticsGroup

LEAST_COMPARED_MULTIPLICITY = 0.1
"""Voxels of volumes with this multiplicity or less play no part in comparisons, as with RELION."""


@dataclass(frozen=True)
class PassSettings:
    """One of the two passes over the poses.

    Parameters
    ----------
    image_size_px
        Fourier window of the images.
    max_shell
        Largest shell of the reference, current_size/2.
    padding
        Padding of the reference.
    correlation
        Every pixel of the window counts and images are normalised (iteration 1 with `--firstiter_cc`).
    first_shell
        Shells of the model below this one play no part in comparisons.
    """

    image_size_px: int
    max_shell: int
    padding: int
    correlation: bool = False
    first_shell: int = 0


def tilt_images(
    images: ParticleImages,
    settings: ImageSettings,
    one_pass: PassSettings,
    sigma2: Float64[np.ndarray, " shells"],
    scale: float,
) -> TiltImages:
    """Cut the pixels of one pass out of a particle's transforms and model them.

    Parameters
    ----------
    images
        The particle.
    settings
        How images are modelled.
    one_pass
        Window and reach.
    sigma2
        Noise spectrum of the optics group on the model's shells.
    scale
        Intensity scale of the particle's group.
    """
    optics, grid = images.optics, images.grid
    ratio = grid.shells_per_image_shell(optics)
    reach = min(one_pass.image_size_px / 2, one_pass.max_shell / ratio)
    pixels = _pixels(optics, one_pass, reach)
    shells = round_half_away(ratio * round_half_away(pixels.radius))
    variance = sigma2[np.minimum(shells, grid.shells - 1)]
    masked = pixels.take(images.masked)
    multiplicity = None if images.multiplicity is None else pixels.take(images.multiplicity)
    if one_pass.correlation:
        masked = masked / _window_norm(images.masked, optics.box_px, one_pass.image_size_px)
    return TiltImages(
        pixels=pixels,
        rotations=images.rotations,
        geometry=one_pass.padding * ratio * images.rotations[:, : optics.dimensions],
        masked=masked,
        unmasked=pixels.take(images.unmasked),
        ctf=_model_ctf(images, settings, pixels, multiplicity),
        inverse_sigma2=np.divide(1, variance, out=np.zeros(len(variance)), where=variance > 0).astype(np.float32),
        shells=shells,
        first_shell=one_pass.first_shell,
        back_projects=inside_rows(pixels, one_pass.image_size_px),
        scale=scale,
        premultiplied=optics.premultiplied and settings.ctf_correction,
        inverse_multiplicity=None if multiplicity is None else _inverse(multiplicity, optics, settings),
    )


class PassImages:
    """The pixels of each pass for one particle, made when first asked for; passes with the same window share them.

    Parameters
    ----------
    images, settings, sigma2, scale
        As for `tilt_images`.
    """

    def __init__(
        self, images: ParticleImages, settings: ImageSettings, sigma2: Float64[np.ndarray, " shells"], scale: float
    ) -> None:
        self._images, self._settings, self._sigma2, self._scale = images, settings, sigma2, scale
        self._made: dict[PassSettings, TiltImages] = {}

    def of(self, one_pass: PassSettings) -> TiltImages:
        """Pixels of a pass."""
        if one_pass not in self._made:
            self._made[one_pass] = tilt_images(self._images, self._settings, one_pass, self._sigma2, self._scale)
        return self._made[one_pass]


def _pixels(optics: OpticsGroup, one_pass: PassSettings, reach: float) -> PixelList:
    if not one_pass.correlation:
        return disc(optics.box_px, one_pass.image_size_px, reach, optics.dimensions)
    everything = window(optics.box_px, one_pass.image_size_px, optics.dimensions)
    return PixelList(optics.box_px, *everything.frequencies[:, everything.radius <= reach])


def _inverse(
    multiplicity: Float32[Array, "tilts pixels"], optics: OpticsGroup, settings: ImageSettings
) -> Float32[Array, "tilts pixels"]:
    """1/m; 0 for voxels to which hardly any tilt image contributed, and which say nothing."""
    if optics.dimensions == 2:
        return 1 / multiplicity
    least = 0.0 if settings.exact_noise else LEAST_COMPARED_MULTIPLICITY
    return np.divide(1, multiplicity, out=np.zeros_like(multiplicity), where=multiplicity > least)


def _window_norm(transforms: Complex64[Array, "tilts *half"], box_px: int, size_px: int) -> Float32[Array, "tilts 1"]:
    pixels = window(box_px, size_px, transforms.ndim - 1)
    norm = np.linalg.norm(pixels.take(transforms), axis=1, keepdims=True)
    return np.maximum(norm, np.finfo(np.float32).tiny)


def _model_ctf(
    images: ParticleImages,
    settings: ImageSettings,
    pixels: PixelList,
    multiplicity: Float32[Array, "tilts pixels"] | None,
) -> Float32[Array, "tilts pixels"]:
    """CTF at the pixels, squared for premultiplied images; on grids of another extent with the ratio of scales."""
    scale = images.grid.shells_per_image_shell(images.optics) ** pixels.dimensions
    if not settings.ctf_correction:
        return beside(np.full((images.tilts, len(pixels.kx)), scale, np.float32), images.masked)
    if not isinstance(images.ctf, TiltCtf):
        return np.float32(scale) * pixels.take(images.ctf)
    if multiplicity is not None:  # of tilt images it is CTF²
        return np.float32(scale) * multiplicity
    value = ctf_at_pixels(images.ctf, images.optics, settings, pixels.kx, pixels.ky, images.masked)
    return (scale * (value**2 if images.optics.premultiplied else value)).astype(np.float32)
