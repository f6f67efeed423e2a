"""Transforms, and maps cut, padded and resampled."""

import numpy as np
import pytest

from halfmap.engine.fourier.transform import (
    resample_map,
    restore_map,
    transform_images,
    transform_map,
    window_map,
    window_transform,
)

RANDOM = np.random.default_rng(2)


def axis(box_px):
    return np.arange(box_px) - box_px // 2


def band_limited(box_px, extent=1.0):
    """Waves of at most three periods over the box, sampled about the centre."""
    z, y, x = np.meshgrid(*[axis(box_px) / box_px * extent] * 3, indexing="ij")
    wave = 0.3 + np.cos(2 * np.pi * (2 * x + y)) + 0.5 * np.sin(2 * np.pi * (z - 3 * y)) + 0.2 * np.cos(2 * np.pi * z)
    return wave.astype(np.float64)


# trap 3: the forward transform is divided by n², its origin is pixel n/2
def test_images_are_transformed_as_the_sum_over_pixels_about_the_centre():
    image = RANDOM.normal(size=(6, 6))
    found = transform_images(image[None])[0]
    for ky in range(-2, 4):
        for kx in range(4):
            phase = np.exp(-2j * np.pi * (ky * axis(6)[:, None] + kx * axis(6)) / 6)
            np.testing.assert_allclose(found[ky, kx], (image * phase).sum() / 36, atol=1e-14)


def test_maps_are_transformed_as_the_sum_over_voxels_about_the_centre():
    density = RANDOM.normal(size=(4, 4, 4))
    found = transform_map(density)
    k = axis(4)
    for kz, ky, kx in [(0, 0, 0), (1, 0, 2), (-1, 1, 1), (2, -1, 0), (2, 2, 2)]:
        phase = np.exp(-2j * np.pi * (kz * k[:, None, None] + ky * k[:, None] + kx * k) / 4)
        np.testing.assert_allclose(found[kz, ky, kx], (density * phase).sum() / 64, atol=1e-14)


def test_single_precision_images_stay_single():
    assert transform_images(np.ones((1, 4, 4), np.float32)).dtype == np.complex64


def test_a_point_at_the_centre_has_a_flat_transform():
    point = np.zeros((8, 8, 8))
    point[4, 4, 4] = 1
    np.testing.assert_allclose(transform_map(point), 1 / 512, atol=1e-16)


def test_restoring_undoes_the_transform():
    density = RANDOM.normal(size=(6, 6, 6))
    np.testing.assert_allclose(restore_map(transform_map(density)), density, atol=1e-14)


@pytest.mark.parametrize("box_px", [12, 24])
def test_resampling_keeps_the_grey_scale_and_the_centre(box_px):
    np.testing.assert_allclose(resample_map(band_limited(16), box_px), band_limited(box_px), atol=1e-12)


def test_resampling_there_and_back_is_the_identity_for_what_fits_both_boxes():
    density = band_limited(12)
    np.testing.assert_allclose(resample_map(resample_map(density, 20), 12), density, atol=1e-12)


def test_resampling_to_the_same_box_changes_nothing():
    density = RANDOM.normal(size=(4, 4, 4)).astype(np.float32)
    np.testing.assert_array_equal(resample_map(density, 4), density)


def test_cropping_a_transform_keeps_corners_and_values():
    transform = transform_map(RANDOM.normal(size=(8, 8, 8)))
    found = window_transform(transform, 4)
    for kz in (0, 1, 2, -1):
        for ky in (0, 1, 2, -1):
            for kx in (0, 1, 2):
                assert found[kz, ky, kx] == transform[kz, ky, kx]


def test_padding_a_transform_copies_the_nyquist_sphere_only():
    transform = np.ones((6, 6, 4), complex)
    found = window_transform(transform, 10)
    filled = {
        (kz, ky, kx) for kz in range(-2, 4) for ky in range(-2, 4) for kx in range(4) if kz**2 + ky**2 + kx**2 <= 9
    }
    assert {(z if z <= 5 else z - 10, y if y <= 5 else y - 10, x) for z, y, x in np.argwhere(found).tolist()} == filled


def test_a_map_is_cropped_about_its_centre():
    density = RANDOM.normal(size=(8, 8, 8))
    np.testing.assert_array_equal(window_map(density, 4), density[2:6, 2:6, 2:6])


def test_a_map_is_padded_about_its_centre_with_a_constant():
    density = RANDOM.normal(size=(4, 4, 4))
    found = window_map(density, 8, fill=-2.0)
    np.testing.assert_array_equal(found[2:6, 2:6, 2:6], density)
    found[2:6, 2:6, 2:6] = -2
    assert (found == -2).all()


def test_the_centre_of_an_odd_map_stays_the_centre():
    density = np.zeros((5, 5, 5))
    density[2, 2, 2] = 1
    assert window_map(density, 8)[4, 4, 4] == 1
