"""What may be asked of a post-processing."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.refinement.solvent_correction import RANDOMISE_BELOW_FSC


@dataclass(frozen=True)
class FitRange:
    """Which shells of the Guinier plot tell the B-factor.

    Parameters
    ----------
    lowest_angstrom, highest_angstrom
        Lowest and highest resolution; 0 for the highest means Nyquist.
    """

    lowest_angstrom: float = 10.0
    highest_angstrom: float = 0.0


@dataclass(frozen=True)
class Mtf:
    """How a detector passes on each frequency.

    Parameters
    ----------
    frequency_per_px
        In 1/px of the detector, rising.
    values
        From 1 downwards, above 0.
    pixel_size_angstrom
        The detector's pixel, in the specimen.
    """

    frequency_per_px: Float64[np.ndarray, " points"]
    values: Float64[np.ndarray, " points"]
    pixel_size_angstrom: float


@dataclass(frozen=True)
class PostprocessSettings:
    """How half maps are compared and their mean is sharpened.

    Parameters
    ----------
    randomise_below_fsc
        Phases are random from the first shell on where the unmasked FSC is below this.
    random_seed
        Seed of the random phases.
    mtf
        Detector whose fall-off is divided out.
    weight_by_fsc
        Weigh each shell by √(2 FSC / (1 + FSC)).
    b_factor
        In Å² (negative sharpens), or shells to find it from; None leaves amplitudes as they are.
    low_pass_angstrom
        Resolution of a last low-pass filter; 0 for none, negative for the resolution that was found.
    filter_edge_shells
        Width of that filter's edge.
    """

    randomise_below_fsc: float = RANDOMISE_BELOW_FSC
    random_seed: int = 0
    mtf: Mtf | None = None
    weight_by_fsc: bool = True
    b_factor: float | FitRange | None = None
    low_pass_angstrom: float = 0.0
    filter_edge_shells: float = 2.0
