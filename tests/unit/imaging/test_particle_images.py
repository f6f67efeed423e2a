"""From stacks to transforms, and the noise around particles."""

import math

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import load_images, noise_images
from halfmap.engine.particles.optics import OpticsGroup
from tests.unit.imaging.pixel_by_pixel import away_from_zero, half_plane


def naive_transform(image):
    """Half-transform about pixel n/2, divided by n²."""
    box = len(image)
    axis = np.arange(box) - box // 2
    k = np.fft.fftfreq(box, 1 / box)
    phases = np.exp(-2j * np.pi * np.outer(k, axis) / box)
    return (phases @ image @ phases.T / box**2)[:, : box // 2 + 1]


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
