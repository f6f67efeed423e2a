"""By how much an FSC is inflated because neighbours are in different half sets: measured with maps of both kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.averaging.average import Progress
from halfmap.engine.averaging.maps import average_maps, symmetrised
from halfmap.engine.averaging.memory import plan_load
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.summing import Watch, add_up, nothing_summed
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.particles.placed import PlacedParticles
from halfmap.engine.refinement.fsc import GOLD_STANDARD, fsc_of_maps, resolution_shell, shell_resolutions

_CODE = 3  # a particle in half p of one way and half t of the other has the number 3 p + t


@dataclass(frozen=True)
class Inflation:
    """Two FSC curves of the same particles.

    Parameters
    ----------
    shell_resolution_angstrom
        Resolution of each shell, 0 … n/2; None for shell 0.
    present, together
        FSC with the present half sets, and with neighbours in the same half.
    difference
        The first less the second.
    present_143_angstrom, together_143_angstrom
        Last shell before the FSC falls below 0.143; None if it does so at once.
    """

    shell_resolution_angstrom: tuple[float | None, ...]
    present: tuple[float, ...]
    together: tuple[float, ...]
    difference: tuple[float, ...]
    present_143_angstrom: float | None
    together_143_angstrom: float | None


@dataclass(frozen=True)
class HalfSets:
    """Two ways to divide the same particles: 1 or 2 for each."""

    present: Int64[np.ndarray, " particles"]
    together: Int64[np.ndarray, " particles"]


def measure_inflation(
    placed: tuple[PlacedParticles, Mapping[str, Recording]],
    halves: HalfSets,
    settings: AverageSettings,
    voxel_angstrom: float,
    threads: int,
    progress: Progress,
) -> Inflation:
    """Make half maps of both ways to divide particles, and compare their FSC.

    Particles are cut out and added up once, in four sums: those of each half of one way and each half of the other.

    Parameters
    ----------
    placed
        Particles and their tilt series.
    halves
        The two ways.
    settings
        Of the averages.
    voxel_angstrom
        Edge of a voxel.
    threads
        Number of threads; the curves do not depend on it.
    progress
        Told after each batch of particles.
    """
    particles, recordings = placed
    total = len(particles)
    progress(0, total)
    quartered = replace(particles, half_set=_CODE * halves.present + halves.together)
    watch = Watch(lambda done: progress(done, total), lambda _: None)
    start = nothing_summed(quartered, settings)
    load = plan_load(settings, len(start.sums), recordings.values(), threads, None)
    sums = add_up(start, quartered, recordings, settings, load, watch)
    parts = {divmod(code, _CODE): part for code, part in sums.items()}
    present, together = (_fsc([_added(parts, way, half) for half in (1, 2)], settings, threads) for way in (0, 1))
    return _compared(present, together, settings.crop_px * voxel_angstrom)


def _added(parts: Mapping[tuple[int, int], Accumulator], way: int, half: int) -> Accumulator:
    """Add up the parts that are in a half of a way."""
    found = [part for halves, part in parts.items() if halves[way] == half]
    return found[0].with_sums(sum((part.sums for part in found[1:]), found[0].sums))


def _fsc(halves: list[Accumulator], settings: AverageSettings, threads: int) -> Float64[np.ndarray, " shells"]:
    first, second = (average_maps(symmetrised(half, settings, threads), settings, threads).cropped for half in halves)
    return fsc_of_maps(first, second)


def _compared(
    present: Float64[np.ndarray, " shells"], together: Float64[np.ndarray, " shells"], extent_angstrom: float
) -> Inflation:
    shells = shell_resolutions(len(present), extent_angstrom)
    return Inflation(
        shell_resolution_angstrom=shells,
        present=tuple(map(float, present)),
        together=tuple(map(float, together)),
        difference=tuple(map(float, present - together)),
        present_143_angstrom=shells[resolution_shell(present, GOLD_STANDARD)],
        together_143_angstrom=shells[resolution_shell(together, GOLD_STANDARD)],
    )
