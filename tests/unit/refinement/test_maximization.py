"""Noise, scales, offsets and directions from the sums of an expectation; maps from accumulators."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.refinement.maximization import (
    mean_multiplicity,
    new_noise,
    new_scale,
    regularised_map,
    unregularised_map,
    with_new_parameters,
)
from halfmap.engine.refinement.regularization import Spectra, spectra
from halfmap.engine.refinement.state import HalfState
from halfmap.engine.refinement.sums import ExpectationSums
from tests.unit.refinement.conftest import MAXIMIZATION

GEOMETRY = AccumulatorGeometry(12, 2, 6)
SETTINGS = replace(MAXIMIZATION, correct_scale=True)


def some_sums(**changes):
    empty = ExpectationSums.empty(Accumulator.empty(AccumulatorGeometry(4, 1, 1)), 2, 7, 3, 4)
    values = {
        "residual": np.array([[8.0, 6, 4, 2, 0, 0, 0], [0.0] * 7]),
        "noise_count": np.array([[2.0, 3, 4, 5, 6, 7, 8], [0.0] * 7]),
        "relion_count": np.array([[4.0, 3, 4, 5, 6, 7, 8], [0.0] * 7]),
        "signal_product": np.array([2.0, 4.0, 3.0]),
        "reference_power": np.array([2.0, 2.0, 2.0]),
        "direction_mass": np.array([1.0, 0.0, 3.0, 4.0]),
        "scalars": np.array([600.0, 4.0, -100.0, 8.0]),
    }
    return replace(empty, **(values | changes))


def some_half():
    nothing = np.zeros(7)
    return HalfState(
        np.zeros((12, 12, 12), np.float32),
        np.full((2, 7), 9.0),
        10.0,
        np.ones(3),
        np.full(4, 0.25),
        Spectra(nothing, nothing, nothing, nothing, nothing),
    )


# trap 18: half of the squared residual per pixel
def test_noise_is_half_of_the_mean_squared_residual():
    found = new_noise(np.full((2, 7), 9.0), some_sums())
    np.testing.assert_allclose(found[0, :4], [2, 1, 0.5, 0.2])


def test_the_mean_variance_is_known_where_it_differs_from_the_noise():
    assert mean_multiplicity(some_sums()).tolist() == [[0.5, *[1.0] * 6], [1.0] * 7]
    same = some_sums(relion_count=some_sums().noise_count)
    assert mean_multiplicity(same) is None


def test_noise_that_vanishes_takes_the_value_of_the_shell_before():
    found = new_noise(np.full((2, 7), 9.0), some_sums())
    np.testing.assert_allclose(found[0, 4:], 0.2)


def test_groups_and_shells_without_images_keep_their_noise():
    sums = some_sums()
    sums.noise_count[0, 2] = 0
    found = new_noise(np.full((2, 7), 9.0), sums)
    assert found[0, 2] == 9
    assert (found[1] == 9).all()


# the values of four groups about their median, one of them far out
def test_scales_are_regressed_clipped_about_their_median_and_average_one_over_particles():
    sums = some_sums(signal_product=np.array([2.0, 4.0, 60.0, 0.1]), reference_power=np.array([2.0, 2.0, 3.0, 1.0]))
    counts = np.array([10.0, 20.0, 5.0, 5.0])
    # scales 1, 2, 20, 0.1: median 1.5, so between 0.3 and 7.5
    clipped = np.array([1, 2, 7.5, 0.3])
    found = new_scale(np.ones(4), sums, counts)
    np.testing.assert_allclose(found, clipped / (clipped @ counts / 40))
    assert found @ counts == pytest.approx(40)


def test_groups_without_measured_signal_count_as_one_before_the_average_is_taken():
    sums = some_sums(signal_product=np.array([6.0, 0.0, 6.0]), reference_power=np.array([2.0, 0.0, 2.0]))
    found = new_scale(np.ones(3), sums, np.array([1.0, 1.0, 1.0]))
    np.testing.assert_allclose(found, np.array([3, 1, 3]) * 3 / 7)


@pytest.mark.parametrize(
    ("product", "power", "counts"),
    [
        ([0.0, 0, 0], [0.0, 0, 0], [1.0, 1, 1]),
        ([-2.0, -3, -1], [1.0, 1, 1], [1.0, 1, 1]),
        ([1.0, 0, 0], [1.0, 0, 0], [0.0, 1, 1]),
    ],
)
def test_scales_stay_where_they_cannot_be_measured(product, power, counts):
    old = np.array([0.9, 1.1, 1.0])
    sums = some_sums(signal_product=np.array(product), reference_power=np.array(power))
    np.testing.assert_array_equal(new_scale(old, sums, np.array(counts)), old)


def parameters(sums=None, settings=SETTINGS, by_correlation=False):
    counts = np.array([4.0, 2.0, 2.0])
    return with_new_parameters(some_half(), some_sums() if sums is None else sums, settings, counts, by_correlation)


def test_all_parameters_are_estimated():
    found = parameters()
    # 600 Å² over three axes and eight particles
    assert found.sigma_offset_angstrom == pytest.approx(5)
    np.testing.assert_allclose(found.pdf_direction, [1 / 8, 0, 3 / 8, 4 / 8])
    np.testing.assert_allclose(found.scale, np.array([1, 2, 1.5]) / (11 / 8))
    np.testing.assert_allclose(found.sigma2[0, 0], 2)
    assert found.average_pmax == 0.5
    assert found.log_likelihood == -100


def test_offsets_have_a_least_variance():
    small = parameters(some_sums(scalars=np.array([10.0, 4.0, 0.0, 8.0])))
    assert small.sigma_offset_angstrom == pytest.approx(2**0.5)


def test_what_is_fixed_stays():
    found = parameters(settings=replace(SETTINGS, fix_noise=True, fix_offset=True, correct_scale=False))
    assert (found.sigma2 == 9).all()
    assert found.sigma_offset_angstrom == 10
    assert (found.scale == 1).all()


# by correlation: σ² is used but not estimated
def test_by_correlation_neither_noise_nor_scales_are_estimated():
    found = parameters(by_correlation=True)
    assert (found.sigma2 == 9).all()
    assert (found.scale == 1).all()
    assert found.sigma_offset_angstrom == pytest.approx(5)


def test_without_any_posterior_mass_the_distribution_of_directions_stays():
    found = parameters(some_sums(direction_mass=np.zeros(4)))
    np.testing.assert_allclose(found.pdf_direction, 0.25)


def smooth_accumulator(seed=3):
    """Data of a smooth object near the centre over uneven weights, conjugate-symmetric on the plane x = 0."""
    random = np.random.default_rng(seed)
    weight = random.uniform(1, 3, GEOMETRY.shape[:3])
    data = np.exp(-GEOMETRY.radius2 / 60) * weight
    sums = np.stack([data, 0 * data, weight], axis=-1)
    sums[GEOMETRY.radius2 > GEOMETRY.radius**2] = 0
    return Accumulator(GEOMETRY, sums)


# The iterated weights make up for the same sampling as the plain division: the scale of the map must not depend on it.
def test_iterated_weights_leave_the_scale_of_the_map_alone():
    accumulator = smooth_accumulator()
    plain = unregularised_map(accumulator, SETTINGS)
    iterated = unregularised_map(accumulator, replace(SETTINGS, gridding_iterations=10))
    assert iterated.max() == pytest.approx(plain.max(), rel=0.02)
    correlation = np.corrcoef(plain.ravel(), iterated.ravel())[0, 1]
    assert correlation > 0.999
    assert np.abs(plain - iterated).max() > 0


def test_the_regularised_map_is_damped_where_the_halves_disagree():
    accumulator = smooth_accumulator()
    sharp = np.ones(7)
    blurred = np.array([1, 1, 1, 1, 1, 0.02, 0.02])
    full, damped = (
        regularised_map(accumulator, spectra(accumulator, fsc, 1.0, joined=False), SETTINGS) for fsc in (sharp, blurred)
    )
    plain = unregularised_map(accumulator, SETTINGS)
    np.testing.assert_allclose(full, plain, atol=2e-3 * plain.max())
    difference = np.abs(np.fft.rfftn(plain - damped))
    row = np.minimum(np.arange(12), 12 - np.arange(12))
    radius = np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(7) ** 2)
    # shells below the fifth are never damped; softening the corners of so small a box blurs that
    assert difference[radius <= 3].max() < 0.25 * difference[(radius >= 5) & (radius <= 6)].max()
