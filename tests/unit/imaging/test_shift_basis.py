"""Shifts of a disc as combinations of few functions."""

import numpy as np
import pytest

from halfmap.engine.fourier.shells import disc
from halfmap.engine.imaging.shift_basis import shift_basis

BOX = 36


def phases(shifts, pixels):
    return np.exp(-2j * np.pi * (shifts[:, :1] * pixels.kx + shifts[:, 1:] * pixels.ky))


def shifts_within(radius, count=500):
    random = np.random.default_rng(1)
    length, angle = radius * np.sqrt(random.random(count)), 2 * np.pi * random.random(count)
    return np.column_stack([length * np.cos(angle), length * np.sin(angle)])


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
@pytest.mark.parametrize("radius_px", [0.1, 1.0, 3.5])
def test_every_shift_of_the_disc_is_given_within_the_tolerance(radius_px, tolerance):
    pixels = disc(BOX, BOX, BOX / 2)
    basis = shift_basis(pixels, radius_px / BOX, tolerance)
    shifts = shifts_within(radius_px / BOX)
    left = basis.coefficients(shifts) @ basis.functions - phases(shifts, pixels)
    # the tolerance holds at the shifts that it was made with, which lie closely
    assert np.sqrt((np.abs(left) ** 2).mean(axis=1)).max() < 2.5 * tolerance


# Slepian 1964: the product of both areas, and some more for the rim
def test_little_more_functions_are_needed_than_the_areas_ask_for():
    pixels = disc(BOX, BOX, BOX / 2)
    for radius_px in (0.5, 2.0, 4.0):
        areas = np.pi * radius_px**2 * np.pi * 0.5**2
        count = len(shift_basis(pixels, radius_px / BOX, 1e-2).functions)
        assert areas < count < areas + 15 * radius_px + 8


def test_functions_are_orthonormal_as_real_vectors():
    pixels = disc(BOX, BOX, BOX / 2)
    functions = shift_basis(pixels, 1.0 / BOX, 1e-3).functions
    products = (functions.conj() @ functions.T).real
    np.testing.assert_allclose(products, np.eye(len(functions)), atol=1e-4)
