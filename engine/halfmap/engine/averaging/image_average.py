"""An average from extracted particles (RELION: relion_reconstruct)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.averaging.image_insertion import ImageContents, insert, insertion_of
from halfmap.engine.backend.on_cpu import Cores
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import SAME_PIXEL_SIZE_ANGSTROM
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry, complete_hermitian, symmetrise
from halfmap.engine.fourier.shells import disc
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.particle import ParticleSet
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
    contents
        What is made of images.
    resolution_angstrom
        Largest resolution that is used (`--maxres`); None for all up to Nyquist.
    padding
        Padding factor (`--pad`).
    threads
        Number of threads.
    """

    group: PointGroup
    contents: ImageContents
    resolution_angstrom: float | None = None
    padding: int = 2
    threads: int = 1

    def geometry(self, optics: OpticsGroup) -> AccumulatorGeometry:
        """Of the sums."""
        shells = optics.box_px // 2
        if self.resolution_angstrom is not None:
            shells = min(shells, int(np.ceil(optics.extent_angstrom / self.resolution_angstrom)))
        return AccumulatorGeometry(optics.box_px, self.padding, shells, optics.dimensions)


def of_one_grid(particles: ParticleSet, pixel_size_angstrom: float | None) -> ParticleSet:
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
    pixels = disc(geometry.box_px, 2 * geometry.max_shell, geometry.max_shell, geometry.dimensions)
    parts = [Accumulator.empty(geometry) for _ in range(settings.threads)]

    def add(thread: int, own: Sequence[int]) -> None:
        for particle in own:
            insert(parts[thread], insertion_of(particles, particle, pixels, settings.contents), pixels)

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
