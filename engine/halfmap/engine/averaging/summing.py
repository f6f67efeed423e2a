"""Adding particles up, in threads: cut out side by side, then added slab by slab without locks."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.slices import ParticleSlices, SliceCutter
from halfmap.engine.backend.kernels.slab import add_slabs
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.particles.placed import PlacedParticles

_RANGES_PER_THREAD = 4
_PARTICLES_PER_THREAD = 8

Progress = Callable[[int], None]
"""Called with the number of particles done so far; may raise to stop."""


def sums_of_half_sets(
    particles: PlacedParticles,
    recordings: Mapping[str, Recording],
    settings: AverageSettings,
    threads: int,
    progress: Progress,
) -> dict[int, Accumulator]:
    """Add up all particles.

    Parameters
    ----------
    particles, recordings
        Particles and their tilt series.
    settings
        Options of the average.
    threads
        Number of threads; the sums do not depend on it.
    progress
        Told after each batch.

    Returns
    -------
    Sums by half set; those of particles without one by 0.
    """
    sums = {int(half): Accumulator.empty(settings.geometry) for half in np.unique(particles.half_set)}
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        for name, recording in recordings.items():
            cutter = SliceCutter.of_recording(recording, settings)
            members = particles.in_tomogram(name)
            for start in range(0, len(members), _PARTICLES_PER_THREAD * threads):
                batch = members[start : start + _PARTICLES_PER_THREAD * threads]
                _add_batch(sums, particles, cutter, batch.tolist(), pool, threads)
                done += len(batch)
                progress(done)
    return sums


def _add_batch(
    sums: Mapping[int, Accumulator],
    particles: PlacedParticles,
    cutter: SliceCutter,
    batch: Sequence[int],
    pool: ThreadPoolExecutor,
    threads: int,
) -> None:
    def cut(particle: int) -> ParticleSlices:
        return cutter.slices_of(
            particles.position_px[particle], particles.path_px(particle), particles.rotation[particle]
        )

    found = [(int(particles.half_set[p]), slices) for p, slices in zip(batch, pool.map(cut, batch), strict=True)]
    size = cutter.settings.geometry.shape[0]
    edges = np.linspace(0, size, _RANGES_PER_THREAD * threads + 1).astype(int).tolist()

    def add(planes: tuple[int, int]) -> None:
        for half, slices in found:
            add_slices(sums[half], slices, planes)

    list(pool.map(add, pairwise(edges)))


def add_slices(accumulator: Accumulator, slices: ParticleSlices, planes: tuple[int, int]) -> None:
    """Add a particle to the planes first … last−1 of sums, all voxels that its pixels reach."""
    reach = accumulator.geometry.box_px // 2 + 2.0
    add_slabs(accumulator.sums, slices.pixels, slices.matrices, reach, *planes)
