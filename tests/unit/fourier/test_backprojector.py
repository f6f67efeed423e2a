"""Accumulators: their shells, Hermitian completion, the sum over a group, and averages on the unpadded grid."""

import math

import numpy as np
import pytest

from halfmap.engine.fourier.backprojector import (
    Accumulator,
    AccumulatorGeometry,
    complete_hermitian,
    downsampled_average,
    low_resolution_sphere,
    symmetrise,
)

RANDOM = np.random.default_rng(6)


def noise(geometry):
    return Accumulator(geometry, RANDOM.uniform(0.1, 1, geometry.shape))


def voxels(geometry):
    """Every voxel's array index and its (x, y, z)."""
    centre = geometry.shape[0] // 2
    for zi, yi, xi in np.ndindex(geometry.shape[:3]):
        yield (zi, yi, xi), (xi, yi - centre, zi - centre)


def away_from_zero(value):
    return math.floor(value + 0.5) if value > 0 else math.ceil(value - 0.5)


# traps 1, 63: with padding 2 the radius 3 belongs to shell 2, not 1
@pytest.mark.parametrize("padding", [1, 2])
def test_shells_and_the_filled_sphere_are_those_of_each_voxel(padding):
    geometry = AccumulatorGeometry(8, padding, 3)
    edge = 2 * (3 * padding + 1) + 1
    assert geometry.shape == (edge, edge, 3 * padding + 2, 3)
    assert geometry.radius == 3 * padding
    for index, (x, y, z) in voxels(geometry):
        square = x * x + y * y + z * z
        assert geometry.radius2[index] == square
        assert geometry.shells[index] == away_from_zero(math.sqrt(square) / padding)
        assert geometry.inside[index] == (square < (3 * padding) ** 2)


def test_the_three_sums_are_real_part_imaginary_part_and_weight():
    accumulator = noise(AccumulatorGeometry(8, 1, 3))
    np.testing.assert_array_equal(accumulator.data.real, accumulator.sums[..., 0])
    np.testing.assert_array_equal(accumulator.data.imag, accumulator.sums[..., 1])
    np.testing.assert_array_equal(accumulator.weight, accumulator.sums[..., 2])
    assert not Accumulator.empty(accumulator.geometry).sums.any()


# trap 38: added, not averaged; only the origin is left alone
def test_opposite_voxels_of_the_plane_x_0_are_added_up():
    accumulator = noise(AccumulatorGeometry(8, 2, 2))
    found = complete_hermitian(accumulator)
    centre = accumulator.sums.shape[0] // 2
    for (zi, yi, xi), (x, y, z) in voxels(accumulator.geometry):
        own, weight = accumulator.data[zi, yi, xi], accumulator.weight[zi, yi, xi]
        if x == 0 and (y, z) != (0, 0):
            own = own + accumulator.data[centre - z, centre - y, 0].conjugate()
            weight = weight + accumulator.weight[centre - z, centre - y, 0]
        assert found.data[zi, yi, xi] == pytest.approx(own)
        assert found.weight[zi, yi, xi] == pytest.approx(weight)


# trap 38: a sum over the group without a division
def test_the_accumulator_is_added_up_over_all_operators_but_the_identity_is_not_computed():
    accumulator = noise(AccumulatorGeometry(8, 1, 3))
    operators = np.array([np.eye(3), 2 * np.eye(3), 3 * np.eye(3)])

    def add_rotated(sums, rotations, radius):
        assert radius == 3
        assert sums is accumulator.sums
        return sums + 10 * rotations[:, 0, 0].sum() * sums

    found = symmetrise(accumulator, operators, add_rotated)
    np.testing.assert_allclose(found.sums, (1 + 20 + 30) * accumulator.sums)


def test_shared_voxels_are_those_up_to_the_padded_radius():
    geometry = AccumulatorGeometry(8, 2, 3)
    found = low_resolution_sphere(geometry, 2)
    for index, (x, y, z) in voxels(geometry):
        assert found[index] == (x * x + y * y + z * z <= 16)


# trap 40: ROUND(index / padding) along each axis; data and weights are added before the division
@pytest.mark.parametrize("padding", [1, 2])
def test_averages_are_taken_over_the_voxels_that_fall_on_one_of_the_unpadded_grid(padding):
    geometry = AccumulatorGeometry(8, padding, 3)
    accumulator = noise(geometry)
    sums = accumulator.sums.copy()
    sums[geometry.radius2 > geometry.radius**2] = 0
    found = downsampled_average(accumulator.with_sums(sums))
    centre = found.shape[0] // 2
    data, weight = np.zeros(found.shape, complex), np.zeros(found.shape)
    for index, (x, y, z) in voxels(geometry):
        at = tuple(away_from_zero(v / padding) for v in (z, y, x))
        at = (at[0] + centre, at[1] + centre, at[2])
        data[at] += sums[(*index, 0)] + 1j * sums[(*index, 1)]
        weight[at] += sums[(*index, 2)]
    seen = weight > 0
    np.testing.assert_allclose(found[seen], data[seen] / weight[seen])
    assert (found[~seen] == 0).all()
    assert seen.sum() > 50
