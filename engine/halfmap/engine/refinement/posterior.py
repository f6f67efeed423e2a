"""From log-weights of poses to the poses that matter, computed where the log-weights are.

RELION: MlOptimiser::convertAllSquaredDifferencesToWeights.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from halfmap.engine.arrays import Array


@dataclass(frozen=True)
class Posterior:
    """Normalised weights of poses.

    Parameters
    ----------
    weights
        Posterior probability of each pose; they add up to 1.
    log_evidence
        Logarithm of the sum of the unnormalised weights.
    significant
        Poses that together carry the asked share of the posterior, ties included.
    """

    weights: Float64[Array, "*poses"]
    log_evidence: float
    significant: Bool[Array, "*poses"]

    @property
    def best(self) -> int:
        """Position of the most probable pose in the flattened array."""
        return int(self.weights.argmax())


def posterior(log_weights: Float64[Array, "*poses"], fraction: float, at_most: int = -1) -> Posterior:
    """Normalise log-weights and find the significant poses.

    Parameters
    ----------
    log_weights
        Log-likelihood plus log-priors.
    fraction
        Share of the posterior that significant poses carry (`--adaptive_fraction`).
    at_most
        Largest number of significant poses, -1 for no limit (`--maxsig`).
    """
    top = float(log_weights.max())
    weights = np.exp(log_weights - top)
    total = float(weights.sum())
    threshold = _threshold(weights, fraction * total, total, at_most)
    return Posterior(weights / total, top + float(np.log(total)), weights >= threshold)


def _threshold(weights: Float64[Array, "*poses"], share: float, total: float, at_most: int) -> float:
    """Smallest weight that is needed to exceed a share of the total, counting from the largest.

    Weights below (total − share)/n can be left out before sorting: all of them together do not fill the rest.
    """
    candidates = weights[weights >= (total - share) / weights.size]
    ordered = np.sort(candidates)[::-1]
    needed = int(np.searchsorted(np.cumsum(ordered), share, side="right"))
    if at_most > 0:
        needed = min(needed, at_most - 1)
    return float(ordered[min(needed, len(ordered) - 1)])


def best_only(scores: Float64[Array, "*poses"]) -> Posterior:
    """Give all weight to the best pose (cross-correlation mode)."""
    significant = np.zeros_like(scores, dtype=bool)
    significant.reshape(-1)[int(scores.argmax())] = True
    return Posterior(significant.astype(np.float64), float(scores.max()), significant)
