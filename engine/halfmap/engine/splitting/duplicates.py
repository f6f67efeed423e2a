"""Particles that were picked twice."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats
from halfmap.engine.formats.located_particles import LocatedParticles
from halfmap.engine.splitting.neighbours import linked

QUALITY_LABELS = (labels.MAX_PROBABILITY, labels.LOG_LIKELIHOOD_CONTRIBUTION)


def quality(particles: LocatedParticles) -> tuple[Float64[np.ndarray, " particles"], str | None]:
    """Tell how good each particle is, and by which column.

    Returns
    -------
    The first of `QUALITY_LABELS` that the file has and that is not the same for all; without one all are equal, and the
    first of a cluster counts as the best.
    """
    for label in QUALITY_LABELS:
        if label in particles.table:
            values = as_floats(particles.table, label, particles.path)
            if np.ptp(values) > 0:
                return values, label
    return np.zeros(len(particles)), None


def kept_of_duplicates(
    pairs: Int64[np.ndarray, "pairs 2"], goodness: Float64[np.ndarray, " particles"]
) -> Bool[np.ndarray, " particles"]:
    """Keep the best particles so that no two of them are a close pair.

    The best particle stays and those near it go; then the best of what is left, and so on, the earlier row first among
    equals. So every particle that goes is near a better one that stays, also where a chain of pairs links many.
    """
    count = len(goodness)
    rank = np.empty(count, np.int64)
    rank[np.lexsort((np.arange(count), -goodness))] = np.arange(count)
    worse_first = rank[pairs[:, 0]] > rank[pairs[:, 1]]
    better = np.where(worse_first, pairs[:, 1], pairs[:, 0])
    worse = np.where(worse_first, pairs[:, 0], pairs[:, 1])
    keep = np.ones(count, bool)
    for pair in np.lexsort((rank[worse], rank[better])):
        if keep[better[pair]]:
            keep[worse[pair]] = False
    return keep


def clusters_in_one_half(
    pairs: Int64[np.ndarray, "pairs 2"], half_set: Int64[np.ndarray, " particles"]
) -> Int64[np.ndarray, " particles"]:
    """Move as few particles as possible to the other half, so that no pair is in two.

    Each cluster goes to the half that has most of it; where both have as many, to the smaller half.
    """
    cluster = linked(pairs, len(half_set))
    sizes = np.bincount(cluster)
    in_first = np.bincount(cluster, weights=half_set == 1).astype(np.int64)
    moved = half_set.copy()
    lead = int((2 * in_first - sizes).sum())  # by how much half 1 is ahead
    for number in np.flatnonzero((in_first > 0) & (in_first < sizes)):
        ahead = 2 * in_first[number] - sizes[number]
        goes_to = (2 if lead > 0 else 1) if ahead == 0 else (1 if ahead > 0 else 2)
        lead += int(sizes[number] * (1 if goes_to == 1 else -1) - ahead)
        moved[cluster == number] = goes_to
    if len(np.unique(moved)) < 2:
        raise BadInput("one of the halves would be empty: the duplicates are all that it holds. Remove them instead.")
    return moved
