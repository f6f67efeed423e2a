"""From a particle's stack to its transforms, and the noise that surrounds it.

RELION: MlOptimiser::getFourierTransformsAndCtfs.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array, beside, on_host
from halfmap.engine.fourier.masks import mix_background, replace_outside_by_mean
from halfmap.engine.fourier.shells import counted_once, frequencies, round_half_away, shell_indices, shell_sums
from halfmap.engine.fourier.transform import transform_images
from halfmap.engine.imaging.ctf import TiltCtf, ctf_values
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.settings import ImageSettings
from halfmap.engine.particles.optics import OpticsGroup


@dataclass(frozen=True)
class ParticleImages:
    """Transforms of all of one particle's tilt images, or of its volume, which stands as a single image of three axes.

    Parameters
    ----------
    optics
        Its optics group.
    grid
        Grid of the model.
    rotations
        Rotations from the subtomogram frame to the images.
    ctf
        Imaging conditions of the images; of a volume what the model is multiplied by.
    masked, unmasked
        Half-transforms, on the host or on a card.
    multiplicity
        m, where the variance of the noise is m·σ²; None if it is σ² everywhere.
    relion_multiplicity
        The same in RELION's model of the noise.
    moved_px
        By how much the content has been moved already, as a part of the particle's offset.
    """

    optics: OpticsGroup
    grid: ModelGrid
    rotations: Float64[np.ndarray, "tilts 3 3"]
    ctf: TiltCtf | Float32[Array, "tilts *half"]
    masked: Complex64[Array, "tilts *half"]
    unmasked: Complex64[Array, "tilts *half"]
    multiplicity: Float32[Array, "tilts *half"] | None = None
    relion_multiplicity: Float32[Array, "tilts *half"] | None = None
    moved_px: Float64[np.ndarray, "3"] = field(default_factory=lambda: np.zeros(3))

    @property
    def tilts(self) -> int:
        """Number of tilt images."""
        return len(self.masked)

    @cached_property
    def power(self) -> Float64[np.ndarray, " shells"]:
        """Σ |F|² of the masked images by model shell, each Hermitian pair once."""
        return self._by_shell((np.abs(self.masked) ** 2).sum(axis=0, dtype=np.float64))

    @cached_property
    def pixel_counts(self) -> Float64[np.ndarray, " shells"]:
        """Number of pixels of all images by model shell, each Hermitian pair once."""
        return self.tilts * self._by_shell(np.ones(self.masked.shape[1:]))

    @cached_property
    def noise_counts(self) -> Float64[np.ndarray, " shells"]:
        """Σ m over the same pixels: how many times σ² their noise has in all."""
        if self.multiplicity is None:
            return self.pixel_counts
        return self._by_shell(self.multiplicity.sum(axis=0, dtype=np.float64))

    @property
    def relion_counts(self) -> Float64[np.ndarray, " shells"]:
        """What RELION divides residuals by: pixels, or of volumes the multiplicity of their voxels."""
        if self.relion_multiplicity is None:
            return self.pixel_counts
        return self._by_shell(self.relion_multiplicity.sum(axis=0, dtype=np.float64))

    def _by_shell(self, values: Float64[Array, "*half"]) -> Float64[np.ndarray, " shells"]:
        once = counted_once(self.optics.box_px, values.ndim)
        ratio = self.grid.shells_per_image_shell(self.optics)
        shells = round_half_away(ratio * shell_indices(self.optics.box_px, values.ndim)[once])
        return shell_sums(on_host(values)[once], shells, self.grid.shells)


def load_images(
    stack: Float32[Array, "tilts n n"],
    optics: OpticsGroup,
    grid: ModelGrid,
    rotations: Float64[np.ndarray, "tilts 3 3"],
    ctf: TiltCtf,
    settings: ImageSettings,
    noise: Float32[np.ndarray, "tilts n n"] | None = None,
    multiplicity: Float32[Array, "tilts n half"] | None = None,
) -> ParticleImages:
    """Mask and transform a particle's images, where they are.

    Parameters
    ----------
    stack
        Images as read.
    optics, grid, rotations, ctf, settings
        See there.
    noise
        What the images fade into outside the mask, where that is not their own mean.
    multiplicity
        See `noise_multiplicity`.
    """
    background = settings.background(optics)
    if noise is None:
        masked = replace_outside_by_mean(stack, background)
    else:
        masked = mix_background(stack, beside(noise, stack), background)
    transforms = transform_images(masked), transform_images(stack)
    return ParticleImages(optics, grid, rotations, ctf, *transforms, multiplicity)


def noise_multiplicity(
    stack: Float32[Array, "tilts n n"], optics: OpticsGroup, ctf: TiltCtf, settings: ImageSettings
) -> Float32[Array, "tilts n half"] | None:
    """Variance of the noise in each pixel of the transforms in units of σ², where the stack is; None for 1 everywhere.

    The noise of premultiplied images was multiplied by the CTF as well.
    """
    if not (settings.exact_noise and settings.ctf_correction and optics.premultiplied):
        return None
    ky, kx = np.meshgrid(frequencies(optics.box_px), np.arange(optics.box_px // 2 + 1), indexing="ij")
    value = ctf_at_pixels(ctf, optics, settings, kx.ravel(), ky.ravel(), stack)
    return (value**2).astype(np.float32).reshape(-1, *kx.shape)


def noise_images(
    sigma2: Float64[np.ndarray, " shells"],
    optics: OpticsGroup,
    grid: ModelGrid,
    tilts: int,
    seed: int,
    multiplicity: Float32[np.ndarray, "tilts n half"] | None = None,
) -> Float32[np.ndarray, "tilts n n"]:
    """Draw Gaussian noise images with a given spectrum (variance per real or imaginary component)."""
    box = optics.box_px
    shells = round_half_away(grid.shells_per_image_shell(optics) * shell_indices(box, 2))
    sigma = np.sqrt(sigma2[np.minimum(shells, grid.shells - 1)])
    drawn = np.random.default_rng(seed).standard_normal((tilts, box, box // 2 + 1, 2)) * sigma[..., None]
    transform = (drawn[..., 0] + 1j * drawn[..., 1]) * (1 if multiplicity is None else np.sqrt(multiplicity))
    return np.fft.fftshift(np.fft.irfft2(transform, s=(box, box), norm="forward"), axes=(1, 2)).astype(np.float32)


def ctf_at_pixels(
    ctf: TiltCtf, optics: OpticsGroup, settings: ImageSettings, kx: np.ndarray, ky: np.ndarray, like: Array
) -> Float64[Array, "tilts pixels"]:
    """CTF of each tilt image at frequencies in pixels of the transform, where another array is."""
    fx, fy = (beside(k / optics.extent_angstrom, like) for k in (kx, ky))
    return ctf_values(ctf.beside(like), optics.microscope, fx, fy, settings.intact_first_peak)
