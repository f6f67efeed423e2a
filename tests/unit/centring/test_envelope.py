"""Distances from a surface and soft masks around it."""

import numpy as np
import pytest

from halfmap.engine.centring.envelope import distance_from_surface, level_of, soft_envelope
from halfmap.engine.fourier.filters import low_pass

RADIUS = np.sqrt(sum(axis**2.0 for axis in np.mgrid[:32, :32, :32] - 16))


def test_distances_are_those_from_a_ball():
    found = distance_from_surface(RADIUS <= 8)
    # a ball of voxels is rough by half a voxel
    np.testing.assert_allclose(found, RADIUS - 8.0, atol=1.0)
    assert abs((found - RADIUS + 8.0)[RADIUS > 2].mean()) < 0.3


def test_where_there_is_nothing_nothing_is_near():
    assert np.isinf(distance_from_surface(np.zeros((4, 4, 4), bool))).all()


def test_the_edge_of_a_mask_lies_half_on_either_side():
    found = soft_envelope(np.array([-3.0, 1, 2, 3, 9]), 2.0, 4.0)
    np.testing.assert_allclose(found, [1, 0.5 + 0.5 * np.cos(np.pi / 4), 0.5, 0.5 - 0.5 * np.cos(np.pi / 4), 0])


def test_the_level_is_that_of_the_highest_voxels():
    density = np.zeros((8, 8, 8))
    density[0, 0, :4] = 1, 2, 3, 4
    assert level_of(density, 100.0) == 3.5
    assert level_of(density, 10.0) == 4


def test_smoothing_leaves_what_is_below_the_cut():
    x = np.arange(32)
    slow, fast = np.cos(2 * np.pi * 3 * x / 32), np.cos(2 * np.pi * 9 * x / 32)
    density = np.broadcast_to(slow + fast, (32, 32, 32)).copy()
    assert low_pass(density, 6.0)[0, 0] == pytest.approx(slow, abs=1e-9)
