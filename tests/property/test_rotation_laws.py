"""What holds for all orientations."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.pose import direction, euler_to_matrix, matrix_to_euler, wrap_deg
from halfmap.engine.sampling.symmetry import PointGroup, angular_distance_deg

ANGLES = st.tuples(*[st.floats(-720, 720)] * 3).map(np.array)
GROUPS = st.sampled_from(["C1", "C2", "C6", "D2", "D3", "T", "O", "I1"]).map(PointGroup)


@given(ANGLES)
def test_matrices_are_rotations(angles):
    matrix = euler_to_matrix(angles)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert abs(np.linalg.det(matrix) - 1) < 1e-12


@given(ANGLES)
def test_the_angles_of_a_matrix_give_the_same_matrix(angles):
    matrix = euler_to_matrix(angles)
    found = matrix_to_euler(matrix)
    assert 0 <= found[1] <= 180
    # tilts that count as poles are off by up to 2e-6
    np.testing.assert_allclose(euler_to_matrix(found), matrix, atol=4e-6)


@given(ANGLES)
def test_psi_turns_the_image_and_leaves_the_direction(angles):
    turned = angles + [0, 0, 30]
    first, second = euler_to_matrix(angles), euler_to_matrix(turned)
    np.testing.assert_allclose(first[2], second[2], atol=1e-12)
    np.testing.assert_allclose(first[2], direction(angles[:1], angles[1:2])[0], atol=1e-12)
    in_plane = Rotation.from_euler("z", -30, degrees=True).as_matrix()
    np.testing.assert_allclose(second, in_plane @ first, atol=1e-12)


@given(st.floats(-1e4, 1e4))
def test_wrapped_angles_are_the_same_modulo_a_turn(angle):
    found = wrap_deg(np.array([angle]))[0]
    assert -180 <= found < 180
    assert abs((found - angle) / 360 - round((found - angle) / 360)) < 1e-9


@settings(deadline=None, max_examples=50)
@given(ANGLES, ANGLES, GROUPS, st.integers(0, 59))
def test_the_angular_distance_is_symmetric_and_blind_to_mates(first, second, group, which):
    a, b = euler_to_matrix(first)[None], euler_to_matrix(second)[None]
    operator = group.operators[which % group.order]
    distance = angular_distance_deg(a, b, group)[0]
    assert 0 <= distance <= 180
    # arc cosines near 0 and 180° keep half of the digits
    np.testing.assert_allclose(angular_distance_deg(b, a, group)[0], distance, atol=1e-5)
    np.testing.assert_allclose(angular_distance_deg(a @ operator, b, group)[0], distance, atol=1e-5)
    assert distance <= angular_distance_deg(a, b, PointGroup("C1"))[0] + 1e-5


@settings(deadline=None, max_examples=50)
@given(ANGLES, ANGLES, ANGLES, GROUPS)
def test_turning_the_particle_frame_changes_no_distance_of_a_rotation_about_it(first, second, turn, group):
    """Only rows are compared, so a turn on the left mixes them; one that permutes the axes does not."""
    a, b = euler_to_matrix(first)[None], euler_to_matrix(second)[None]
    permutation = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    distance = angular_distance_deg(a, b, group)
    np.testing.assert_allclose(angular_distance_deg(permutation @ a, permutation @ b, group), distance, atol=1e-6)
