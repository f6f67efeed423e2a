"""The padded transform that slices are read from."""

import numpy as np
import pytest

from halfmap.engine.fourier.projector import (
    array_size,
    centred_window,
    padded_box_px,
    reference_transform,
    uncentred,
)

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize(("box_px", "padding", "expected"), [(36, 2, 72), (36, 1, 36), (10, 1.5, 16), (15, 1, 16)])
def test_the_padded_box_is_rounded_and_made_even(box_px, padding, expected):
    assert padded_box_px(box_px, padding) == expected


# trap 63
def test_the_stored_cube_of_shell_15_at_padding_2_has_an_edge_of_63():
    assert array_size(15, 2) == 63
    assert array_size(4, 1) == 11


def sum_along_z_transformed(density):
    """n⁻² Σ of the z-sum about the centre, after division by sinc² of the distance; rows and columns as frequencies."""
    box = len(density)
    axis = np.arange(box) - box // 2
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)

    def at(kx, ky, padding):
        corrected = density / np.sinc(radius / (box * padding)) ** 2
        phase = np.exp(-2j * np.pi * (kx * axis + ky * axis[:, None]) / box)
        return (corrected.sum(axis=0) * phase).sum() / box**2

    return at


# traps 3, 33, 43: on grid points there is no interpolation, so this is exact
@pytest.mark.parametrize("padding", [1, 2])
def test_the_central_plane_is_the_transform_of_the_sum_along_z(padding):
    density = RANDOM.normal(size=(8, 8, 8)).astype(np.float32)
    found = reference_transform(density, 3, padding)
    expected = sum_along_z_transformed(density.astype(float))
    centre = found.shape[0] // 2
    for kx, ky in [(0, 0), (3, 0), (1, 2), (2, -2), (0, -3)]:
        value = found[centre, centre + padding * ky, padding * kx]
        assert value == pytest.approx(expected(kx, ky, padding), abs=1e-5)


def test_nothing_is_kept_beyond_the_sphere_and_a_margin_of_a_voxel_stays_empty():
    found = reference_transform(RANDOM.normal(size=(8, 8, 8)), 3, 2)
    assert found.shape == (15, 15, 8)
    z, y, x = np.meshgrid(np.arange(-7, 8), np.arange(-7, 8), np.arange(8), indexing="ij")
    outside = x**2 + y**2 + z**2 > 36
    assert (found[outside] == 0).all()
    assert (found[~outside] != 0).all()


def test_the_transform_is_conjugate_symmetric_about_its_centre():
    found = reference_transform(RANDOM.normal(size=(8, 8, 8)), 3, 2)
    np.testing.assert_allclose(found[:, :, 0], found[::-1, ::-1, 0].conj(), atol=1e-6)


def test_a_window_is_cut_by_frequency():
    transform = RANDOM.normal(size=(8, 8, 5))
    found = centred_window(transform, 2)
    assert found.shape == (7, 7, 4)
    for kz, ky, kx in [(0, 0, 0), (-2, 0, 0), (1, -1, 1), (0, 0, 2)]:
        assert found[3 + kz, 3 + ky, kx] == transform[kz, ky, kx]
    assert found[3 + 2, 3 + 1, 0] == 0


@pytest.mark.parametrize("radius", [2, 3])
def test_putting_a_window_back_undoes_the_cut(radius):
    transform = RANDOM.normal(size=(8, 8, 5))
    found = uncentred(centred_window(transform, radius), 8)
    rows = np.array([0, 1, 2, 3, 4, -3, -2, -1])
    inside = rows[:, None, None] ** 2 + rows[:, None] ** 2 + np.arange(5) ** 2 <= radius**2
    np.testing.assert_array_equal(found, np.where(inside, transform, 0))


def test_a_window_that_reaches_beyond_nyquist_is_cut_there_when_it_is_put_back():
    window = np.ones((13, 13, 7))
    assert uncentred(window, 8).shape == (8, 8, 5)
    assert uncentred(window, 8).min() == 1
