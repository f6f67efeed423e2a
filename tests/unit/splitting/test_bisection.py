"""Components are cut in balanced blocks where few pairs are severed."""

import numpy as np

from halfmap.engine.splitting.bisection import cut_in_blocks
from halfmap.engine.splitting.neighbours import close_pairs, linked


def lattice(*shape, spacing=70.0):
    return spacing * np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)


def severed(blocks, pairs):
    return int((blocks[pairs[:, 0]] != blocks[pairs[:, 1]]).sum())


def turned(positions, random):
    axes = np.linalg.qr(random.standard_normal((3, 3)))[0]
    return positions @ axes.T + random.standard_normal(3) * 500


def test_a_long_lattice_is_cut_across(random):
    positions = turned(lattice(20, 6, 1), random)
    pairs = close_pairs(positions, np.zeros(120, int), 71.0)
    blocks = cut_in_blocks(positions, pairs, 72)
    # the best that can be: one row of six links
    assert severed(blocks, pairs) == 6
    assert sorted(np.bincount(blocks)) == [60, 60]


def test_two_clumps_are_cut_where_only_a_bridge_links_them(random):
    clump = random.uniform(-1, 1, (100, 3)) * 100
    bridge = np.column_stack([np.arange(110, 390, 20), np.zeros((14, 2))])
    positions = turned(np.concatenate([clump, bridge, clump[:90] + [500, 0, 0]]), random)
    pairs = close_pairs(positions, np.zeros(len(positions), int), 60.0)
    assert len(np.unique(linked(pairs, len(positions)))) == 1
    blocks = cut_in_blocks(positions, pairs, 122)
    assert np.bincount(blocks).max() <= 122
    # links of 60 Å pass three steps of the bridge: 1 + 2 + 3 of them in its middle, fewer where it begins
    assert severed(blocks, pairs) <= 6


def test_blocks_are_cut_until_none_is_too_large(random):
    positions = random.uniform(0, 500, (333, 3))
    pairs = close_pairs(positions, np.zeros(333, int), 80.0)
    blocks = cut_in_blocks(positions, pairs, 50)
    sizes = np.bincount(blocks)
    assert sizes.max() <= 50
    assert sizes.min() >= 0.45**3 * 333 - 2
    # far fewer than when particles are drawn
    assert severed(blocks, pairs) < 0.6 * severed(random.permutation(blocks), pairs)


def test_particles_in_one_place_are_cut_as_well():
    blocks = cut_in_blocks(np.zeros((5, 3)), np.empty((0, 2), int), 1)
    assert sorted(blocks) == [0, 1, 2, 3, 4]
