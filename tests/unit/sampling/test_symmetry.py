"""Point groups: operators, asymmetric units, distances between orientations."""

import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.contract.spelling import SYMMETRIES
from halfmap.engine.particles.pose import direction
from halfmap.engine.sampling.symmetry import PointGroup, angular_distance_deg

ORDERS = {
    "C1": 1,
    "C2": 2,
    "C6": 6,
    "C17": 17,
    "D1": 2,
    "D2": 4,
    "D7": 14,
    "T": 12,
    "O": 24,
    "I1": 60,
    "I2": 60,
    "I3": 60,
    "I4": 60,
}


@pytest.mark.parametrize(("name", "order"), ORDERS.items())
def test_groups_have_their_order_and_the_identity_first(name, order):
    group = PointGroup(name)
    assert group.order == len(group.operators) == order
    np.testing.assert_allclose(group.operators[0], np.eye(3), atol=1e-9)


# trap 56: orthonormal beyond the six digits of the published axes
@pytest.mark.parametrize("name", ORDERS)
def test_operators_are_rotations_and_closed_under_multiplication(name):
    operators = PointGroup(name).operators
    np.testing.assert_allclose(
        operators @ operators.transpose(0, 2, 1), np.eye(3)[None].repeat(len(operators), 0), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(operators), 1)
    products = np.einsum("aij,bjk->abik", operators, operators).reshape(-1, 9)
    distance = np.abs(products[:, None] - operators.reshape(-1, 9)[None]).max(axis=2)
    assert distance.min(axis=1).max() < 1e-4
    # each product is one operator, not two
    assert ((distance < 1e-2).sum(axis=1) == 1).all()


# the generators that RELION lists; a group holds the turn about an axis whichever way it is written
AXES = {
    "C6": [(6, (0, 0, 1))],
    "D3": [(3, (0, 0, 1)), (2, (1, 0, 0))],
    "T": [(3, (0, 0, 1)), (2, (0, 0.816496, 0.577350))],
    "O": [(3, (1, 1, 1)), (4, (0, 0, 1))],
    "I1": [(2, (1, 0, 0)), (5, (0.85065080702670, 0, -0.5257311142635)), (3, (0.9341723640, 0.3568220765, 0))],
    "I2": [(2, (0, 0, 1)), (5, (0.525731114, 0, 0.850650807)), (3, (0, 0.356822076, 0.934172364))],
    "I3": [(2, (-0.5257311143, 0, 0.8506508070)), (5, (0, 0, 1)), (3, (-0.4911234779, 0.3568220765, 0.7946544754))],
    "I4": [
        (2, (0.5257311143, 0, 0.8506508070)),
        (5, (0.8944271933, 0, 0.4472135910)),
        (3, (0.4911234779, 0.3568220765, 0.7946544754)),
    ],
}


@pytest.mark.parametrize("name", AXES)
def test_the_axes_are_where_relion_has_them(name):
    operators = PointGroup(name).operators
    for fold, axis in AXES[name]:
        unit = np.array(axis) / np.linalg.norm(axis)
        turn = Rotation.from_rotvec(2 * np.pi / fold * unit).as_matrix()
        assert np.abs(operators - turn).max(axis=(1, 2)).min() < 1e-4


