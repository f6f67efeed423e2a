"""The one place where the two half sets meet.

Below the joining resolution they share their data so that both keep the same orientation; above it only the FSC
between them is taken. In the last iteration they are added up.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex128, Float, Float64

from halfmap.engine.fourier.backprojector import Accumulator, downsampled_average, low_resolution_sphere
from halfmap.engine.fourier.shells import radii
from halfmap.engine.fourier.transform import restore_map, transform_map
from halfmap.engine.imaging.preparation import ModelGrid
from halfmap.engine.ranks.communicator import Communicator
from halfmap.engine.refinement.fsc import fsc_of_averages, fsc_of_maps, resolution_shell

_AGREEMENT = 0.5
_RANDOMISE_BELOW_FSC = 0.8
_SHELLS_AFTER_RANDOMISATION = 2

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


@dataclass(frozen=True)
class SolventCorrectedFsc:
    """FSC between masked maps, corrected for what the mask itself correlates.

    Parameters
    ----------
    fsc
        Corrected curve.
    randomised_from
        First shell with randomised phases; None if the unmasked curve never drops far enough.
    """

    fsc: Float64[np.ndarray, " shells"]
    randomised_from: int | None


def solvent_corrected_fsc(
    first: Float[np.ndarray, "n n n"], second: Float[np.ndarray, "n n n"], mask: Float[np.ndarray, "n n n"], seed: int
) -> SolventCorrectedFsc:
    """Correct the FSC for the solvent by phase randomisation (Chen et al. 2013).

    Parameters
    ----------
    first, second
        Unregularised half maps.
    mask
        Solvent mask.
    seed
        Seed of the random phases.

    Notes
    -----
    RELION: reconstructUnregularisedMapAndCalculateSolventCorrectedFSC.
    """
    unmasked = fsc_of_maps(first, second)
    start = resolution_shell(unmasked, _RANDOMISE_BELOW_FSC) + 1
    if start >= len(unmasked):
        return SolventCorrectedFsc(unmasked, None)
    random = np.random.default_rng(seed)
    masked = fsc_of_maps(first * mask, second * mask)
    randomised = fsc_of_maps(*(with_random_phases(density, start, random) * mask for density in (first, second)))
    corrected = (masked - randomised) / np.maximum(1 - randomised, np.finfo(float).tiny)
    corrected[randomised > masked] = 0
    keep = start + _SHELLS_AFTER_RANDOMISATION
    corrected[:keep] = masked[:keep]
    return SolventCorrectedFsc(corrected, start)


def with_random_phases(
    density: Float[np.ndarray, "n n n"], from_shell: int, random: np.random.Generator
) -> Float[np.ndarray, "n n n"]:
    """Randomise the phases of a map from a shell on, amplitudes kept."""
    transform = transform_map(density.astype(np.float64))
    beyond = radii(density.shape[0], 3) >= from_shell
    phases = random.uniform(0, 2 * np.pi, np.count_nonzero(beyond))
    transform[beyond] = np.abs(transform[beyond]) * np.exp(1j * phases)
    return restore_map(transform)
