"""Euler angles, rotation matrices and viewing directions."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.pose import direction, euler_to_matrix, matrix_to_euler, wrap_deg


# trap 4: A = Rz(−psi)·Ry(−tilt)·Rz(−rot) as turns of the coordinates' content, x_image = A·x_reference
def test_angles_are_zyz_and_the_matrix_maps_reference_to_particle_coordinates():
    angles = np.array([40.0, 60.0, -25.0])
    psi, tilt, rot = (
        Rotation.from_euler(axis, angle, degrees=True).as_matrix()
        for axis, angle in (("Z", 25), ("Y", -60), ("Z", -40))
    )
    np.testing.assert_allclose(euler_to_matrix(angles), psi @ tilt @ rot, atol=1e-12)


# trap 4
@pytest.mark.parametrize("angles", [(30.0, 0.0, 0.0), (0.0, 0.0, 30.0)])
def test_rot_and_psi_turn_the_image_the_same_way_at_tilt_0(angles):
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    np.testing.assert_allclose(euler_to_matrix(np.array(angles)), [[c, s, 0], [-s, c, 0], [0, 0, 1]], atol=1e-12)


# trap 4
@pytest.mark.parametrize("psi", [0.0, 77.0])
def test_the_viewing_direction_is_the_third_row_whatever_psi(psi):
    tilt, rot = np.deg2rad(60), np.deg2rad(40)
    expected = [np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)]
    np.testing.assert_allclose(euler_to_matrix(np.array([40, 60, psi]))[2], expected, atol=1e-12)
    np.testing.assert_allclose(direction(np.array([40.0]), np.array([60.0])), [expected], atol=1e-12)


def test_many_orientations_are_turned_into_matrices_at_once():
    angles = np.random.default_rng(1).uniform(-180, 180, (2, 3, 3))
    found = euler_to_matrix(angles)
    assert found.shape == (2, 3, 3, 3)
    np.testing.assert_allclose(found[1, 2], euler_to_matrix(angles[1, 2]))


@pytest.mark.parametrize("angles", [(12.0, 34.0, 56.0), (-170.0, 120.0, 179.0), (90.0, 0.01, -90.0)])
def test_angles_come_back_from_their_matrix(angles):
    np.testing.assert_allclose(matrix_to_euler(euler_to_matrix(np.array(angles))), angles, atol=1e-6)


# rot is 0 at the poles, psi takes the whole turn
@pytest.mark.parametrize(
    ("angles", "expected"),
    [((20.0, 0.0, 30.0), (0.0, 0.0, 50.0)), ((20.0, 180.0, 30.0), (0.0, 180.0, 10.0)), ((0.0, 0.0, 0.0), (0, 0, 0))],
)
def test_at_the_poles_rot_is_zero_and_the_matrix_is_the_same(angles, expected):
    matrix = euler_to_matrix(np.array(angles))
    found = matrix_to_euler(matrix)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(euler_to_matrix(found), matrix, atol=1e-6)


def test_a_tilt_that_single_precision_cannot_tell_from_zero_counts_as_a_pole():
    # 16 × 1.19e-7 rad = 1.1e-4°
    assert matrix_to_euler(euler_to_matrix(np.array([20.0, 1.0e-4, 30.0])))[:2].tolist() == [0, 0]
    assert matrix_to_euler(euler_to_matrix(np.array([20.0, 1.3e-4, 30.0])))[0] == pytest.approx(20, abs=1e-3)


def test_angles_are_wrapped_into_half_a_turn_on_either_side():
    found = wrap_deg(np.array([0.0, 179.0, 180.0, 181.0, -180.0, -181.0, 725.0]))
    np.testing.assert_allclose(found, [0, 179, -180, -179, -180, 179, 5])
