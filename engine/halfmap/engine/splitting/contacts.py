"""How much two half sets touch."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

_CLOSEST = 5


@dataclass(frozen=True)
class Contact:
    """Two particles of a tomogram.

    Parameters
    ----------
    first, second
        Their names.
    distance_angstrom
        Distance of their centres.
    """

    first: str
    second: str
    distance_angstrom: float


@dataclass(frozen=True)
class Contacts:
    """What half sets share.

    Parameters
    ----------
    sizes
        Particles in half 1 and 2.
    particles_near_other_half
        Particles with a neighbour within the distance in the other half.
    share_near_other_half
        The same as a part of all.
    pairs_across
        Close pairs whose two are in different halves.
    closest_across
        The closest of them.
    """

    sizes: tuple[int, int]
    particles_near_other_half: int
    share_near_other_half: float
    pairs_across: int
    closest_across: tuple[Contact, ...]


def contacts(
    half_set: Int64[np.ndarray, " particles"],
    pairs: Int64[np.ndarray, "pairs 2"],
    distance_angstrom: Float64[np.ndarray, " pairs"],
    names: tuple[str, ...],
) -> Contacts:
    """Count the close pairs across the halves and the particles in them."""
    across = half_set[pairs[:, 0]] != half_set[pairs[:, 1]]
    near = len(np.unique(pairs[across]))
    return Contacts(
        (int((half_set == 1).sum()), int((half_set == 2).sum())),
        near,
        near / len(half_set),
        int(across.sum()),
        closest(pairs[across], distance_angstrom[across], names),
    )


def closest(
    pairs: Int64[np.ndarray, "pairs 2"], distance_angstrom: Float64[np.ndarray, " pairs"], names: tuple[str, ...]
) -> tuple[Contact, ...]:
    """Name the five closest pairs, the closest first."""
    best = np.argsort(distance_angstrom, kind="stable")[:_CLOSEST]
    return tuple(Contact(names[pairs[i, 0]], names[pairs[i, 1]], float(distance_angstrom[i])) for i in best)
