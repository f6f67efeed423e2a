"""What a refinement starts from: the reference on the particles' grid, and first noise spectra.

RELION: MlModel::initialiseFromImages, initialiseDataVersusPrior, MlOptimiser::initialLowPassFilterReferences,
initialiseSigma2Noise.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, Float32, Float64

from halfmap.engine.fourier.filters import low_pass
from halfmap.engine.fourier.shells import round_half_away, round_scalar, shell_indices, shell_means
from halfmap.engine.fourier.transform import resample_map, transform_map, window_map
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import ParticleImages


def on_grid(
    density: Float32[np.ndarray, "n n n"], pixel_size_angstrom: float, grid: ModelGrid
) -> Float32[np.ndarray, "m m m"]:
    """Bring a map to the pixel size and box size of the model: resample in Fourier space, then crop or pad."""
    box_px = round_scalar(density.shape[0] * pixel_size_angstrom / grid.pixel_size_angstrom)
    return window_map(resample_map(density, box_px - box_px % 2), grid.box_px).astype(np.float32)


def low_passed(
    density: Float[np.ndarray, "n n n"], grid: ModelGrid, resolution_angstrom: float
) -> Float32[np.ndarray, "n n n"]:
    """Low-pass filter a map at a resolution, with a cosine edge of two shells around it."""
    return low_pass(density, grid.extent_angstrom / resolution_angstrom).astype(np.float32)


def first_noise(
    sample: Iterable[tuple[int, ParticleImages]], optics_groups: int, grid: ModelGrid
) -> Float64[np.ndarray, "optics shells"]:
    """Noise spectra from a sample: half of the images' mean power, less that of their mean image.

    Parameters
    ----------
    sample
        Optics group index and masked images of some particles of every group.
    optics_groups
        Number of optics groups; those without a particle in the sample get the mean of the others.
    grid
        Model grid.
    """
    found: dict[int, _PowerSums] = {}
    for group, images in sample:
        found.setdefault(group, _PowerSums(images)).add(images)
    spectra = {group: sums.noise(grid) for group, sums in found.items()}
    mean = np.asarray(np.mean(list(spectra.values()), axis=0))
    return np.stack([np.asarray(spectra.get(group, mean)) for group in range(optics_groups)])


class _PowerSums:
    """Sums over the images of one optics group."""

    def __init__(self, example: ParticleImages) -> None:
        self.images = 0
        self.transform = np.zeros(example.masked.shape[1:], np.complex128)
        self.power = np.zeros(example.masked.shape[1:])
        self.multiplicity = np.zeros(example.masked.shape[1:])
        self.ratio = example.grid.shells_per_image_shell(example.optics)

    def add(self, images: ParticleImages) -> None:
        self.images += images.tilts
        self.transform += images.masked.sum(axis=0)
        self.power += (np.abs(images.masked) ** 2).sum(axis=0)
        self.multiplicity += images.tilts if images.multiplicity is None else images.multiplicity.sum(axis=0)

    def noise(self, grid: ModelGrid) -> Float64[np.ndarray, " shells"]:
        variance = 0.5 * (self.power / self.images - np.abs(self.transform / self.images) ** 2)
        shells = round_half_away(self.ratio * shell_indices(len(variance), variance.ndim).ravel())
        mean = shell_means(variance.ravel(), shells, grid.shells)
        multiplicity = shell_means((self.multiplicity / self.images).ravel(), shells, grid.shells)
        return filled(np.divide(mean, multiplicity, out=mean, where=multiplicity > 0))


def filled(spectrum: Float64[np.ndarray, " shells"]) -> Float64[np.ndarray, " shells"]:
    """Replace values that are not positive by that of the shell before, leading ones by the first positive."""
    positive = np.flatnonzero(spectrum > 0)
    if not len(positive):
        return np.ones_like(spectrum)
    source = positive[np.maximum(np.searchsorted(positive, np.arange(len(spectrum)), side="right") - 1, 0)]
    return spectrum[source]


def first_ssnr(
    density: Float[np.ndarray, "n n n"],
    sigma2: Float64[np.ndarray, "optics shells"],
    particles: int,
    tau2_fudge: float,
    dimensions: int = 2,
) -> tuple[Float64[np.ndarray, " shells"], Float64[np.ndarray, " shells"]]:
    """Signal spectrum τ² of the starting reference and its ratio to the noise that the particles would leave.

    RELION: MlModel::initialiseDataVersusPrior.
    """
    box_px = density.shape[0]
    shells = shell_indices(box_px, 3).ravel()
    power = np.abs(transform_map(density.astype(np.float64)).ravel()) ** 2
    scale = box_px**2 if dimensions == 2 else 1
    tau2 = tau2_fudge * 0.5 * scale * shell_means(power, shells, box_px // 2 + 1)
    shell = np.arange(box_px // 2 + 1)
    evidence = particles / sigma2.mean(axis=0) / np.where(shell > 0, 2 * shell, 1)
    return tau2, evidence * tau2
