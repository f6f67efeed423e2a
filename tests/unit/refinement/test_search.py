"""Coarse poses, their children and the prior on offsets."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.search import Search, considered
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior
from halfmap.engine.sampling.symmetry import PointGroup

GRID = OrientationGrid(1, 1, PointGroup("C1"))


def some_search(perturbation=0.25, prior=None, quirk=False):
    pdf = np.full(len(GRID.pixels), 1 / len(GRID.pixels))
    return Search(GRID, OffsetGrid(4.0, 4.0, 1), prior, pdf, perturbation, 10.0, quirk)


def test_without_priors_every_orientation_is_searched_and_made_once():
    search = some_search()
    candidates = search.candidates(np.zeros(3))
    assert len(candidates.directions) == 48 * 12
    rotations = search.coarse_rotations(candidates)
    assert search.coarse_rotations(search.candidates(np.ones(3))) is rotations
    turn = euler_to_matrix(np.full(3, 0.25 * 30))
    angles = GRID.coarse_angles_deg(candidates.directions, candidates.psis)
    np.testing.assert_allclose(rotations, euler_to_matrix(angles) @ turn, atol=1e-12)


def test_with_priors_the_neighbourhood_of_the_centre_is_searched():
    search = some_search(prior=OrientationPrior(GRID, 12.0, 12.0, 12.0, euler_psi_window=False))
    here, there = search.candidates(np.array([20.0, 60, 40])), search.candidates(np.array([-120.0, 100, 200]))
    assert len(here.directions) < 100
    assert not set(here.directions.tolist()) & set(there.directions.tolist())
    assert len(search.coarse_rotations(here)) == len(here.directions)


# trap 24: x, y and z, for coarse and fine offsets alike
def test_the_perturbation_moves_all_offsets_along_all_axes():
    search = some_search(0.25)
    np.testing.assert_allclose(search.coarse_offsets_angstrom, search.offsets.coarse_angstrom + 1.0)
    significant = np.zeros((576, 7), bool)
    significant[5, 3] = True
    poses = search.children(search.candidates(np.zeros(3)), significant)
    centre = search.offsets.coarse_angstrom[3]
    np.testing.assert_allclose(poses.offsets_angstrom.mean(axis=0), centre + 1)
    np.testing.assert_allclose(poses.parent_offsets_angstrom, np.tile(centre, (8, 1)))


def considered_in(poses, rows):
    return considered(poses.significant[poses.parents(rows)], poses.children_of_offset)


def test_only_children_of_significant_pairs_are_considered():
    search = some_search(0.0)
    candidates = search.candidates(np.zeros(3))
    candidates = replace(candidates, log_prior=np.arange(576.0))
    significant = np.zeros((576, 7), bool)
    significant[10, [1, 4]] = significant[20, 4] = significant[30, 6] = True
    poses = search.children(candidates, significant)
    assert len(poses.rotations) == 3 * 8
    assert len(poses.offsets_angstrom) == 3 * 8
    assert poses.log_orientation_prior.tolist() == [10.0] * 8 + [20.0] * 8 + [30.0] * 8
    assert poses.directions.tolist() == np.repeat(candidates.directions[[10, 20, 30]], 8).tolist()
    angles = GRID.fine_angles_deg(candidates.directions[[10, 20, 30]], candidates.psis[[10, 20, 30]])
    np.testing.assert_allclose(poses.rotations, euler_to_matrix(angles.reshape(-1, 3)), atol=1e-12)
    parents = search.offsets.coarse_angstrom[[1, 4, 6]]
    expected = (parents[:, None] + search.offsets.child_shifts_angstrom).reshape(-1, 3)
    np.testing.assert_allclose(poses.offsets_angstrom, expected)
    rows, columns = considered_in(poses, slice(0, 24))
    pairs = {(r // 8, c // 8) for r, c in zip(rows, columns, strict=True)}
    assert pairs == {(0, 0), (0, 1), (1, 1), (2, 2)}
    assert len(rows) == 4 * 64


def test_the_considered_pairs_of_some_rows_are_counted_from_the_first_of_them():
    search = some_search(0.0)
    significant = np.zeros((576, 7), bool)
    significant[10, 1] = significant[20, 4] = True
    poses = search.children(search.candidates(np.zeros(3)), significant)
    # the last two orientations of the first parent and the first two of the second
    rows, columns = considered_in(poses, slice(6, 10))
    assert rows.tolist() == np.repeat([0, 1, 2, 3], 8).tolist()
    assert columns.tolist() == [*range(8), *range(8), *range(8, 16), *range(8, 16)]


# trap 23: |origin + t − prior|²/(2σ²), all in Å, to the power of the pixel size
@pytest.mark.parametrize("pixel", [1.0, 4.0])
def test_the_prior_on_offsets_is_a_gaussian_around_its_centre(pixel):
    search = some_search()
    origin, centre = np.array([1.0, -2.0, 0.5]), np.array([0.5, 0.0, 0.0])
    offsets = np.array([[0.0, 0, 0], [4, 0, 0], [0, -4, 4]])
    expected = [-((origin + t - centre) @ (origin + t - centre)) / (2 * 10.0**2) for t in offsets]
    np.testing.assert_allclose(search.log_offset_prior(origin, offsets, centre, pixel), pixel * np.array(expected))


# the reason for that power: a particle that has settled is pulled as strongly as by RELION
@pytest.mark.parametrize("pixel", [1.0, 4.0, 8.1])
def test_the_pull_on_a_settled_particle_is_that_of_relion(pixel):
    origin, small = np.array([6.0, -2.0, 1.0]), 1e-4 * np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    slopes = []
    for quirk in (False, True):
        ahead, behind = some_search(quirk=quirk).log_offset_prior(origin, small, np.zeros(3), pixel)
        slopes.append((ahead - behind) / 2e-4)
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-6)
    assert slopes[0] == pytest.approx(-pixel * 6.0 / 10.0**2, rel=1e-6)


# trap 23: with the quirk searched offsets, in Å, count as pixels: at 1 Å no difference, at 4 Å a fourfold one
@pytest.mark.parametrize("pixel", [1.0, 4.0])
def test_with_the_quirk_searched_offsets_count_pixel_size_times(pixel):
    search = some_search(quirk=True)
    origin, offsets = np.array([1.0, -2.0, 0.5]), np.array([[0.0, 0, 0], [4, 0, 0], [0, -4, 4]])
    expected = [-((origin / pixel + t) @ (origin / pixel + t)) * pixel**2 / (2 * 10.0**2) for t in offsets]
    np.testing.assert_allclose(search.log_offset_prior(origin, offsets, np.zeros(3), pixel), expected)
