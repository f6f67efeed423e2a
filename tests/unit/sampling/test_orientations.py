"""The grid of orientations, also against the directions that RELION wrote."""

import numpy as np
import pytest
import starfile
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.pose import direction, euler_to_matrix
from halfmap.engine.sampling.orientations import (
    OrientationGrid,
    angular_step_deg,
    asymmetric_unit_pixels,
    largest_pixel_radius_rad,
    pixel_angles_deg,
)
from halfmap.engine.sampling.symmetry import PointGroup

C1 = PointGroup("C1")


@pytest.mark.parametrize(("order", "step"), [(1, 30), (2, 15), (3, 7.5), (4, 3.75), (5, 1.875), (6, 0.9375)])
def test_the_angular_step_of_each_order_is_known(order, step):
    assert angular_step_deg(order) == step
    assert angular_step_deg(order, 1) == step / 2
    assert OrientationGrid(order, 1, C1).step_deg == step
    assert OrientationGrid(order, 1, C1).fine_step_deg == step / 2


def test_directions_cover_the_sphere_evenly():
    angles = pixel_angles_deg(2, np.arange(192))
    rot, tilt = angles.T
    assert -180 < rot.min() < rot.max() <= 180
    assert 0 < tilt.min() < tilt.max() < 180
    vectors = direction(rot, tilt)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(vectors.T @ vectors / 192, np.eye(3) / 3, atol=1e-2)


# trap 39: pixels, their order and their angles, for the orders 2 to 6 that the run passed through
@pytest.mark.parametrize(("iteration", "order"), [(0, 2), (2, 3), (5, 4), (6, 5), (7, 6)])
def test_directions_are_those_that_relion_recorded(hiv_twin, iteration, order):
    tables = starfile.read(hiv_twin / f"Refine3D/job006/run_it{iteration:03d}_sampling.star")
    assert int(tables["sampling_general"]["rlnHealpixOrder"]) == order
    recorded = tables["sampling_directions"][["rlnAngleRot", "rlnAngleTilt"]].to_numpy()
    found = OrientationGrid(order, 1, PointGroup("C6")).directions_deg
    # six decimals are written, five of negative numbers
    np.testing.assert_allclose(found, recorded, atol=6e-6)


# trap 25
@pytest.mark.parametrize(("order", "count"), [(1, 12), (2, 24), (3, 48), (5, 192)])
def test_in_plane_angles_have_the_step_of_the_directions(order, count):
    psi = OrientationGrid(order, 1, C1).psi_deg
    assert len(psi) == count
    np.testing.assert_allclose(psi, np.arange(count) * 60 / 2**order)


# the examples in healpy's documentation of max_pixrad
@pytest.mark.parametrize(("order", "radius"), [(0, 0.84106867056793), (4, 0.06601476143251)])
def test_the_largest_pixel_radius_is_known(order, radius):
    assert largest_pixel_radius_rad(order) == pytest.approx(radius, abs=1e-12)


@pytest.mark.parametrize("name", ["C6", "D2", "T", "O", "I1"])
@pytest.mark.parametrize("order", [2, 3])
def test_no_two_directions_of_a_small_grid_are_mates_of_one_another(name, order):
    group = PointGroup(name)
    pixels = asymmetric_unit_pixels(order, group)
    vectors = direction(*pixel_angles_deg(order, pixels).T)
    cosines = np.einsum("aj,gjk,bk->abg", vectors, group.operators, vectors).max(axis=2)
    np.fill_diagonal(cosines, -1)
    # half a pixel's radius is what RELION takes for the same place
    assert np.degrees(np.arccos(cosines.max())) > 0.5 * np.degrees(largest_pixel_radius_rad(order)) - 1e-6
    # and each direction of the sphere has a mate nearby
    others = direction(*pixel_angles_deg(order, np.arange(12 * 4**order)).T)
    nearest = np.einsum("aj,gjk,bk->abg", others, group.operators, vectors).max(axis=(1, 2))
    assert np.degrees(np.arccos(nearest.min())) < 60 / 2**order


def test_a_grid_too_coarse_for_its_group_is_refused():
    with pytest.raises(ValueError, match="use a finer step"):
        asymmetric_unit_pixels(0, PointGroup("I4"))


@pytest.mark.parametrize("oversampling", [1, 2])
def test_children_average_to_their_parent(oversampling):
    grid = OrientationGrid(3, oversampling, PointGroup("C6"))
    directions, psis = np.array([0, 5, 40]), np.array([0, 7, 47])
    children = grid.fine_angles_deg(directions, psis)
    assert children.shape == (3, 8**oversampling, 3) == (3, grid.children, 3)
    vectors = direction(children[..., 0], children[..., 1]).mean(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # a pixel's children lie evenly about its centre but for the curvature: a tenth of the step
    parents = grid.direction_vectors[directions]
    assert np.degrees(np.arccos((vectors * parents).sum(axis=1))).max() < 0.1 * grid.step_deg
    turned = np.exp(1j * np.deg2rad(children[..., 2])).mean(axis=1)
    np.testing.assert_allclose(np.angle(turned, deg=True) % 360, grid.psi_deg[psis], atol=1e-9)


# trap 24: the children of all directions are the directions of the next order
def test_children_make_up_the_next_finer_grid():
    grid = OrientationGrid(1, 1, C1)
    children = grid.fine_angles_deg(np.arange(48), np.zeros(48, np.int64))
    found = {tuple(a) for a in children[..., :2].reshape(-1, 2).round(6).tolist()}
    expected = {tuple(a) for a in pixel_angles_deg(2, np.arange(192)).round(6).tolist()}
    assert found == expected
    assert np.unique(children[..., 2].round(6)).tolist() == [-7.5, 7.5]


def test_without_oversampling_the_only_child_is_the_parent():
    grid = OrientationGrid(2, 0, C1)
    some = np.array([3, 9]), np.array([1, 2])
    np.testing.assert_allclose(grid.fine_angles_deg(*some)[:, 0], grid.coarse_angles_deg(*some))


def test_coarse_angles_are_those_of_a_direction_and_an_in_plane_angle():
    grid = OrientationGrid(2, 1, PointGroup("C6"))
    found = grid.coarse_angles_deg(np.array([4]), np.array([3]))
    np.testing.assert_allclose(found, [[*grid.directions_deg[4], 45]])


# trap 24: multiplied on the right by Euler(p, p, p), a fixed rotation of the reference
def test_the_perturbation_turns_the_reference_not_the_particle():
    grid = OrientationGrid(2, 1, C1)
    angles = np.array([[10.0, 50, -20], [-100, 120, 60]])
    p = 0.3 * 15.0
    turn = Rotation.from_euler("ZYZ", [p, p, p], degrees=True).inv().as_matrix()
    found = grid.perturbed(angles, 0.3)
    np.testing.assert_allclose(found, euler_to_matrix(angles) @ turn, atol=1e-12)
    # on the right: all orientations keep their relation to one another in the particles' frame
    unperturbed = euler_to_matrix(angles)
    np.testing.assert_allclose(found[0] @ found[1].T, unperturbed[0] @ unperturbed[1].T, atol=1e-12)
