"""Which half a unit goes to: whole units, halves of equal size."""

import numpy as np
from jaxtyping import Int64

from halfmap.engine.errors import BadInput


def balanced_halves(
    unit: Int64[np.ndarray, " particles"], stratum: Int64[np.ndarray, " particles"], seed: int
) -> Int64[np.ndarray, " particles"]:
    """Put each unit as a whole into half 1 or 2, so that the halves are about as large.

    Large units go first; each goes to the half that has fewer particles of its stratum, then to the one that has fewer
    in all, then to either. Units of one size follow each other at random.

    Parameters
    ----------
    unit
        Unit of each particle.
    stratum
        Within what the halves shall be equal, such as the tomogram; a unit's is that of its first particle.
    seed
        Of the random numbers.

    Raises
    ------
    BadInput
        If there are fewer than two units, so that a half would be empty.
    """
    _, first, unit_of, sizes = np.unique(unit, return_index=True, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise BadInput(
            "one of the halves would be empty: all particles belong together. Split them in another way (--by)."
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(sizes))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    coins = rng.integers(0, 2, len(sizes))
    strata = np.unique(stratum[first], return_inverse=True)[1]
    lead = np.zeros(strata.max() + 1, np.int64)  # by how much half 1 is ahead in each stratum
    total = 0
    half = np.empty(len(sizes), np.int64)
    for number in order:
        ahead = lead[strata[number]] or total or (1 if coins[number] else -1)
        half[number] = 2 if ahead > 0 else 1
        change = sizes[number] if ahead < 0 else -sizes[number]
        lead[strata[number]] += change
        total += int(change)
    return half[unit_of]
