"""The grid of offsets."""

import itertools

import numpy as np
import pytest

from halfmap.engine.sampling.offsets import OffsetGrid


# 81: all whole-number points with |v|² ≤ 6.25; 1 and 27: the grids that RELION's log of the hiv-twin run counts
@pytest.mark.parametrize(
    ("reach", "step", "count"), [(5.0, 2.0, 81), (12.15, 16.2, 1), (15.795, 8.1, 27), (2.0, 2.0, 7), (3.4, 2.0, 19)]
)
def test_the_number_of_offsets_is_that_of_lattice_points_in_the_sphere(reach, step, count):
    assert len(OffsetGrid(reach, step, 1).coarse_angstrom) == count


# traps 26, 62
def test_points_at_the_distance_of_the_range_belong_to_the_grid():
    grid = OffsetGrid(6.0, 2.0, 1).coarse_angstrom
    assert [6, 0, 0] in grid.tolist()
    expected = [p for p in itertools.product(range(-3, 4), repeat=3) if sum(v * v for v in p) <= 9]
    assert sorted(map(tuple, (grid / 2).tolist())) == sorted(expected)


# traps 26, 62: there is no tolerance: 0.3 is less than 3 × 0.1 in floating point
def test_points_that_rounding_pushes_out_are_left_out():
    assert (3 * 0.1) ** 2 > 0.3**2
    grid = OffsetGrid(0.3, 0.1, 1).coarse_angstrom
    assert np.abs(grid).max() == pytest.approx(0.2)


@pytest.mark.parametrize("oversampling", [0, 1, 2])
def test_children_fill_the_cube_of_their_parent_evenly(oversampling):
    grid = OffsetGrid(5.0, 2.0, oversampling)
    children = grid.child_shifts_angstrom
    assert grid.children == len(children) == 8**oversampling
    assert grid.fine_step_angstrom == 2.0 / 2**oversampling
    np.testing.assert_allclose(children.mean(axis=0), 0, atol=1e-12)
    axis = np.unique(children[:, 0])
    np.testing.assert_allclose(np.diff(axis), grid.fine_step_angstrom)
    np.testing.assert_allclose(axis[-1], 1 - grid.fine_step_angstrom / 2, atol=1e-12)
    assert len(np.unique(children, axis=0)) == len(children)
