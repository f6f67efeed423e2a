"""The FSC within a mask, and the correction for the mask."""

import numpy as np
import pytest
import scipy.fft

from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.refinement.fsc import fsc_of_maps
from halfmap.engine.refinement.solvent_correction import solvent_corrected_fsc, with_random_phases

RANDOM = np.random.default_rng(15)


def smooth(density, sigma=1.5):
    """Low-pass a map so that its spectrum falls towards Nyquist."""
    row = np.fft.fftfreq(len(density)) * 2 * np.pi
    square = row[:, None, None] ** 2 + row[:, None] ** 2 + row[: len(density) // 2 + 1] ** 2
    return scipy.fft.irfftn(np.fft.rfftn(density) * np.exp(-square * sigma**2 / 2), s=density.shape)


def radius_of(box_px):
    row = np.minimum(np.arange(box_px), box_px - np.arange(box_px))
    return np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(box_px // 2 + 1) ** 2)


# trap 42
def test_randomised_phases_keep_amplitudes_and_everything_below_the_shell():
    density = RANDOM.normal(size=(16, 16, 16))
    found = with_random_phases(density, 4, np.random.default_rng(1))
    before, after = np.fft.rfftn(density), np.fft.rfftn(found)
    radius = radius_of(16)
    np.testing.assert_allclose(after[radius < 4], before[radius < 4], atol=1e-9)
    # where a plane holds both members of a pair their random phases contradict one another
    inner = (radius >= 4) & (np.arange(9) > 0) & (np.arange(9) < 8)
    np.testing.assert_allclose(np.abs(after[inner]), np.abs(before[inner]), rtol=1e-6)
    turned = np.angle(after[inner] / before[inner])
    # uniform phases have a mean of 0 and a spread of π/√3
    assert np.std(turned) == pytest.approx(np.pi / 3**0.5, rel=0.05)


# trap 42: pure noise correlates through its mask alone, which the correction takes off
def test_masked_noise_has_no_resolution_after_the_correction():
    first, second = RANDOM.normal(size=(2, 32, 32, 32))
    # below shell 5 both maps are the same, so that the unmasked curve starts at 1
    row = radius_of(32)
    common = np.fft.rfftn(RANDOM.normal(size=(32, 32, 32)))
    first, second = (
        scipy.fft.irfftn(np.where(row < 4.5, common, np.fft.rfftn(m)), s=(32, 32, 32)) for m in (first, second)
    )
    mask = soft_sphere(32, 6.0, 3.0)
    found = solvent_corrected_fsc(first, second, mask, seed=3)
    assert found.randomised_from == 5
    masked = fsc_of_maps(first * mask, second * mask)
    # up to two shells after the randomisation the masked curve stands
    np.testing.assert_allclose(found.fsc[:7], masked[:7])
    assert np.abs(found.fsc[8:16]).mean() < 0.1
    assert np.abs(found.fsc[8:16]).max() < 0.25


# trap 42: the formula, with the maps and the seed that it uses
def test_the_correction_is_that_of_chen_and_others():
    signal = 3 * smooth(RANDOM.normal(size=(24, 24, 24)))
    first, second = (signal + 0.05 * RANDOM.normal(size=signal.shape) for _ in range(2))
    mask = soft_sphere(24, 6.0, 3.0)
    found = solvent_corrected_fsc(first, second, mask, seed=8)
    unmasked, masked = fsc_of_maps(first, second), fsc_of_maps(first * mask, second * mask)
    start = int(np.flatnonzero(unmasked[1:] < 0.8)[0]) + 1
    assert found.randomised_from == start
    random = np.random.default_rng(8)
    randomised = fsc_of_maps(*(with_random_phases(m, start, random) * mask for m in (first, second)))
    for shell in range(13):
        expected = masked[shell]
        if shell >= start + 2:
            expected = (masked[shell] - randomised[shell]) / (1 - randomised[shell])
            expected = 0 if randomised[shell] > masked[shell] else expected
        assert found.fsc[shell] == pytest.approx(expected)


def test_maps_that_agree_everywhere_need_no_correction():
    density = RANDOM.normal(size=(12, 12, 12))
    found = solvent_corrected_fsc(density, density + 1e-3, soft_sphere(12, 3.0, 2.0), seed=1)
    assert found.randomised_from is None
    np.testing.assert_allclose(found.fsc, fsc_of_maps(density, density + 1e-3))
