"""Which orientations are searched, and with what prior."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior, centre_of_prior, direction_tree, everywhere
from halfmap.engine.sampling.symmetry import PointGroup


def grid_of(name="C1", order=3):
    return OrientationGrid(order, 1, PointGroup(name))


def around(grid, centre, rot=0.0, tilt=0.0, psi=0.0, quirk=False):
    prior = OrientationPrior(grid, rot, tilt, psi, quirk)
    return prior.around(np.array(centre, float), direction_tree(grid))


def geodesic_deg(grid, candidates, centre):
    """Least rotation angle between each candidate and any symmetry mate of a centre."""
    found = euler_to_matrix(grid.coarse_angles_deg(candidates.directions, candidates.psis))
    mates = euler_to_matrix(np.array(centre, float)) @ grid.group.operators
    traces = np.einsum("nij,gij->ng", found, mates).max(axis=1)
    return np.rad2deg(np.arccos(np.clip((traces - 1) / 2, -1, 1)))


def whole_grid(grid):
    directions, psis = len(grid.pixels), len(grid.psi_deg)
    return everywhere(grid, np.full(directions, 1 / directions)), directions * psis


def test_everywhere_lists_all_orientations_with_the_prior_of_their_direction():
    grid = grid_of("C6", 2)
    mass = np.arange(len(grid.pixels), dtype=float)
    found = everywhere(grid, mass)
    # the first direction has no mass
    assert len(found.directions) == (len(mass) - 1) * 24
    np.testing.assert_allclose(np.exp(found.log_prior), mass[found.directions])
    assert sorted(found.psis[found.directions == 3].tolist()) == list(range(24))


def test_directions_within_three_sigmas_of_a_cone_are_searched_with_a_gaussian_prior():
    grid, centre, sigma = grid_of(), (30.0, 70.0, 15.0), 10.0
    found = around(grid, centre, rot=sigma, tilt=8.0)
    vector = euler_to_matrix(np.array(centre))[2]
    angle = np.rad2deg(np.arccos(grid.direction_vectors @ vector))
    expected = np.flatnonzero(angle < 3 * sigma)
    assert np.unique(found.directions).tolist() == expected.tolist()
    # all in-plane angles, flat: 48 of them
    assert len(found.directions) == 48 * len(expected)
    density = np.exp(-0.5 * (angle[found.directions] / sigma) ** 2)
    np.testing.assert_allclose(np.exp(found.log_prior - found.log_prior[0]), density / density[0], rtol=1e-6)


def test_a_window_on_tilt_alone_is_a_band_around_the_sphere():
    grid = grid_of("C6")
    found = around(grid, (0.0, 88.0, 0.0), tilt=10.0)
    tilts = grid.directions_deg[:, 1]
    assert np.unique(found.directions).tolist() == np.flatnonzero(np.abs(tilts - 88) < 30).tolist()
    density = np.exp(-0.5 * ((tilts[found.directions] - 88) / 10) ** 2)
    np.testing.assert_allclose(np.exp(found.log_prior - found.log_prior[0]), density / density[0], rtol=1e-6)


# trap 39: D2 turns tilt 170 into 10, which is where its asymmetric unit is searched
def test_a_window_on_tilt_counts_from_the_nearest_symmetry_mate():
    grid = grid_of("D2")
    found = around(grid, (90.0, 170.0, 0.0), tilt=5.0)
    tilts = grid.directions_deg[np.unique(found.directions), 1]
    assert np.abs(tilts - 10).max() < 15
    assert len(tilts) == (np.abs(grid.directions_deg[:, 1] - 10) < 15).sum()


def test_a_window_on_rot_alone_is_a_wedge_that_wraps_around():
    grid = grid_of()
    found = around(grid, (175.0, 40.0, 0.0), rot=5.0)
    rots = grid.directions_deg[:, 0]
    distance = np.abs((rots - 175 + 180) % 360 - 180)
    assert np.unique(found.directions).tolist() == np.flatnonzero(distance < 15).tolist()
    assert rots[found.directions].min() < -170


def test_a_window_on_psi_alone_searches_all_directions():
    grid = grid_of("C1", 2)
    found = around(grid, (0.0, 0.0, 352.0), psi=10.0)
    assert np.unique(found.directions).tolist() == list(range(192))
    chosen = np.unique(found.psis)
    assert grid.psi_deg[chosen].tolist() == [0, 15, 330, 345]
    away = np.array([8.0, 23, -22, -7])
    weight = np.exp(-0.5 * (away / 10) ** 2)
    np.testing.assert_allclose(np.exp(found.log_prior[:4]), weight / weight.sum())


@pytest.mark.parametrize("quirk", [True, False])
def test_priors_of_a_local_search_add_up_to_one(quirk):
    for name, centre in [("C1", (30.0, 70.0, 15.0)), ("D2", (3.0, 88.0, -40.0)), ("C6", (0.0, 1.0, 120.0))]:
        found = around(grid_of(name), centre, 5.0, 5.0, 5.0, quirk)
        assert np.exp(found.log_prior).sum() == pytest.approx(1)


def test_the_nearest_orientation_is_taken_where_the_window_holds_none():
    grid = grid_of("C1", 2)
    centre = np.array([grid.directions_deg[50, 0] + 2, grid.directions_deg[50, 1] - 1, 49.0])
    found = around(grid, centre, 0.1, 0.1, 0.1)
    assert found.directions.tolist() == [50]
    assert grid.psi_deg[found.psis].tolist() == [45]
    assert np.exp(found.log_prior).tolist() == [1]


@pytest.mark.parametrize("width", [{"tilt": 0.01}, {"rot": 0.01}])
def test_the_nearest_tilt_or_rot_is_taken_where_the_window_holds_none(width):
    grid = grid_of("C1", 2)
    centre = np.array([grid.directions_deg[50, 0] + 2, grid.directions_deg[50, 1] - 1, 0.0])
    found = around(grid, centre, **width)
    assert len(np.unique(found.directions)) == 1
    # one direction with prior 1, all in-plane angles
    np.testing.assert_allclose(found.log_prior, 0, atol=1e-9)


def test_the_nearest_mate_counts_where_the_window_holds_none():
    grid = grid_of("D2", 2)
    vector = grid.direction_vectors[7] @ grid.group.operators[2]
    centre = (np.rad2deg(np.arctan2(vector[1], vector[0])) + 0.5, np.rad2deg(np.arccos(vector[2])), 0.0)
    assert np.unique(around(grid, centre, 0.01, 0.01, 0.01).directions).tolist() == [7]


# trap 60: what RELION does, and what comes of it near the pole
def test_a_window_on_euler_psi_holds_orientations_far_away_near_the_pole():
    grid, centre = grid_of(), (10.0, 2.0, 50.0)
    relions = around(grid, centre, 7.5, 7.5, 7.5, quirk=True)
    distance = np.abs((grid.psi_deg[relions.psis] - 50 + 180) % 360 - 180)
    assert distance.max() < 22.5
    assert geodesic_deg(grid, relions, centre).max() > 100
    ours = around(grid, centre, 7.5, 7.5, 7.5)
    # 22.5° for the direction and 22.5° in the plane
    assert geodesic_deg(grid, ours, centre).max() < 32


def test_the_two_kinds_of_window_agree_far_from_poles_and_borders():
    grid, centre = grid_of("C1", 4), (20.0, 90.0, 45.0)
    ours, relions = (around(grid, centre, 2.0, 2.0, 2.0, quirk) for quirk in (False, True))
    assert ours.directions.tolist() == relions.directions.tolist()
    assert ours.psis.tolist() == relions.psis.tolist()


# trap 60: D2's asymmetric unit ends at tilt 90; psi jumps for mates across the border
@pytest.mark.parametrize("centre", [(60.0, 89.0, 100.0), (60.0, 91.0, 100.0), (1.0, 45.0, -30.0), (-1.0, 45.0, -30.0)])
def test_a_local_search_is_complete_across_the_border_of_the_asymmetric_unit(centre):
    grid = grid_of("D2")
    found = around(grid, centre, 7.5, 7.5, 7.5)
    chosen = set(zip(found.directions.tolist(), found.psis.tolist(), strict=True))
    everything, count = whole_grid(grid)
    assert len(everything.directions) == count
    near = geodesic_deg(grid, everything, centre) < 20
    expected = set(zip(everything.directions[near].tolist(), everything.psis[near].tolist(), strict=True))
    assert len(expected) > 20
    assert expected <= chosen
    assert geodesic_deg(grid, found, centre).max() < 32


# trap 60: with the quirk the other side of the border is searched at wrong in-plane angles
def test_the_window_on_euler_psi_misses_neighbours_across_the_border():
    grid, centre = grid_of("D2"), (60.0, 89.0, 100.0)
    found = around(grid, centre, 7.5, 7.5, 7.5, quirk=True)
    chosen = set(zip(found.directions.tolist(), found.psis.tolist(), strict=True))
    everything, _ = whole_grid(grid)
    near = geodesic_deg(grid, everything, centre) < 20
    expected = set(zip(everything.directions[near].tolist(), everything.psis[near].tolist(), strict=True))
    assert not expected <= chosen


@pytest.mark.parametrize("name", ["C1", "C6", "D2", "O"])
def test_the_orientation_nearest_to_the_centre_is_the_most_probable_one(name):
    grid = grid_of(name)
    random = Rotation.random(20, rng=6).as_euler("ZYZ", degrees=True)
    for centre in random:
        found = around(grid, centre, 7.5, 7.5, 7.5)
        distance = geodesic_deg(grid, found, centre)
        # the grid is 7.5° wide: the most probable one is one of the nearest
        assert distance[found.log_prior.argmax()] <= distance.min() + 4


def test_prior_angles_stand_in_for_current_ones_where_they_are_given():
    found = centre_of_prior(np.array([1.0, 2.0, 3.0]), np.array([np.nan, 90.0, np.nan]))
    assert found.tolist() == [1, 90, 3]
