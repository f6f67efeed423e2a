"""FSC within a mask, corrected for what the mask itself correlates (Chen et al. 2013, Ultramicroscopy 135, 24)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.fourier.shells import radii
from halfmap.engine.fourier.transform import restore_map, transform_map
from halfmap.engine.refinement.fsc import fsc_of_maps, resolution_shell

RANDOMISE_BELOW_FSC = 0.8
_SHELLS_AFTER_RANDOMISATION = 2


@dataclass(frozen=True)
class SolventCorrectedFsc:
    """FSC between masked maps, corrected for the mask, and what it was made of.

    Parameters
    ----------
    fsc
        Corrected curve; that of the unmasked maps if they never disagree enough for a correction.
    unmasked, masked
        FSC between the maps, and between the masked maps.
    randomised
        FSC between the masked maps with random phases; None without a correction.
    randomised_from
        First shell with randomised phases; None without a correction.
    """

    fsc: Float64[np.ndarray, " shells"]
    unmasked: Float64[np.ndarray, " shells"]
    masked: Float64[np.ndarray, " shells"]
    randomised: Float64[np.ndarray, " shells"] | None
    randomised_from: int | None


def solvent_corrected_fsc(
    first: Float[np.ndarray, "n n n"],
    second: Float[np.ndarray, "n n n"],
    mask: Float[np.ndarray, "n n n"],
    seed: int,
    randomise_below_fsc: float = RANDOMISE_BELOW_FSC,
) -> SolventCorrectedFsc:
    """Correct the FSC for the solvent by phase randomisation.

    Parameters
    ----------
    first, second
        Unregularised half maps.
    mask
        Solvent mask.
    seed
        Seed of the random phases.
    randomise_below_fsc
        Phases are random from the first shell on where the unmasked FSC is below this.

    Notes
    -----
    RELION: reconstructUnregularisedMapAndCalculateSolventCorrectedFSC, Postprocessing::run.
    """
    unmasked, masked = fsc_of_maps(first, second), fsc_of_maps(first * mask, second * mask)
    start = resolution_shell(unmasked, randomise_below_fsc) + 1
    if start >= len(unmasked):
        return SolventCorrectedFsc(unmasked, unmasked, masked, None, None)
    random = np.random.default_rng(seed)
    randomised = fsc_of_maps(*(with_random_phases(density, start, random) * mask for density in (first, second)))
    corrected = (masked - randomised) / np.maximum(1 - randomised, np.finfo(float).tiny)
    corrected[randomised > masked] = 0
    keep = start + _SHELLS_AFTER_RANDOMISATION
    corrected[:keep] = masked[:keep]
    return SolventCorrectedFsc(corrected, unmasked, masked, randomised, start)


def with_random_phases(
    density: Float[np.ndarray, "n n n"], from_shell: int, random: np.random.Generator
) -> Float[np.ndarray, "n n n"]:
    """Randomise the phases of a map from a shell on, amplitudes kept."""
    transform = transform_map(density.astype(np.float64))
    beyond = radii(density.shape[0], 3) >= from_shell
    phases = random.uniform(0, 2 * np.pi, np.count_nonzero(beyond))
    transform[beyond] = np.abs(transform[beyond]) * np.exp(1j * phases)
    return restore_map(transform)
