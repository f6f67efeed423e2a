"""From a particle's stack to the transforms and spectra that refinement works with.

RELION: MlOptimiser::getFourierTransformsAndCtfs, precalculateShiftedImagesCtfsAndInvSigma2s.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array, beside, on_host
from halfmap.engine.fourier.masks import background_fraction, distances, mix_background, replace_outside_by_mean
from halfmap.engine.fourier.shells import (
    PixelList,
    counted_once,
    disc,
    frequencies,
    inside_rows,
    round_half_away,
    shell_indices,
    shell_sums,
    window,
)
from halfmap.engine.fourier.transform import transform_images
from halfmap.engine.imaging.ctf import TiltCtf, ctf_values
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.imaging.volume_settings import VolumeSettings
from halfmap.engine.particles.optics import OpticsGroup

LEAST_COMPARED_MULTIPLICITY = 0.1
"""Voxels of volumes with this multiplicity or less play no part in comparisons, as with RELION."""


@dataclass(frozen=True)
class ModelGrid:
    """The grid of the reference and of all spectra.

    Parameters
    ----------
    box_px
        Box size.
    pixel_size_angstrom
        Pixel size.
    """

    box_px: int
    pixel_size_angstrom: float

    @property
    def extent_angstrom(self) -> float:
        """Edge of the box in Å; shell s is the frequency s/extent."""
        return self.box_px * self.pixel_size_angstrom

    @property
    def shells(self) -> int:
        """Number of shells 0 … n/2."""
        return self.box_px // 2 + 1

    def shells_per_image_shell(self, optics: OpticsGroup) -> float:
        """Model shells per shell of an optics group's images (RELION: remap_image_sizes)."""
        return self.extent_angstrom / optics.extent_angstrom


@dataclass(frozen=True)
class ImageSettings:
    """How images are masked and modelled.

    Parameters
    ----------
    mask_diameter_angstrom
        Diameter of the circle that is kept.
    mask_edge_px
        Width of its soft edge.
    zero_mask
        Fade into the image's own background mean; otherwise into noise of the estimated spectrum.
    ctf_correction
        Model the CTF.
    intact_first_peak
        Ignore the CTF before its first peak.
    exact_noise
        The noise of premultiplied images, which was multiplied by their CTF too, is modelled so: its variance is CTF²σ²
        in each pixel. Otherwise it is σ² in all pixels of a shell, as RELION has it.
    volumes
        What the files of volumes hold.
    """

    mask_diameter_angstrom: float
    mask_edge_px: int
    zero_mask: bool
    ctf_correction: bool
    intact_first_peak: bool
    exact_noise: bool = False
    volumes: VolumeSettings = field(default_factory=VolumeSettings)


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
    background = background_fraction(
        distances(optics.box_px, 2),
        settings.mask_diameter_angstrom / (2 * optics.pixel_size_angstrom),
        settings.mask_edge_px,
    )
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
    value = _ctf_values(ctf, optics, settings, kx.ravel(), ky.ravel(), stack)
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
    value = _ctf_values(images.ctf, images.optics, settings, pixels.kx, pixels.ky, images.masked)
    return (scale * (value**2 if images.optics.premultiplied else value)).astype(np.float32)


def _ctf_values(
    ctf: TiltCtf, optics: OpticsGroup, settings: ImageSettings, kx: np.ndarray, ky: np.ndarray, like: Array
) -> Float64[Array, "tilts pixels"]:
    """CTF of each tilt image at frequencies in pixels of the transform, where another array is."""
    fx, fy = (beside(k / optics.extent_angstrom, like) for k in (kx, ky))
    return ctf_values(ctf.beside(like), optics.microscope, fx, fy, settings.intact_first_peak)
