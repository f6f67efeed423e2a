"""Noise of tilt images, its power and what makes it white."""

import numpy as np
import pytest

from halfmap.engine.averaging.whitening import mean_power, ring_means, whitening_weights

RANDOM = np.random.default_rng(1)


def test_white_noise_has_its_variance_at_every_frequency():
    image = (3 * RANDOM.standard_normal((200, 240))).astype(np.float32)
    profile = ring_means(mean_power(image, 32))
    # about 150 tiles, half of them independent; the ring of the origin holds one pixel of each
    np.testing.assert_allclose(profile[1:], 9, rtol=0.1)
    assert profile[0] == pytest.approx(9, rel=0.5)


def test_rings_share_pixels_between_them_by_distance():
    power = np.zeros((8, 5))
    power[1, 1] = power[-1, 1] = 1.0  # at a radius of √2
    count = sum(max(1 - abs(np.hypot(y, x) - 1), 0) for y in range(-4, 4) for x in range(5))
    assert ring_means(power)[1] == pytest.approx(2 * (2 - np.sqrt(2)) / count)


def test_weights_are_the_inverse_of_the_power_at_the_same_frequency_in_any_binning():
    white = RANDOM.standard_normal((2, 256, 256))
    soft = np.fft.irfft2(
        np.fft.rfft2(white) / (1 + 20 * np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256))), s=(256, 256)
    )
    for binning in (1.0, 2.0):
        weights = whitening_weights(soft.astype(np.float32), 32, binning)
        frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.rfftfreq(32)) / binning
        inside = (frequency > 0.06 / binning) & (frequency < 0.45 / binning)
        expected = (1 + 20 * frequency) ** 2
        # the innermost ring has 8 pixels in each of about 50 independent tiles, of a spectrum that is steep there
        np.testing.assert_allclose(weights[:, inside] / expected[inside], 1, rtol=0.4)
        assert np.mean(weights[:, inside] / expected[inside]) == pytest.approx(1, abs=0.05)


def test_boxes_larger_than_the_image_are_measured_on_what_there_is():
    image = RANDOM.standard_normal((1, 40, 60)).astype(np.float32)
    weights = whitening_weights(image, 64, 1.0)
    assert weights.shape == (1, 64, 33)
    assert np.median(weights) == pytest.approx(1, rel=0.3)
