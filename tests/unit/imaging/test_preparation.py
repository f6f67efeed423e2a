"""From stacks to transforms, and from transforms to the pixels of a pass."""

import math

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import Microscope, ctf_values
from halfmap.engine.imaging.preparation import (
    ModelGrid,
    PassImages,
    PassSettings,
    load_images,
    noise_images,
    tilt_images,
)
from halfmap.engine.particles.optics import OpticsGroup


def naive_transform(image):
    """Half-transform about pixel n/2, divided by n²."""
    box = len(image)
    axis = np.arange(box) - box // 2
    k = np.fft.fftfreq(box, 1 / box)
    phases = np.exp(-2j * np.pi * np.outer(k, axis) / box)
    return (phases @ image @ phases.T / box**2)[:, : box // 2 + 1]


def away_from_zero(value):
    return math.floor(value + 0.5)


def half_plane(box):
    """Rows, columns and frequencies of each Hermitian pair, once."""
    for y in range(box):
        ky = y if y <= box // 2 else y - box
        for kx in range(box // 2 + 1):
            if kx > 0 or ky >= 0:
                yield y, kx, ky


def test_a_grid_knows_its_extent_and_shells():
    grid = ModelGrid(36, 8.1)
    assert grid.extent_angstrom == pytest.approx(291.6)
    assert grid.shells == 19
    optics = OpticsGroup(1, "", Microscope(300, 2.7, 0.1), 5.4, 48, True)
    assert grid.shells_per_image_shell(optics) == pytest.approx(291.6 / 259.2)


# traps 16, 17: the circle's radius is D/2 over the images' own pixel size; the unmasked images are kept as they are
def test_masked_images_fade_into_their_own_mean_outside_of_the_particle(make_particle):
    stack, images, _ = make_particle()
    centre = np.arange(16) - 8
    radius = np.hypot(centre[:, None], centre)
    background = np.where(radius < 4, 0, np.where(radius > 7, 1, 0.5 + 0.5 * np.cos(np.pi * (7 - radius) / 3)))
    for image, masked, unmasked in zip(stack.astype(float), images.masked, images.unmasked, strict=True):
        mean = (background * image).sum() / background.sum()
        np.testing.assert_allclose(masked, naive_transform(image + background * (mean - image)), atol=1e-6)
        np.testing.assert_allclose(unmasked, naive_transform(image), atol=1e-6)
    assert images.tilts == 2


def test_images_can_fade_into_noise_instead(make_particle):
    stack, images, settings = make_particle(zero_mask=False)
    noise = np.full(stack.shape, 7, np.float32)
    found = load_images(stack, images.optics, images.grid, images.rotations, images.ctf, settings, noise)
    restored = np.fft.fftshift(np.fft.irfft2(found.masked, norm="forward"), axes=(1, 2))
    np.testing.assert_allclose(restored[:, 0, 0], 7, atol=1e-5)
    np.testing.assert_allclose(restored[:, 8, 8], stack[:, 8, 8], atol=1e-5)


# trap 20, and spectra on the model's shells: ROUND(ratio·ROUND(radius)) with ratio = model extent over image extent
@pytest.mark.parametrize(("image_box", "image_pixel"), [(16, 5.0), (12, 8.0), (20, 3.5)])
def test_power_and_pixels_are_counted_by_shells_of_the_model_each_pair_once(make_particle, image_box, image_pixel):
    _, images, _ = make_particle(image_box, image_pixel)
    ratio = 80.0 / (image_box * image_pixel)
    power, count = np.zeros(9), np.zeros(9)
    for y, kx, ky in half_plane(image_box):
        shell = away_from_zero(ratio * away_from_zero(math.hypot(kx, ky)))
        if shell < 9:
            power[shell] += (np.abs(images.masked[:, y, kx]) ** 2).sum()
            count[shell] += 2
    np.testing.assert_allclose(images.power, power, rtol=1e-5)
    np.testing.assert_array_equal(images.pixel_counts, count)


# trap 18: σ² is the variance of the real or the imaginary part alone
def test_drawn_noise_has_the_asked_spectrum():
    grid = ModelGrid(16, 5.0)
    optics = OpticsGroup(1, "", Microscope(300, 2.7, 0.1), 5.0, 16, True)
    sigma2 = 1.0 / (1 + np.arange(9.0))
    found = np.array([naive_transform(image) for image in noise_images(sigma2, optics, grid, 400, seed=5)])
    for ky, kx in [(1, 3), (-2, 5), (4, 1)]:
        variance = sigma2[away_from_zero(math.hypot(kx, ky))]
        # 400 draws: a standard deviation of the variance of 7 %
        assert found[:, ky, kx].real.var() == pytest.approx(variance, rel=0.25)
        assert found[:, ky, kx].imag.var() == pytest.approx(variance, rel=0.25)


def test_drawn_noise_depends_on_the_seed_alone():
    grid, optics = ModelGrid(8, 5.0), OpticsGroup(1, "", Microscope(300, 2.7, 0.1), 5.0, 8, True)
    first, again, other = (noise_images(np.ones(5), optics, grid, 2, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


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
