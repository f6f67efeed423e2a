"""One grid for the particles of a tomogram: what is possible for each of them, and how probable it is."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.sampling.common_grid import CommonGrid, line_index
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior, direction_tree, everywhere
from halfmap.engine.sampling.symmetry import PointGroup

FRAME = Rotation.from_euler("zyz", [20, 75, 130], degrees=True).as_matrix()
CENTRE = np.array([30.0, 80.0, -50.0])


def common_grid(group="C2", order=2, widths=None, pdf=None, perturbation=0.0):
    grid = OrientationGrid(order, 1, PointGroup(group))
    prior = None if widths is None else OrientationPrior(grid, *widths, False)
    flat = np.full(len(grid.pixels), 1 / len(grid.pixels))
    return CommonGrid(grid, prior, flat if pdf is None else pdf(grid), perturbation)


def own_rotations(common, candidates, frame=FRAME):
    """Orientations of candidates as the particle sees them, unperturbed."""
    return frame.T @ euler_to_matrix(common.grid.coarse_angles_deg(candidates.directions, candidates.psis))


@pytest.mark.parametrize("group", ["C1", "C6", "D2", "O"])
def test_all_orientations_are_there_once_and_candidates_are_found_again(group):
    common = common_grid(group, perturbation=0.3)
    pairs = set(zip(common.directions.tolist(), common.psis.tolist(), strict=True))
    assert len(pairs) == len(common.rotations) == len(common.grid.pixels) * len(common.grid.psi_deg)
    candidates = common.candidates(FRAME, CENTRE)
    rows = common.rows(candidates)
    turned = common.grid.perturbed(common.grid.coarse_angles_deg(candidates.directions, candidates.psis), 0.3)
    np.testing.assert_allclose(common.rotations[rows], turned, atol=1e-12)


@pytest.mark.parametrize("widths", [(0, 10, 0), (15, 0, 0), (0, 0, 12), (0, 10, 20), (9, 8, 0)])
@pytest.mark.parametrize("group", ["C1", "C6"])
def test_in_a_particles_own_frame_what_is_possible_is_what_its_own_grid_has(widths, group):
    """With the frame of the particle itself both ways of laying a grid are one."""
    common = common_grid(group, 3, widths)
    found = common.candidates(np.eye(3), CENTRE)
    expected = common.prior.around(CENTRE, direction_tree(common.grid))
    of = dict(zip(zip(found.directions.tolist(), found.psis.tolist(), strict=True), found.log_prior, strict=True))
    own = zip(expected.directions.tolist(), expected.psis.tolist(), strict=True)
    own = dict(zip(own, expected.log_prior, strict=True))
    assert of.keys() == own.keys()
    difference = np.array([of[key] - own[key] for key in own])
    # a constant: the prior on psi of an own grid is normalised for each direction
    np.testing.assert_allclose(difference, difference[0], atol=1e-9)
    if not widths[2]:
        np.testing.assert_allclose(difference, 0, atol=1e-9)


def test_a_band_on_tilt_is_one_in_the_frame_of_the_particle():
    common = common_grid("C6", 3, (0, 10, 0))
    candidates = common.candidates(FRAME, CENTRE)
    tilt = matrix_to_euler(own_rotations(common, candidates))[:, 1]
    assert np.abs(tilt - 80).max() < 30
    # half of the sphere lies within 30° of a tilt of 80°
    assert 0.4 < len(candidates.directions) / len(common.rotations) < 0.6
    expected = -0.5 * (tilt - 80) ** 2 / 10**2
    np.testing.assert_allclose(candidates.log_prior - candidates.log_prior[0], expected - expected[0], atol=1e-9)
    assert np.exp(candidates.log_prior).sum() == pytest.approx(48)


def test_where_nothing_is_within_the_window_the_nearest_is_kept():
    common = common_grid("C1", 1, (0, 0.001, 0))
    centre = np.array([0.0, 73.3, 0.0])
    candidates = common.candidates(FRAME, centre)
    tilt = matrix_to_euler(own_rotations(common, candidates))[:, 1]
    every = matrix_to_euler(FRAME.T @ euler_to_matrix(common.grid.coarse_angles_deg(common.directions, common.psis)))
    assert len(tilt) == 1
    assert abs(tilt[0] - 73.3) == pytest.approx(np.abs(every[:, 1] - 73.3).min())


def test_without_priors_directions_weigh_as_often_as_they_were_found():
    common = common_grid("C2", 2, pdf=lambda grid: np.arange(len(grid.pixels)) / np.arange(len(grid.pixels)).sum())
    own = common.candidates(np.eye(3), CENTRE)
    expected = everywhere(common.grid, common.pdf_direction)
    assert len(own.directions) == len(expected.directions)
    np.testing.assert_allclose(np.exp(own.log_prior), common.pdf_direction[own.directions], rtol=1e-9)
    seen = common.candidates(FRAME, CENTRE)
    mass = common.pdf_direction[common.own_directions(seen, FRAME)]
    np.testing.assert_allclose(np.exp(seen.log_prior - seen.log_prior[0]), mass / mass[0], rtol=1e-9)


@pytest.mark.parametrize("group", ["C1", "C6", "D2", "O"])
def test_own_directions_are_the_nearest_ones_up_to_symmetry(group):
    common = common_grid(group, 2)
    candidates = common.candidates(FRAME, CENTRE)
    found = common.grid.direction_vectors[common.own_directions(candidates, FRAME)]
    mates = np.einsum("ni,gij->ngj", own_rotations(common, candidates)[:, 2], common.grid.group.operators)
    angle = np.rad2deg(np.arccos(np.clip(np.einsum("ni,ngi->ng", found, mates).max(axis=1), -1, 1)))
    # half a pixel's diagonal on either side of the pixel that stands for it
    assert angle.max() < 1.5 * common.grid.step_deg


def test_lines_have_no_direction_and_neighbours_close_numbers():
    axes = Rotation.random(500, rng=1).as_matrix()[:, :, 2]
    np.testing.assert_array_equal(line_index(axes), line_index(-axes))
    ordered = axes[np.argsort(line_index(axes))]
    beside = np.abs((ordered[1:] * ordered[:-1]).sum(axis=1))
    assert np.median(beside) > np.cos(np.deg2rad(12))
