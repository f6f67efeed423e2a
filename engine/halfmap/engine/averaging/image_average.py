"""An average from extracted particles (RELION: relion_reconstruct)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.on_cpu import Cores
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM, read_stack
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry, complete_hermitian, symmetrise
from halfmap.engine.fourier.shells import PixelList, disc
from halfmap.engine.fourier.transform import transform_images
from halfmap.engine.imaging.ctf import ctf_values
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.regularization import floored, reconstruct, regularised_weight, spectra
from halfmap.engine.sampling.symmetry import PointGroup

_PARTICLES_PER_THREAD = 8


@dataclass(frozen=True)
class ImageAverageSettings:
    """Options of an average from images.

    Parameters
    ----------
    group
        Point group (`--sym`).
    correct_ctf
        Correct for the CTF (`--ctf`).
    resolution_angstrom
        Largest resolution that is used (`--maxres`); None for all up to Nyquist.
    padding
        Padding factor (`--pad`).
    threads
        Number of threads.
    """

    group: PointGroup
    correct_ctf: bool
    resolution_angstrom: float | None = None
    padding: int = 2
    threads: int = 1

    def geometry(self, optics: OpticsGroup) -> AccumulatorGeometry:
        """Of the sums."""
        shells = optics.box_px // 2
        if self.resolution_angstrom is not None:
            shells = min(shells, int(np.ceil(optics.extent_angstrom / self.resolution_angstrom)))
        return AccumulatorGeometry(optics.box_px, self.padding, shells)


@dataclass(frozen=True)
class Insertion:
    """What a particle adds to the sums.

    Parameters
    ----------
    matrices
        Pixel indices to the reference's, for each image.
    values
        What is added.
    phases
        By what values are multiplied, so that the particle comes to lie in the middle.
    weights
        What the values weigh.
    """

    matrices: Float64[np.ndarray, "images axes 3"]
    values: Complex64[np.ndarray, "images pixels"]
    phases: Complex64[np.ndarray, "images pixels"]
    weights: Float32[np.ndarray, "images pixels"]


def checked_stacks(particles: ParticleSet, pixel_size_angstrom: float | None) -> ParticleSet:
    """Refuse particles of several boxes or pixel sizes; give them another pixel size where one is named."""
    if pixel_size_angstrom is not None:
        groups = tuple(replace(one, pixel_size_angstrom=pixel_size_angstrom) for one in particles.optics_groups)
        particles = replace(particles, optics_groups=groups)
    first = particles.optics_groups[0]
    for other in particles.optics_groups:
        far = abs(other.pixel_size_angstrom - first.pixel_size_angstrom) > SAME_PIXEL_SIZE_ANGSTROM
        if other.box_px != first.box_px or far:
            raise BadInput(
                f"optics groups {first.number} ({first.box_px} px at {first.pixel_size_angstrom:g} Å) and "
                f"{other.number} ({other.box_px} px at {other.pixel_size_angstrom:g} Å) differ; average them apart."
            )
    return particles


def average_images(
    particles: ParticleSet,
    members: Sequence[int],
    settings: ImageAverageSettings,
    fsc: Float64[np.ndarray, " shells"] | None,
    progress: Callable[[int], None],
) -> Float32[np.ndarray, "n n n"]:
    """Average some of the particles at the poses of their file.

    Parameters
    ----------
    particles
        Particles of one box and pixel size.
    members
        Which of them.
    settings
        How.
    fsc
        FSC between half maps, by which the map is filtered as one of all particles; None for no filter.
    progress
        Told how many particles are done after each batch; may raise to stop.
    """
    geometry = settings.geometry(particles.optics_groups[0])
    total = complete_hermitian(_sums(particles, members, settings, geometry, progress))
    total = symmetrise(total, settings.group.operators, Cores(settings.threads).add_rotated)
    weight = total.weight
    if fsc is not None:
        count = geometry.box_px // 2 + 1
        curve = np.zeros(count)
        curve[: len(fsc)] = fsc[:count]
        weight = regularised_weight(total, spectra(total, curve, 1.0, joined=True).tau2, 1.0, 0)
    return reconstruct(total, floored(total, weight), settings.threads)


def _sums(
    particles: ParticleSet,
    members: Sequence[int],
    settings: ImageAverageSettings,
    geometry: AccumulatorGeometry,
    progress: Callable[[int], None],
) -> Accumulator:
    """Add particles up, each thread in sums of its own."""
    pixels = disc(geometry.box_px, 2 * geometry.max_shell, geometry.max_shell)
    parts = [Accumulator.empty(geometry) for _ in range(settings.threads)]

    def add(thread: int, own: Sequence[int]) -> None:
        for particle in own:
            insert(parts[thread], insertion_of_stack(particles, particle, pixels, settings.correct_ctf), pixels)

    step = _PARTICLES_PER_THREAD * settings.threads
    with ThreadPoolExecutor(settings.threads) as pool:
        for start in range(0, len(members), step):
            batch = members[start : start + step]
            shares = [batch[thread :: settings.threads] for thread in range(settings.threads)]
            list(pool.map(add, range(settings.threads), shares))
            progress(start + len(batch))
    total = parts[0]
    for part in parts[1:]:
        total.sums.__iadd__(part.sums)
    return total


def insertion_of_stack(particles: ParticleSet, particle: int, pixels: PixelList, correct_ctf: bool) -> Insertion:
    """Read a particle's tilt images, and weigh them by their CTF.

    Premultiplied images have been multiplied by it already; their weight is its square (RELION: Reconstructor).
    """
    optics, rotations = particles.optics_of(particle), particles.tilt_rotations(particle)
    values = pixels.take(transform_images(read_stack(particles.image_files[particle]).astype(np.float32)))
    weights = np.ones(values.shape, np.float32)
    if correct_ctf:
        fx, fy = pixels.kx / optics.extent_angstrom, pixels.ky / optics.extent_angstrom
        ctf = ctf_values(particles.ctf_of(particle), optics.microscope, fx, fy).astype(np.float32)
        weights = ctf**2
        values = values if optics.premultiplied else values * ctf
    values[:, pixels.radius == 0] = 0
    offset_px = particles.start.origin_angstrom[particle] / optics.pixel_size_angstrom
    shifts = (rotations @ offset_px)[:, :2] / optics.box_px
    phases = np.exp(-2j * np.pi * (shifts @ pixels.frequencies.astype(np.float64))).astype(np.complex64)
    pose = euler_to_matrix(particles.start.angles_deg[particle])
    return Insertion((rotations @ pose)[:, :2], values.astype(np.complex64), phases, weights)


def insert(accumulator: Accumulator, insertion: Insertion, pixels: PixelList) -> None:
    """Spread a particle over the voxels."""
    matrices = (accumulator.geometry.padding * insertion.matrices[:, None]).astype(np.float32)
    Cores(1).insert_slices(
        accumulator,
        matrices,
        pixels,
        _as_pairs(insertion.phases)[:, None],
        np.ones(1, np.float32),
        _as_pairs(insertion.values),
        insertion.weights,
    )


def _as_pairs(values: Complex64[np.ndarray, "images pixels"]) -> Float32[np.ndarray, "images pixels 2"]:
    return np.ascontiguousarray(values).view(np.float32).reshape(*values.shape, 2)
