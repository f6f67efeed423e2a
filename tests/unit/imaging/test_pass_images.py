"""From transforms to the pixels of a pass."""

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import ctf_values
from halfmap.engine.imaging.pass_images import PassImages, PassSettings, tilt_images
from tests.unit.imaging.pixel_by_pixel import away_from_zero, half_plane


def a_pass(size=12, max_shell=6, padding=2, **changes):
    return PassSettings(size, max_shell, padding, **changes)


def test_the_pixels_of_a_pass_are_those_within_its_window_and_their_model(make_particle):
    _, images, settings = make_particle()
    sigma2 = 0.5 + np.arange(9.0)
    found = tilt_images(images, settings, a_pass(), sigma2, 0.9)
    listed = set(zip(found.pixels.kx.tolist(), found.pixels.ky.tolist(), strict=True))
    assert listed == {(kx, ky) for _, kx, ky in half_plane(16) if kx**2 + ky**2 <= 36 and -6 < ky <= 6}
    rows = found.pixels.ky % 16
    np.testing.assert_array_equal(found.masked, images.masked[:, rows, found.pixels.kx])
    np.testing.assert_array_equal(found.unmasked, images.unmasked[:, rows, found.pixels.kx])
    shells = np.floor(np.hypot(found.pixels.kx, found.pixels.ky) + 0.5)
    np.testing.assert_array_equal(found.shells, shells)
    np.testing.assert_allclose(found.inverse_sigma2, 1 / (0.5 + shells), rtol=1e-6)
    np.testing.assert_allclose(found.geometry, 2 * images.rotations[:, :2])
    assert found.scale == 0.9
    assert found.premultiplied


# trap 13: CTF² with the squares of dose filter and scale, for premultiplied images
@pytest.mark.parametrize("premultiplied", [True, False])
def test_the_model_of_premultiplied_images_has_the_ctf_squared(make_particle, premultiplied):
    _, images, settings = make_particle(premultiplied=premultiplied)
    found = tilt_images(images, settings, a_pass(), np.ones(9), 1.0)
    fx, fy = found.pixels.kx / 80.0, found.pixels.ky / 80.0
    value = ctf_values(images.ctf, images.optics.microscope, fx, fy)
    np.testing.assert_allclose(found.ctf, value**2 if premultiplied else value, rtol=1e-5, atol=1e-8)
    assert found.premultiplied == premultiplied


def test_without_correction_the_model_has_no_ctf_and_images_count_as_plain(make_particle):
    _, images, settings = make_particle(ctf_correction=False)
    found = tilt_images(images, settings, a_pass(), np.ones(9), 1.0)
    assert (found.ctf == 1).all()
    assert not found.premultiplied


def test_the_first_peak_can_be_left_intact(make_particle):
    _, images, settings = make_particle(premultiplied=False, intact_first_peak=True)
    found = tilt_images(images, settings, a_pass(), np.ones(9), 1.0)
    assert found.ctf[0, 0] == pytest.approx(1.0)


# A slice of the model at k·ratio; Σ over pixels of an image with larger extent is spread over fewer, larger ones:
# n⁻²Σ goes with 1/extent², hence ratio² on the slice.
def test_images_of_another_extent_are_mapped_onto_the_models_grid(make_particle):
    _, images, settings = make_particle(image_box=12, image_pixel=8.0, ctf_correction=False)
    ratio = 80 / 96
    found = tilt_images(images, settings, a_pass(size=12, max_shell=4), np.arange(1.0, 10.0), 1.0)
    np.testing.assert_allclose(found.geometry, 2 * ratio * images.rotations[:, :2])
    np.testing.assert_allclose(found.ctf, ratio**2, rtol=1e-6)
    radius = np.hypot(found.pixels.kx, found.pixels.ky)
    assert radius.max() == pytest.approx(np.sqrt(4**2 + 2**2))
    shells = [away_from_zero(ratio * away_from_zero(r)) for r in radius]
    assert found.shells.tolist() == shells
    np.testing.assert_allclose(found.inverse_sigma2, [1 / (1 + s) for s in shells], rtol=1e-6)


def test_the_ctf_is_taken_at_the_images_own_frequencies(make_particle):
    _, images, settings = make_particle(image_box=12, image_pixel=8.0, premultiplied=False)
    found = tilt_images(images, settings, a_pass(max_shell=4), np.ones(9), 1.0)
    value = ctf_values(images.ctf, images.optics.microscope, found.pixels.kx / 96, found.pixels.ky / 96)
    np.testing.assert_allclose(found.ctf, (80 / 96) ** 2 * value, rtol=1e-5, atol=1e-8)


def test_a_shell_without_noise_estimate_does_not_count(make_particle):
    _, images, settings = make_particle()
    sigma2 = np.ones(9)
    sigma2[3] = 0
    found = tilt_images(images, settings, a_pass(), sigma2, 1.0)
    assert (found.inverse_sigma2[found.shells == 3] == 0).all()
    assert (found.inverse_sigma2[found.shells != 3] == 1).all()


# The origin and the redundant rows count. Slices are zero in the window's corners, which are therefore not listed but
# count in the images' power.
def test_for_correlation_images_have_unit_power_over_the_whole_window(make_particle):
    _, images, settings = make_particle()
    found = tilt_images(images, settings, a_pass(size=6, max_shell=100, correlation=True), np.ones(9), 1.0)
    listed = sorted(zip(found.pixels.kx.tolist(), found.pixels.ky.tolist(), strict=True))
    assert listed == [(kx, ky) for kx in range(4) for ky in range(-2, 4) if kx**2 + ky**2 <= 9]
    power = (np.abs(images.masked[:, [0, 1, 2, 3, -2, -1], :4]) ** 2).sum(axis=(1, 2))
    taken = images.masked[:, found.pixels.ky % 16, found.pixels.kx]
    np.testing.assert_allclose(found.masked, taken / np.sqrt(power)[:, None], rtol=1e-5)


def test_for_correlation_no_pixel_lies_beyond_the_reference(make_particle):
    _, images, settings = make_particle()
    found = tilt_images(images, settings, a_pass(size=12, max_shell=3, correlation=True), np.ones(9), 1.0)
    assert found.pixels.radius.max() <= 3


def test_passes_with_the_same_window_share_their_pixels(make_particle):
    _, images, settings = make_particle()
    shared = PassImages(images, settings, np.ones(9), 0.7)
    fine, stored, coarse = shared.of(a_pass()), shared.of(a_pass()), shared.of(a_pass(size=6))
    assert fine is stored
    assert len(coarse.pixels.kx) < len(fine.pixels.kx)
    alone = tilt_images(images, settings, a_pass(), np.ones(9), 0.7)
    np.testing.assert_array_equal(fine.masked, alone.masked)
    assert fine.scale == 0.7
