"""Another centre: the point that was at c stands in the middle afterwards."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.centring import recentred_origins

RANDOM = np.random.default_rng(8)
ANGLES = RANDOM.uniform((-180, 0, -180), (180, 180, 180), (5, 3))
ORIGINS = RANDOM.normal(0, 10, (5, 3))
PIXELS = np.array([1.35, 1.35, 2.7, 5.4, 8.1])


# scipy's intrinsic ZYZ turns the particle's axes into the reference's: the transpose of A
def to_particle(angles):
    return Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix().T


def test_the_particle_moves_to_where_the_point_of_the_reference_was():
    centre = np.array([1.5, -4.0, 2.75])
    found = recentred_origins(ORIGINS, ANGLES, centre, PIXELS)
    for old, new, angles, pixel in zip(ORIGINS, found, ANGLES, PIXELS, strict=True):
        # formats 4.7, in the particle's frame: the particle stands at minus its offset, a reference point r at −o + A r
        np.testing.assert_allclose(-new, -old + pixel * to_particle(angles) @ centre, atol=1e-12)


def test_a_particle_as_the_reference_stands_moves_by_the_point_itself():
    found = recentred_origins(np.zeros((1, 3)), np.zeros((1, 3)), np.array([1.0, 2, 3]), np.array([2.0]))
    np.testing.assert_array_equal(found, [[-2, -4, -6]])


def test_images_are_moved_by_the_projection_of_the_point():
    centre = np.array([0.0, 0.0, 7.0])
    found = recentred_origins(ORIGINS[:, :2], ANGLES, centre, PIXELS)
    np.testing.assert_array_equal(found, recentred_origins(ORIGINS, ANGLES, centre, PIXELS)[:, :2])


def test_there_and_back_again_changes_nothing():
    centre = np.array([3.0, 1.0, -2.0])
    there = recentred_origins(ORIGINS, ANGLES, centre, PIXELS)
    assert np.abs(there - ORIGINS).max() > 1
    assert recentred_origins(there, ANGLES, -centre, PIXELS) == pytest.approx(ORIGINS, abs=1e-12)
