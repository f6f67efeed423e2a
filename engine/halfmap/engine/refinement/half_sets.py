"""The one place where the two half sets meet.

Below the joining resolution they share their data so that both keep the same orientation; above it only the FSC
between them is taken. In the last iteration they are added up.
"""

import math

import numpy as np
from jaxtyping import Complex128, Float64

from halfmap.engine.fourier.backprojector import Accumulator, downsampled_average, low_resolution_sphere
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.refinement.fsc import fsc_of_averages

_AGREEMENT = 0.5

Accumulators = dict[int, Accumulator]


def join_low_resolution(accumulators: Accumulators, shell: int, communicator: Communicator) -> Accumulators:
    """Replace both halves' sums up to a shell by their mean (RELION: joinTwoHalvesAtLowResolution).

    Parameters
    ----------
    accumulators
        Symmetrised sums of the halves that this rank is captain of.
    shell
        Last joined shell.
    communicator
        Where the halves meet.
    """
    spheres = {h: a.sums[low_resolution_sphere(a.geometry, shell)] for h, a in accumulators.items()}
    met = communicator.meet(spheres)
    if met is None:
        return accumulators
    mean = (met[0] + met[1]) / 2
    joined = {}
    for half, accumulator in accumulators.items():
        sums = accumulator.sums.copy()
        sums[low_resolution_sphere(accumulator.geometry, shell)] = mean
        joined[half] = accumulator.with_sums(sums)
    return joined


def joining_shell(grid: ModelGrid, join_until_angstrom: float, resolution_per_angstrom: float) -> int:
    """Last shell that the halves share: the joining resolution, or the current one where that is worse."""
    coarsest = max(join_until_angstrom, 1 / resolution_per_angstrom if resolution_per_angstrom > 0 else math.inf)
    return math.ceil(grid.extent_angstrom / coarsest) if math.isfinite(coarsest) else 0


def is_resolved(fsc: Float64[np.ndarray, " shells"], shared_shell: int) -> bool:
    """Whether the halves agree in shells that they do not share: FSC of 0.5 or more in the first of them.

    Notes
    -----
    Masks carry some of the shared shells' agreement into the next one, so that 0.143 there means nothing.
    """
    return bool(fsc[shared_shell + 1] >= _AGREEMENT) if shared_shell + 1 < len(fsc) else False


def gold_standard_fsc(accumulators: Accumulators, communicator: Communicator) -> Float64[np.ndarray, " shells"] | None:
    """FSC between the halves' averages, on the captains; None on other ranks."""
    averages: dict[int, Complex128[np.ndarray, "m m mhalf"]] = {
        half: downsampled_average(accumulator) for half, accumulator in accumulators.items()
    }
    met = communicator.meet(averages)
    if met is None:
        return None
    geometry = next(iter(accumulators.values())).geometry
    return fsc_of_averages(*met, geometry.max_shell, geometry.box_px)


def added_up(accumulators: Accumulators, communicator: Communicator) -> Accumulator | None:
    """Sum of both halves, on the captains; None on other ranks."""
    met = communicator.meet({half: a.sums for half, a in accumulators.items()})
    if met is None:
        return None
    return next(iter(accumulators.values())).with_sums(met[0] + met[1])