# trap 39: whatever a particle's direction, exactly one of its mates is searched
@pytest.mark.parametrize("name", ORDERS)
def test_the_asymmetric_unit_holds_exactly_one_mate_of_any_direction(name):
    group = PointGroup(name)
    random = np.random.default_rng(11)

    def number_inside(vectors):
        mates = np.einsum("nj,gjk->ngk", vectors, group.operators)
        rot = np.rad2deg(np.arctan2(mates[..., 1], mates[..., 0])).ravel()
        tilt = np.rad2deg(np.arccos(np.clip(mates[..., 2], -1, 1))).ravel()
        return group.in_asymmetric_unit(rot, tilt).reshape(len(vectors), -1).sum(axis=1)

    vectors = random.normal(size=(600, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = number_inside(vectors)
    # a direction near the border has two mates on it, or none: those whose neighbours differ are left out
    neighbours = [vectors + 2e-3 * random.normal(size=vectors.shape) for _ in range(4)]
    steady = np.all([number_inside(n / np.linalg.norm(n, axis=1, keepdims=True)) == found for n in neighbours], axis=0)
    assert steady.mean() > 0.9
    assert (found[steady] == 1).all()


# trap 39: as the table of geometric rules has it
@pytest.mark.parametrize(
    ("name", "rot", "tilt", "inside"),
    [
        ("C4", 44.0, 100.0, True),
        ("C4", 46.0, 100.0, False),
        ("C4", -45.0, 10.0, True),
        ("C1", 180.0, 180.0, True),
        ("D1", -170.0, 89.0, True),
        ("D1", 0.0, 91.0, False),
        ("D4", 90.0, 30.0, True),
        ("D4", 134.0, 30.0, True),
        ("D4", 44.0, 30.0, False),
        ("D4", 90.0, 91.0, False),
    ],
)
def test_directions_are_kept_by_the_rules_of_their_group(name, rot, tilt, inside):
    assert PointGroup(name).in_asymmetric_unit(np.array([rot]), np.array([tilt])).tolist() == [inside]


@pytest.mark.parametrize(
    ("typed", "name"),
    [("c6", "C6"), (" D2 ", "D2"), ("d999", "D999"), ("I", "I2"), ("i", "I2"), ("i3", "I3"), ("o", "O"), ("t", "T")],
)
def test_symmetries_are_read_as_they_are_typed(typed, name):
    assert PointGroup.parse(typed).name == name


@pytest.mark.parametrize("typed", ["", "C0", "C", "D", "C1000", "T2", "I5", "CI", "6"])
def test_an_unknown_symmetry_is_refused_and_the_known_ones_are_named(typed):
    with pytest.raises(ValueError, match=f"offered are {re.escape(SYMMETRIES)}"):
        PointGroup.parse(typed)


@pytest.mark.parametrize(
    ("name", "axes"),
    [("C1", (True, True, True)), ("C3", (False, False, True)), ("D3", (False,) * 3), ("T", (False,) * 3)],
)
def test_a_group_leaves_the_origin_open_along_its_axes(name, axes):
    assert PointGroup(name).open_axes == axes


def test_the_distance_is_the_mean_of_the_angles_between_rows():
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    # x and y move by 30°, z stays
    found = angular_distance_deg(turn[None], np.eye(3)[None], PointGroup("C1"))
    np.testing.assert_allclose(found, [20])


def test_a_pair_of_orientations_is_compared_row_by_row():
    first, second = Rotation.random(2, rng=3).as_matrix()
    angles = [np.degrees(np.arccos(first[i] @ second[i])) for i in range(3)]
    found = angular_distance_deg(first[None], second[None], PointGroup("C1"))
    np.testing.assert_allclose(found, [np.mean(angles)])


@pytest.mark.parametrize("name", ["C6", "D2", "T", "O", "I1"])
def test_symmetry_mates_are_at_no_distance_and_the_distance_is_symmetric(name):
    group = PointGroup(name)
    first, second = Rotation.random(5, rng=4).as_matrix(), Rotation.random(5, rng=5).as_matrix()
    mates = first @ group.operators[-1]
    np.testing.assert_allclose(angular_distance_deg(first, mates, group), 0, atol=1e-3)
    forth, back = angular_distance_deg(first, second, group), angular_distance_deg(second, first, group)
    np.testing.assert_allclose(forth, back, atol=1e-6)
    np.testing.assert_allclose(angular_distance_deg(mates, second, group), forth, atol=1e-6)
    assert (forth < angular_distance_deg(first, second, PointGroup("C1"))).any()


# mates are A·R: the reference is turned, so viewing directions of mates are rows times R
def test_mates_of_a_direction_are_those_of_its_orientation():
    group = PointGroup("C4")
    vector = direction(np.array([10.0]), np.array([70.0]))[0]
    found = np.rad2deg(np.arctan2(*(vector @ group.operators).T[1::-1])) % 90
    np.testing.assert_allclose(found, 10)
