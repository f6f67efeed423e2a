"""Adding particles up, in threads: cut out side by side, then added slab by slab without locks."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from halfmap.engine.averaging.memory import Load
from halfmap.engine.averaging.partial import PartialSums
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.slices import ParticleSlices, SliceCutter
from halfmap.engine.backend.kernels.slab import add_slabs
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.particles.placed import PlacedParticles

_RANGES_PER_THREAD = 4


@dataclass(frozen=True)
class Watch:
    """Who is told how far the sums have come.

    Parameters
    ----------
    batch
        Called with the number of particles done so far after each batch; may raise to stop.
    tomogram
        Called with the sums after each tomogram.
    """

    batch: Callable[[int], None]
    tomogram: Callable[[PartialSums], None]


def nothing_summed(particles: PlacedParticles, settings: AverageSettings) -> PartialSums:
    """Empty sums for each half set there is."""
    return PartialSums(
        (), {half: Accumulator.empty(settings.geometry) for half in np.unique(particles.half_set).tolist()}
    )


def add_up(
    start: PartialSums,
    particles: PlacedParticles,
    recordings: Mapping[str, Recording],
    settings: AverageSettings,
    load: Load,
    watch: Watch,
) -> Mapping[int, Accumulator]:
    """Add particles to the sums of those tomograms that are done.

    Parameters
    ----------
    start
        What is there; its sums are added to.
    particles, recordings
        Particles and their tilt series.
    settings
        Options of the average.
    load
        Threads and particles at once; the sums do not depend on them.
    watch
        Who is told.

    Returns
    -------
    Sums by half set; those of particles without one by 0.
    """
    finished = list(start.tomograms)
    done = sum(len(particles.in_tomogram(name)) for name in finished)
    with ThreadPoolExecutor(load.threads) as pool:
        for name in [name for name in recordings if name not in start.tomograms]:
            cutter = SliceCutter.of_recording(recordings[name], settings)
            members = particles.in_tomogram(name)
            for first in range(0, len(members), load.particles):
                batch = members[first : first + load.particles].tolist()
                _add_batch(start.sums, particles, cutter, batch, pool, load.threads)
                done += len(batch)
                watch.batch(done)
            finished.append(name)
            watch.tomogram(PartialSums(tuple(finished), start.sums))
    return start.sums


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
