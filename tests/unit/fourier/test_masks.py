"""Soft masks: where they begin and end, and what stands outside."""

import math

import numpy as np
import pytest

from halfmap.engine.fourier.masks import (
    background_fraction,
    distances,
    mix_background,
    replace_outside_by_mean,
    soft_sphere,
)

RANDOM = np.random.default_rng(3)


def test_distances_are_measured_from_pixel_n_over_two():
    assert distances(6, 2)[3, 3] == 0
    assert distances(6, 2)[3, 0] == 3
    assert distances(6, 2)[0, 1] == pytest.approx(math.hypot(3, 2))
    assert distances(6, 3)[0, 1, 5] == pytest.approx(math.sqrt(9 + 4 + 4))


# trap 16: the edge lies outside of the radius
def test_the_background_rises_as_a_cosine_over_the_edge_outside_the_radius():
    radius = np.array([0.0, 9.99, 10.0, 11.0, 12.5, 14.0, 15.0, 20.0])
    found = background_fraction(radius, 10.0, 5.0)
    inside_edge = [0.5 + 0.5 * math.cos(math.pi * (15 - r) / 5) for r in (10.0, 11.0, 12.5, 14.0, 15.0)]
    np.testing.assert_allclose(found, [0, 0, *inside_edge, 1], atol=1e-12)
    assert found[4] == pytest.approx(0.5)


def test_without_an_edge_the_background_begins_at_the_radius():
    assert background_fraction(np.array([1.9, 2.0, 2.1]), 2.0, 0.0).tolist() == [0, 1, 1]


# trap 16
def test_a_constant_image_is_left_unchanged():
    images = np.full((2, 16, 16), 3.5, np.float32)
    background = background_fraction(distances(16, 2), 3.0, 5.0)
    np.testing.assert_allclose(replace_outside_by_mean(images, background), images, rtol=1e-6)


# trap 16: not zero but the weighted mean of what stands outside, image by image
def test_outside_stands_the_weighted_mean_of_the_background():
    images = RANDOM.normal(size=(2, 16, 16)).astype(np.float32)
    background = background_fraction(distances(16, 2), 3.0, 3.0)
    found = replace_outside_by_mean(images, background)
    for before, after in zip(images.astype(float), found, strict=True):
        mean = sum(b * v for b, v in zip(background.ravel(), before.ravel(), strict=True)) / background.sum()
        np.testing.assert_allclose(after[0, 0], mean, atol=1e-6)
        np.testing.assert_allclose(after[8, 8], before[8, 8], atol=1e-6)
        np.testing.assert_allclose(after, before + background * (mean - before), atol=1e-6)


def test_an_image_without_background_stays_as_it_is():
    images = RANDOM.normal(size=(1, 4, 4))
    np.testing.assert_allclose(replace_outside_by_mean(images, np.zeros((4, 4))), images)


def test_what_stands_outside_can_be_an_image():
    images, noise = RANDOM.normal(size=(2, 2, 16, 16)).astype(np.float32)
    background = background_fraction(distances(16, 2), 3.0, 4.0)
    found = mix_background(images, noise, background)
    np.testing.assert_allclose(found, (1 - background) * images + background * noise, rtol=1e-5, atol=1e-6)
    assert found.dtype == np.float32


# trap 45: to be multiplied with, so 0 outside
def test_a_soft_sphere_is_one_inside_and_zero_outside():
    mask = soft_sphere(24, 5.0, 4.0)
    radius = distances(24, 3)
    assert (mask[radius <= 5] == 1).all()
    assert (mask[radius >= 9] == 0).all()
    assert mask[12, 12, 12 + 7] == pytest.approx(0.5)
