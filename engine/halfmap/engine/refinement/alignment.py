"""What the expectation step finds out about a particle."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from halfmap.engine.arrays import Array
from halfmap.engine.refinement.posterior import Posterior


@dataclass(frozen=True)
class Alignment:
    """Outcome for one particle.

    Parameters
    ----------
    angles_deg, origin_angstrom
        Best pose.
    log_likelihood, max_probability, significant_samples
        See `Assignments`.
    """

    angles_deg: Float64[np.ndarray, "3"]
    origin_angstrom: Float64[np.ndarray, "3"]
    log_likelihood: float
    max_probability: float
    significant_samples: int


@dataclass(frozen=True)
class FinePosterior:
    """Posterior of the considered fine poses, where scores are computed.

    Parameters
    ----------
    posterior
        One entry per considered pair.
    orientation, offset
        Indices of each pair into the fine orientations and offsets.
    """

    posterior: Posterior
    orientation: Int64[Array, " pairs"]
    offset: Int64[Array, " pairs"]
