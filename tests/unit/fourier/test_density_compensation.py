"""Iterated weights: what they do to flat and to uneven sampling."""

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.special import i0

from halfmap.engine.fourier.backprojector import AccumulatorGeometry
from halfmap.engine.fourier.density_compensation import iterated_inverse_weight

GEOMETRY = AccumulatorGeometry(16, 2, 8)
# smoothing reaches two voxels; nearer to the sphere's edge part of the blob falls outside
INNER = GEOMETRY.radius2 < (GEOMETRY.radius - 4) ** 2


def full(half):
    """Both halves of a real half-array that is symmetric about its centre."""
    return np.concatenate([half[::-1, ::-1, :0:-1], half], axis=2)


def test_flat_weights_give_a_flat_inverse():
    flat = np.where(GEOMETRY.radius2 <= GEOMETRY.radius**2, 7.0, 0.0)
    inverse = iterated_inverse_weight(GEOMETRY, flat, 10)
    # the edge of the sphere rings a few per cent inwards
    np.testing.assert_allclose(inverse[INNER], 1 / 7, rtol=0.05)
    assert inverse[INNER].mean() == pytest.approx(1 / 7, rel=0.01)


def test_weights_times_their_inverse_are_flat_after_smoothing_with_the_blob():
    uneven = np.where(GEOMETRY.radius2 <= GEOMETRY.radius**2, 1 + 20 / (1 + np.sqrt(GEOMETRY.radius2)), 0.0)
    inverse = iterated_inverse_weight(GEOMETRY, uneven, 10)
    offsets = np.arange(-2, 3)
    radius = np.sqrt(offsets[:, None, None] ** 2 + offsets[:, None] ** 2 + offsets**2)
    blob = np.where(radius <= 1.9, i0(15 * np.sqrt(np.maximum(1 - (radius / 1.9) ** 2, 0))), 0)
    smoothed = convolve(full(uneven * inverse), blob / blob.sum(), mode="constant")
    flat = smoothed[:, :, GEOMETRY.shape[0] // 2 :][INNER]
    np.testing.assert_allclose(flat, 1, atol=0.02)


def test_the_inverse_goes_down_as_the_weights_go_up():
    weight = np.where(GEOMETRY.radius2 <= GEOMETRY.radius**2, 1 + GEOMETRY.radius2, 0.0)
    once, tenfold = (iterated_inverse_weight(GEOMETRY, factor * weight, 5) for factor in (1, 10))
    np.testing.assert_allclose(tenfold, once / 10, rtol=1e-9)
    assert tenfold[GEOMETRY.radius2 > GEOMETRY.radius**2].max() == 0
