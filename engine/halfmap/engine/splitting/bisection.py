"""Cutting a component that fills its tomogram, such as a lattice, where it is thinnest."""

from itertools import product

import numpy as np
from jaxtyping import Float64, Int64

_LEAST_SHARE = 0.45
# the axes of a cube through its faces, edges and corners: one of each opposite pair
_DIRECTIONS = np.array([d for d in product((-1, 0, 1), repeat=3) if d > (0, 0, 0)], float)


def cut_in_blocks(
    position_angstrom: Float64[np.ndarray, "particles 3"], pairs: Int64[np.ndarray, "pairs 2"], largest: int
) -> Int64[np.ndarray, " particles"]:
    """Cut particles by planes until no block holds more than `largest`; number the blocks from 0.

    Each cut leaves 45 to 55 % of the particles on each side, where the fewest pairs are severed: 13 directions in the
    frame of the principal axes are tried.

    Parameters
    ----------
    position_angstrom
        Positions.
    pairs
        Pairs that should not be severed.
    largest
        At least 1.
    """
    if len(position_angstrom) <= max(largest, 1):
        return np.zeros(len(position_angstrom), np.int64)
    beyond = _sides(position_angstrom, pairs)
    blocks = np.empty(len(beyond), np.int64)
    first = 0
    for side in (False, True):
        members = np.flatnonzero(beyond == side)
        inside = (beyond[pairs] == side).all(axis=1)
        place = np.cumsum(beyond == side) - 1
        blocks[members] = first + cut_in_blocks(position_angstrom[members], place[pairs[inside]], largest)
        first = int(blocks[members].max()) + 1
    return blocks


def _sides(position_angstrom: Float64[np.ndarray, "particles 3"], pairs: Int64[np.ndarray, "pairs 2"]) -> np.ndarray:
    """Tell which particles lie beyond the best plane."""
    count = len(position_angstrom)
    centred = position_angstrom - position_angstrom.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1].T
    along = centred @ (_DIRECTIONS / np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True) @ axes).T
    ranks = np.argsort(np.argsort(along, axis=0, kind="stable"), axis=0, kind="stable").T
    least = max(1, int(_LEAST_SHARE * count))
    sizes = np.arange(least, count - least + 1)
    severed = np.array([_severed(rank, pairs, count)[sizes] for rank in ranks])
    best = np.lexsort((np.abs(sizes - count / 2)[None].repeat(len(ranks), 0).ravel(), severed.ravel()))[0]
    direction, place = np.unravel_index(best, severed.shape)
    return np.asarray(ranks[direction] >= sizes[place])


def _severed(
    rank: Int64[np.ndarray, " particles"], pairs: Int64[np.ndarray, "pairs 2"], count: int
) -> Int64[np.ndarray, " sizes"]:
    """Count the pairs that are severed when the first 0, 1, 2 … particles are cut off."""
    ends = np.sort(rank[pairs], axis=1)
    opened = np.bincount(ends[:, 0] + 1, minlength=count + 1)
    closed = np.bincount(ends[:, 1] + 1, minlength=count + 1)
    return np.cumsum(opened - closed)
