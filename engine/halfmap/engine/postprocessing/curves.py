"""FSC curves between half maps, and the resolution that they come to."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from halfmap.engine.refinement.fsc import GOLD_STANDARD, fsc_of_maps, resolution_shell
from halfmap.engine.refinement.solvent_correction import RANDOMISE_BELOW_FSC, solvent_corrected_fsc


@dataclass(frozen=True)
class FscCurves:
    """FSC between two half maps, shells 0 … n/2.

    Parameters
    ----------
    corrected
        The curve that counts: masked and corrected for the mask; without a mask the unmasked one. If the unmasked maps
        agree so well that no phases can be randomised, the masked one.
    unmasked
        Between the maps.
    masked
        Between the masked maps; None without a mask.
    randomised
        Between the masked maps with random phases; None where none were randomised.
    randomised_from
        First shell with random phases.
    of_particle
        What the unmasked curve would be in a box as large as the mask; None without a mask.
    box_over_mask
        Volume of the box over that of the mask; None without a mask.
    """

    corrected: Float64[np.ndarray, " shells"]
    unmasked: Float64[np.ndarray, " shells"]
    masked: Float64[np.ndarray, " shells"] | None = None
    randomised: Float64[np.ndarray, " shells"] | None = None
    randomised_from: int | None = None
    of_particle: Float64[np.ndarray, " shells"] | None = None
    box_over_mask: float | None = None

    @property
    def resolution_shell(self) -> int:
        """Last shell before the corrected curve first falls below 0.143; 0 if it does so at once."""
        return resolution_shell(self.corrected, GOLD_STANDARD)


def fsc_curves(
    first: Float[np.ndarray, "n n n"],
    second: Float[np.ndarray, "n n n"],
    mask: Float[np.ndarray, "n n n"] | None,
    randomise_below_fsc: float = RANDOMISE_BELOW_FSC,
    random_seed: int = 0,
) -> FscCurves:
    """Compare unfiltered half maps within a mask (0 to 1), if there is one."""
    if mask is None:
        unmasked = fsc_of_maps(first, second)
        return FscCurves(unmasked, unmasked)
    found = solvent_corrected_fsc(first, second, mask, random_seed, randomise_below_fsc)
    box_over_mask = mask.size / float(mask.sum(dtype=np.float64))
    return FscCurves(
        corrected=found.masked if found.randomised is None else found.fsc,
        unmasked=found.unmasked,
        masked=found.masked,
        randomised=found.randomised,
        randomised_from=found.randomised_from,
        of_particle=fsc_of_particle(found.unmasked, box_over_mask),
        box_over_mask=box_over_mask,
    )


def fsc_of_particle(fsc: Float64[np.ndarray, " shells"], box_over_particle: float) -> Float64[np.ndarray, " shells"]:
    """What the FSC of whole boxes says about the particle, if the rest of the box is noise only.

    Cutting the box down to the particle takes away noise, not signal, so that the signal-to-noise ratio FSC / (1 − FSC)
    rises by the ratio of volumes f: f FSC / (1 + (f − 1) FSC). Values below 0 count as 0.

    Notes
    -----
    The part_FSC of cisTEM (Grant, Rohou & Grigorieff 2018, eLife 7, e35383). RELION: Postprocessing::calculateFSCpart.
    """
    positive = np.maximum(fsc, 0)
    return box_over_particle * positive / (1 + (box_over_particle - 1) * positive)
