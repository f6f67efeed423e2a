"""From sums to maps, against analytic cases."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.averaging.maps import average_maps, symmetrised, tapered, whole
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.slices import ParticleSlices, _laid_out
from halfmap.engine.averaging.summing import add_slices
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.fourier.masks import distances
from halfmap.engine.sampling.symmetry import PointGroup

BOX = 32
SETTINGS = AverageSettings(BOX, BOX, taper_px=0.0)
PLACE, SIGMA = np.array([4.0, -2.0, 3.0]), 1.6


def exact_slices(matrices, place=PLACE, weight=1.0):
    """Slices of a Gaussian of total 1 at a place, as half-transforms divided by n², known exactly."""
    ky, kx = np.meshgrid(np.fft.fftfreq(BOX, 1 / BOX), np.arange(BOX // 2 + 1), indexing="ij")
    inside = np.hypot(kx, ky) <= BOX // 2
    centre = matrices @ place
    phase = np.exp(-2j * np.pi / BOX * (centre[:, 0, None, None] * kx + centre[:, 1, None, None] * ky))
    blob = np.exp(-2 * (np.pi * SIGMA / BOX) ** 2 * (kx**2 + ky**2)) / BOX**2
    transforms = (weight * phase * blob * inside).astype(np.complex64)
    weights = np.broadcast_to(weight * inside, transforms.shape).astype(np.float32)
    return ParticleSlices(_laid_out(transforms, weights), matrices.astype(np.float32))


def averaged(slices, settings=SETTINGS):
    sums = Accumulator.empty(settings.geometry)
    add_slices(sums, slices, (0, len(sums.sums)))
    return average_maps(symmetrised(sums, settings, 1), settings)


def gaussian(place=PLACE):
    axis = np.arange(BOX) - BOX // 2
    x, y, z = (axis - value for value in place)
    square = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x**2
    # RELION's grey scale: √n times the density
    return np.sqrt(BOX) * np.exp(-square / (2 * SIGMA**2)) / (2 * np.pi * SIGMA**2) ** 1.5


@pytest.fixture(scope="module")
def many():
    return Rotation.random(600, random_state=0).as_matrix()


def test_exact_slices_of_a_blob_average_to_the_blob_on_relions_grey_scale(many):
    found, expected = averaged(exact_slices(many)).full, gaussian()
    middle = np.unravel_index(found.argmax(), found.shape)
    assert middle == (19, 14, 20)
    near = distances(BOX, 3) < 12
    scale = np.polyfit(expected[near], found[near], 1)[0]
    # the box is not padded: interpolation takes about 1 % from a blob 5 px from the centre, gridding gives it back
    assert scale == pytest.approx(1, abs=0.02)
    assert np.corrcoef(expected[near], found[near])[0, 1] > 0.999


def test_weights_divide_out(many):
    plain, heavy = averaged(exact_slices(many)).full, averaged(exact_slices(many, weight=7.0)).full
    np.testing.assert_allclose(heavy, plain, atol=1e-5 * plain.max())


def test_a_wiener_filter_takes_the_share_that_its_ratio_says(many):
    plain = averaged(exact_slices(many), SETTINGS)
    # weights are divided by themselves and the inverse of the ratio: where W = 1/SNR, half is left
    weight = np.median(plain.weight[distances(BOX, 3) < 8])
    filtered = averaged(exact_slices(many), replace(SETTINGS, snr=float(1 / weight))).full
    assert filtered.max() / plain.full.max() == pytest.approx(0.5, abs=0.1)


def test_a_symmetric_average_has_its_copies(many):
    found = averaged(exact_slices(many), replace(SETTINGS, group=PointGroup("C2"))).full
    expected = (gaussian() + gaussian(PLACE * [-1, -1, 1])) / 2
    near = distances(BOX, 3) < 12
    assert np.corrcoef(expected[near], found[near])[0, 1] > 0.995
    turned = found[:, :0:-1, :0:-1]
    np.testing.assert_allclose(found[:, 1:, 1:], turned, atol=2e-2 * found.max())


def test_cropping_keeps_the_middle_and_tapers_it_anew(many):
    maps = averaged(exact_slices(many), replace(SETTINGS, crop_px=24, taper_px=4.0))
    assert maps.cropped.shape == (24, 24, 24)
    ratio = (maps.full[4:-4, 4:-4, 4:-4] - maps.cropped)[distances(24, 3) < 8]
    assert np.ptp(ratio) < 1e-5


def test_what_was_not_seen_stays_empty():
    # one direction of view: no voxel off its plane has a weight
    maps = averaged(exact_slices(np.eye(3)[None], np.zeros(3)))
    assert np.isfinite(maps.full).all()
    assert maps.weight[BOX // 2, BOX // 2, BOX // 2] == 1
    assert not maps.weight[BOX // 2 + 1].any()


def test_tapering_subtracts_the_mean_and_ends_at_the_sphere():
    density = np.random.default_rng(0).standard_normal((16, 16, 16)) + 5
    found = tapered(density, 3.0)
    radius = distances(16, 3)
    assert not found[radius >= 8].any()
    inside = found[radius <= 5] - density[radius <= 5]
    assert np.ptp(inside) < 1e-9
    assert found.sum() == pytest.approx(0, abs=1e-9)
    edge = np.clip((8 - radius) / 3, 0, 1)
    weight = (1 - np.cos(np.pi * edge)) / 2
    np.testing.assert_allclose(found, weight * (density - np.average(density, weights=weight)), atol=1e-12)


def test_half_a_transform_of_weights_is_completed():
    density = np.random.default_rng(1).standard_normal((8, 8, 8))
    power = np.abs(np.fft.fftn(density)) ** 2
    np.testing.assert_allclose(whole(power[:, :, :5]), np.fft.fftshift(power), rtol=1e-10)
