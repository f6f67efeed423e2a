"""Particles that were picked twice."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.splitting.duplicates import clusters_in_one_half, kept_of_duplicates, quality
from halfmap.engine.splitting.neighbours import close_pairs, linked


def test_the_best_stay_and_those_near_them_go(random):
    positions, goodness = random.uniform(0, 100, (200, 3)), random.uniform(0, 1, 200).round(1)
    pairs = close_pairs(positions, np.zeros(200, int), 15.0)
    near = np.linalg.norm(positions[:, None] - positions, axis=2) <= 15
    left, expected = set(range(200)), set()
    while left:
        best = min(left, key=lambda i: (-goodness[i], i))
        expected.add(best)
        left -= {j for j in left if near[best, j]}
    keep = kept_of_duplicates(pairs, goodness)
    assert set(np.flatnonzero(keep)) == expected
    assert 0 < len(expected) < 200


def test_of_equals_the_first_stays_and_a_chain_is_not_eaten_up():
    pairs = np.array([[0, 1], [1, 2], [2, 3]])
    assert kept_of_duplicates(pairs, np.zeros(4)).tolist() == [True, False, True, False]
    assert kept_of_duplicates(pairs, np.array([0.0, 1, 0, 0])).tolist() == [False, True, False, True]


def test_quality_is_the_first_column_that_tells_particles_apart(located, random):
    positions = random.uniform(0, 9, (3, 3))
    assert quality(located(["A"] * 3, positions))[1] is None
    both = located(["A"] * 3, positions, rlnMaxValueProbDistribution=0.0, rlnLogLikeliContribution=[1.0, 3.0, 2.0])
    values, label = quality(both)
    assert label == "rlnLogLikeliContribution"
    assert values.tolist() == [1, 3, 2]
    better = located(["A"] * 3, positions, rlnMaxValueProbDistribution=[0.1, 0.2, 0.3], rlnLogLikeliContribution=1.0)
    assert quality(better)[1] == "rlnMaxValueProbDistribution"


def test_clusters_come_into_one_half_by_few_moves(random):
    pairs, half = random.integers(0, 200, (60, 2)), random.integers(1, 3, 200)
    moved = clusters_in_one_half(pairs, half)
    assert (moved[pairs[:, 0]] == moved[pairs[:, 1]]).all()
    cluster = linked(pairs, 200)
    fewest = sum(min(np.bincount(half[cluster == c], minlength=3)[1:]) for c in np.unique(cluster))
    assert (moved != half).sum() == fewest > 10
    # clusters of which both halves have as many level the halves
    assert abs((moved == 1).sum() - 100) <= abs((half == 1).sum() - 100) + 3


def test_no_half_is_emptied():
    with pytest.raises(BadInput, match="would be empty"):
        clusters_in_one_half(np.array([[0, 1], [1, 2]]), np.array([1, 1, 2]))
