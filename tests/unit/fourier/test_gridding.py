"""Corrections for interpolation."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import i0

from halfmap.engine.fourier.gridding import blob_transform, divide_by_sinc2


# trap 43: the distance itself is taken, not the product over the axes
@pytest.mark.parametrize("padding", [1, 2])
def test_a_map_is_divided_by_sinc_squared_of_the_distance(padding):
    found = divide_by_sinc2(np.ones((10, 10, 10)), padding)
    assert found[5, 5, 5] == 1
    for x, y, z in [(3, 0, 0), (0, -4, 0), (2, 2, 1), (-5, -5, -5)]:
        angle = math.pi * math.sqrt(x * x + y * y + z * z) / (10 * padding)
        assert found[5 + z, 5 + y, 5 + x] == pytest.approx((angle / math.sin(angle)) ** 2)


def test_single_precision_maps_may_be_corrected():
    density = np.full((4, 4, 4), 2, np.float32)
    assert divide_by_sinc2(density, 2)[2, 2, 2] == 2


def blob(radius):
    """Kaiser–Bessel function of radius 1.9, α = 15, order 0."""
    return i0(15 * math.sqrt(1 - (radius / 1.9) ** 2)) / i0(15) if radius <= 1.9 else 0.0


def numerical_transform(frequency):
    """Fourier integral of a radial function, ∫ 4πr² b(r) sinc(2rf) dr."""
    return quad(lambda r: 4 * math.pi * r**2 * blob(r) * np.sinc(2 * r * frequency), 0, 1.9)[0]


# from the centre to the corner of the padded box, through the point where the square root becomes imaginary
@pytest.mark.parametrize("radius_px", [0.0, 1.0, 10.0, 25.1, 40.0, 55.4])
def test_the_transform_of_the_blob_agrees_with_numerical_integration(radius_px):
    found = blob_transform(np.array([radius_px]), 64)[0]
    expected = numerical_transform(radius_px / 64) / numerical_transform(0.0)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_transform_of_the_blob_is_finite_where_its_argument_vanishes():
    radius_px = 15 * 64 / (2 * math.pi * 1.9)
    found = blob_transform(np.array([radius_px]), 64)[0]
    assert found == pytest.approx(numerical_transform(radius_px / 64) / numerical_transform(0.0), rel=1e-3)
