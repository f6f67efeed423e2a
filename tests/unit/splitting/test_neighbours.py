"""Close pairs and what they link, against comparisons of every particle with every other."""

import numpy as np
from scipy.spatial.distance import cdist

from halfmap.engine.splitting.contacts import contacts
from halfmap.engine.splitting.neighbours import close_pairs, linked, pair_distances


def test_pairs_are_those_of_a_comparison_of_all_with_all(random):
    positions, tomogram = random.uniform(0, 100, (300, 3)), random.integers(0, 3, 300)
    found = close_pairs(positions, tomogram, 14.0)
    distance = cdist(positions, positions)
    near = (distance <= 14) & (tomogram[:, None] == tomogram) & (np.arange(300)[:, None] < np.arange(300))
    np.testing.assert_array_equal(found, np.argwhere(near))
    np.testing.assert_allclose(pair_distances(positions, found), distance[near])
    assert len(found) > 50


def test_a_distance_itself_counts_as_near():
    positions = np.array([[0.0, 0, 0], [3, 4, 0], [0, 0, 5.001]])
    assert close_pairs(positions, np.zeros(3, int), 5.0).tolist() == [[0, 1]]


def test_what_pairs_link_is_found_by_following_them(random):
    pairs = random.integers(0, 200, (120, 2))
    found = linked(pairs, 200)
    label = np.arange(200)
    while True:
        before = label.copy()
        for i, j in pairs:
            label[i] = label[j] = min(label[i], label[j])
        if (label == before).all():
            break
    np.testing.assert_array_equal(found[:, None] == found, label[:, None] == label)


def test_contacts_are_counted_by_hand():
    pairs, apart = np.array([[0, 1], [0, 2], [3, 4]]), np.array([9.0, 5.0, 1.0])
    found = contacts(np.array([1, 1, 2, 2, 2, 1]), pairs, apart, tuple("abcdef"))
    assert found.sizes == (3, 3)
    assert (found.pairs_across, found.particles_near_other_half, found.share_near_other_half) == (1, 2, 2 / 6)
    assert [(c.first, c.second, c.distance_angstrom) for c in found.closest_across] == [("a", "c", 5.0)]
