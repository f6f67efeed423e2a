"""Particles that are near each other in a tomogram."""

import numpy as np
from jaxtyping import Float64, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree


def close_pairs(
    position_angstrom: Float64[np.ndarray, "particles 3"],
    tomogram_index: Int64[np.ndarray, " particles"],
    distance_angstrom: float,
) -> Int64[np.ndarray, "pairs 2"]:
    """List the pairs of particles of one tomogram that are no farther apart than a distance.

    Returns
    -------
    Each pair once, the smaller index first, in ascending order.
    """
    found = [np.empty((0, 2), np.int64)]
    for tomogram in np.unique(tomogram_index):
        members = np.flatnonzero(tomogram_index == tomogram)
        tree = cKDTree(position_angstrom[members])
        found.append(members[np.asarray(tree.query_pairs(distance_angstrom, output_type="ndarray"), np.int64)])
    pairs = np.sort(np.concatenate(found), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def pair_distances(
    position_angstrom: Float64[np.ndarray, "particles 3"], pairs: Int64[np.ndarray, "pairs 2"]
) -> Float64[np.ndarray, " pairs"]:
    """Distance between the two of each pair, in Å."""
    return np.linalg.norm(position_angstrom[pairs[:, 0]] - position_angstrom[pairs[:, 1]], axis=1)


def linked(pairs: Int64[np.ndarray, "pairs 2"], particles: int) -> Int64[np.ndarray, " particles"]:
    """Number the connected components: particles that pairs link, directly or through others, get the same number."""
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(particles, particles))
    return connected_components(graph, directed=False)[1].astype(np.int64)
