"""Fourier shell correlation."""

import math

import numpy as np
import pytest

from halfmap.engine.refinement.fsc import fsc_of_averages, fsc_of_maps, resolution_shell, shell_correlation

RANDOM = np.random.default_rng(12)


def test_a_map_correlates_fully_with_itself_on_any_scale():
    density = RANDOM.normal(size=(12, 12, 12))
    np.testing.assert_allclose(fsc_of_maps(density, 3 * density), 1)
    np.testing.assert_allclose(fsc_of_maps(density, -density)[1:], -1)


def test_independent_maps_do_not_correlate():
    first, second = RANDOM.normal(size=(2, 24, 24, 24))
    fsc = fsc_of_maps(first, second)
    assert fsc[0] == 1
    # a shell s holds about 2πs² independent values
    shells = np.arange(3, 13)
    assert (np.abs(fsc[3:]) < 5 / np.sqrt(2 * np.pi * shells**2)).all()


def test_signal_and_noise_of_equal_power_correlate_to_a_half():
    signal, first, second = RANDOM.normal(size=(3, 32, 32, 32))
    fsc = fsc_of_maps((signal + first).astype(np.float32), (signal + second).astype(np.float32))
    assert fsc[6:].mean() == pytest.approx(0.5, abs=0.03)


def test_shells_are_correlated_one_by_one():
    first, second = RANDOM.normal(size=(2, 6, 2)) @ [1, 1j]
    shells = np.array([0, 0, 1, 1, 1, 3])
    found = shell_correlation(first, second, shells, 4)
    for shell in (0, 1, 3):
        a, b = first[shells == shell], second[shells == shell]
        expected = (a * b.conj()).real.sum() / math.sqrt((abs(a) ** 2).sum() * (abs(b) ** 2).sum())
        assert found[shell] == pytest.approx(expected)
    assert found[2] == 0


# trap 40: shells of the unpadded grid, up to the limit, 1 at the origin
def test_averages_are_correlated_up_to_the_limit():
    first, second = RANDOM.normal(size=(2, 9, 9, 5, 2)) @ [1, 1j]
    found = fsc_of_averages(first, second, 3, 16)
    values = {}
    for z, y, x in np.ndindex(first.shape):
        radius = math.sqrt((z - 4) ** 2 + (y - 4) ** 2 + x**2)
        if radius <= 3:
            values.setdefault(int(radius + 0.5), []).append((first[z, y, x], second[z, y, x]))
    assert found[0] == 1
    for shell in (1, 2, 3):
        a, b = np.array(values[shell]).T
        expected = (a * b.conj()).real.sum() / math.sqrt((abs(a) ** 2).sum() * (abs(b) ** 2).sum())
        assert found[shell] == pytest.approx(expected)
    assert len(found) == 9
    assert (found[4:] == 0).all()


def test_the_resolution_is_the_shell_before_the_curve_first_falls():
    fsc = np.array([1, 0.9, 0.7, 0.4, 0.6, 0.1])
    assert resolution_shell(fsc, 0.5) == 2
    assert resolution_shell(fsc, 0.143) == 4
    assert resolution_shell(fsc, 0.05) == 5
    assert resolution_shell(fsc, 0.95) == 0
