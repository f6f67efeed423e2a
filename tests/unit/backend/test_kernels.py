"""Compiled loops by themselves, against NumPy."""

import numpy as np
import pytest
from numba.core import caching
from scipy.ndimage import map_coordinates

from halfmap.engine.backend.kernels import compiled
from halfmap.engine.backend.kernels.gather import gather_slices, square_pairs
from halfmap.engine.backend.kernels.phases import fill_phases
from halfmap.engine.backend.kernels.scatter import add_residual_terms, add_rotated, insert_slices
from halfmap.engine.fourier.backprojector import AccumulatorGeometry

RANDOM = np.random.default_rng(4)


def pairs(values):
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)


def complex_of(values):
    return values[..., 0] + 1j * values[..., 1]


def noise(*shape):
    return RANDOM.normal(size=(*shape, 2)) @ [1, 1j]


# trap 5: exp(−2πi k·s) moves content by +s
@pytest.mark.parametrize("axes", [2, 3])
def test_phases_are_those_of_a_shift(axes):
    frequencies = np.array([[0, 3, 2, 0, 3], [0, -3, 3, 2, 0], [1, 0, -4, 4, 2]], np.int32)[:axes]
    shifts = RANDOM.uniform(-0.4, 0.4, (2, 3, axes))
    phases = np.empty((2, 3, 5, 2), np.float32)
    fill_phases(shifts, tuple(frequencies), phases)
    expected = np.exp(-2j * np.pi * shifts @ frequencies)
    # two or three float32 factors
    np.testing.assert_allclose(complex_of(phases), expected, atol=4e-7)


def test_voxels_are_read_as_they_stand_and_as_conjugates_on_the_other_side():
    size = AccumulatorGeometry(8, 1, 3).shape[0]
    volume = noise(size, size, size // 2 + 1)
    identity = np.eye(3, dtype=np.float32)[None, None, :2]
    kx, ky = np.array([2, -2, 0], np.float32), np.array([1, 1, -2], np.float32)
    slices = np.empty((1, 1, 3, 2), np.float32)
    gather_slices(pairs(volume), identity, (kx, ky), slices)
    c = size // 2
    expected = np.array([volume[c, c + 1, 2], volume[c, c - 1, 2].conj(), volume[c, c - 2, 0]])
    np.testing.assert_allclose(complex_of(slices)[0, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("axes", [2, 3])
def test_pixels_between_voxels_and_beyond_one_block_are_interpolated(axes):
    size = AccumulatorGeometry(8, 1, 3).shape[0]
    volume, count = noise(size, size, size // 2 + 1), 600
    k = RANDOM.uniform(-2.8 / axes, 2.8 / axes, (axes, count)).astype(np.float32)
    matrices = RANDOM.uniform(-1, 1, (2, 3, axes, 3)).astype(np.float32)
    slices = np.empty((2, 3, count, 2), np.float32)
    gather_slices(pairs(volume), matrices, tuple(k), slices)
    points = np.einsum("pk,fopx->fokx", k, matrices).astype(np.float64)
    other_side = points[..., 0] < 0
    points[other_side] *= -1
    places = np.moveaxis(points[..., ::-1] + [size // 2, size // 2, 0], -1, 0)
    expected = map_coordinates(volume.real, places, order=1) + 1j * map_coordinates(volume.imag, places, order=1)
    expected[other_side] = expected[other_side].conj()
    np.testing.assert_allclose(complex_of(slices), expected, atol=3e-6)


def test_pairs_are_squared():
    values = noise(3, 7)
    squares = np.empty((3, 7), np.float32)
    square_pairs(pairs(values), squares)
    np.testing.assert_allclose(squares, np.abs(values) ** 2, rtol=1e-6)


@pytest.mark.parametrize("axes", [2, 3])
def test_a_pixel_is_spread_over_its_neighbours_and_nothing_is_lost(axes):
    geometry = AccumulatorGeometry(8, 1, 3)
    accumulator = np.zeros(geometry.shape)
    rows = [[0.3, 0.4, 0.5], [0, 0, 0]] if axes == 2 else [[0.1, 0.2, 0.1], [0, 0, 0], [0.1, 0.1, 0.2]]
    insert_slices(
        accumulator,
        np.array([[rows]], np.float32),
        tuple(np.array([[1, 1], [0, 0], [2, 0]], np.float32)[:axes]),
        pairs(np.array([[[1, 1]]], complex)),
        np.ones(1, np.float32),
        pairs(np.array([[2 + 1j, 8]])),
        # the second pixel has no weight and is left out
        np.array([[3, 0]], np.float32),
    )
    np.testing.assert_allclose(accumulator.sum(axis=(0, 1, 2)), [2, 1, 3], rtol=1e-6)
    c = geometry.shape[0] // 2
    np.testing.assert_allclose(accumulator[c, c, 0], np.array([2, 1, 3]) * 0.7 * 0.6 * 0.5, rtol=1e-6)
    np.testing.assert_allclose(accumulator[c + 1, c, 1], np.array([2, 1, 3]) * 0.3 * 0.6 * 0.5, rtol=1e-6)


def test_residual_terms_are_added_up_pixel_by_pixel():
    slices, phases, images = noise(2, 3, 4), noise(2, 3, 4), noise(2, 4)
    totals, ctf = RANDOM.uniform(0, 1, 3).astype(np.float32), RANDOM.uniform(-1, 1, (2, 4)).astype(np.float32)
    cross, power = np.ones(4), np.ones(4)
    add_residual_terms(pairs(slices), pairs(phases), totals, pairs(images), ctf, cross, power)
    expected_cross = (ctf[:, None] * slices * (phases * images[:, None]).conj()).real.sum(axis=(0, 1))
    expected_power = (totals[:, None] * np.abs(ctf[:, None] * slices) ** 2).sum(axis=(0, 1))
    np.testing.assert_allclose(cross, 1 + expected_cross, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(power, 1 + expected_power, rtol=1e-4)


def test_only_the_asked_planes_within_the_radius_are_added_to():
    geometry = AccumulatorGeometry(8, 1, 3)
    sums, total = RANDOM.normal(size=geometry.shape), np.zeros(geometry.shape)
    add_rotated(sums, np.eye(3), 2, 3, 6, total)
    planes = np.zeros(geometry.shape[0], bool)
    planes[3:6] = True
    touched = planes[:, None, None] & (geometry.radius2 <= 4)
    np.testing.assert_allclose(total, sums * touched[..., None], atol=1e-14)


def test_a_kernel_works_where_its_code_cannot_be_kept(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    doubled = compiled(lambda number: 2 * number)
    assert doubled(4) == 8
