"""Signal and noise spectra of a reconstruction, the Wiener filter, and the division."""

import math

import numpy as np
import pytest

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.projector import centred_window
from halfmap.engine.refinement.regularization import floored, reconstruct, regularised_weight, spectra

RANDOM = np.random.default_rng(13)


def accumulator_of(padding=2, box_px=12, max_shell=5):
    geometry = AccumulatorGeometry(box_px, padding, max_shell)
    sums = RANDOM.normal(size=geometry.shape)
    sums[..., 2] = RANDOM.uniform(0.1, 3, geometry.shape[:3]) / (1 + geometry.shells)
    return Accumulator(geometry, sums)


def by_shell(accumulator):
    """Weights within the filled sphere, by ROUND(r/padding)."""
    geometry = accumulator.geometry
    centre, found = geometry.shape[0] // 2, {}
    for z, y, x in np.ndindex(geometry.shape[:3]):
        square = (z - centre) ** 2 + (y - centre) ** 2 + x**2
        if square < (geometry.padding * geometry.max_shell) ** 2:
            found.setdefault(int(math.sqrt(square) / geometry.padding + 0.5), []).append(accumulator.weight[z, y, x])
    return found


FSC = np.array([1, 1, 0.9, 0.5, 0.2, -0.1, 0.0])


# traps 33, 34, 36: σ² = n/Σ(P³w); the FSC is clipped to 0.001 … 0.999; T multiplies the ratio
@pytest.mark.parametrize("padding", [1, 2])
@pytest.mark.parametrize("fudge", [1.0, 4.0])
def test_noise_signal_and_their_ratio_follow_from_weights_and_fsc(padding, fudge):
    accumulator = accumulator_of(padding)
    found = spectra(accumulator, FSC, fudge, joined=False)
    weights = by_shell(accumulator)
    for shell in range(6):
        sigma2 = len(weights[shell]) / sum(padding**3 * w for w in weights[shell])
        f = min(max(FSC[shell], 0.001), 0.999)
        assert found.sigma2[shell] == pytest.approx(sigma2)
        assert found.ssnr[shell] == pytest.approx(fudge * f / (1 - f))
        assert found.tau2[shell] == pytest.approx(fudge * f / (1 - f) * sigma2)
        covered = [padding**3 * w * fudge * found.tau2[shell] >= 1 for w in weights[shell]]
        assert found.coverage[shell] == pytest.approx(np.mean(covered))
    np.testing.assert_array_equal(found.fsc, FSC)
    # nothing was measured in the last shell
    assert (found.sigma2[6], found.tau2[6], found.coverage[6]) == (0, 0, 0)


# trap 36: the largest ratio is 999
def test_joined_shells_get_the_largest_ratio():
    assert spectra(accumulator_of(), FSC, 1.0, joined=False).ssnr[0] == pytest.approx(999)
    assert spectra(accumulator_of(), FSC, 1.0, joined=False).ssnr[5] == pytest.approx(0.001 / 0.999)


# of both halves together f' = √(2f/(1+f)), so that 0.143 between the halves stands for 0.5 of the whole
def test_of_both_halves_together_a_half_map_fsc_of_one_seventh_marks_the_resolution():
    fsc = np.full(7, 1 / 7)
    assert spectra(accumulator_of(), fsc, 1.0, joined=True).ssnr[3] == pytest.approx(1)
    # the clip to 0.001 comes before the formula, that to 0.999 after it
    assert spectra(accumulator_of(), 0 * fsc, 1.0, joined=True).ssnr[3] == pytest.approx(
        math.sqrt(0.002 / 1.001) / (1 - math.sqrt(0.002 / 1.001))
    )
    assert spectra(accumulator_of(), 0 * fsc + 1, 1.0, joined=True).ssnr[3] == pytest.approx(999)


# traps 33, 34, 35: 1/(P³Tτ²) from the fifth shell on, within the filled sphere
@pytest.mark.parametrize("fudge", [1.0, 4.0])
def test_the_prior_adds_its_weight_from_the_fifth_shell_on(fudge):
    accumulator = accumulator_of(padding=2, box_px=16, max_shell=7)
    geometry = accumulator.geometry
    tau2 = 0.1 + RANDOM.uniform(size=9)
    found = regularised_weight(accumulator, tau2, fudge, 5)
    radius = np.sqrt(geometry.radius2)
    for z, y, x in RANDOM.integers(0, geometry.shape[:3], (400, 3)):
        shell = int(radius[z, y, x] / 2 + 0.5)
        added = 1 / (8 * fudge * tau2[shell]) if radius[z, y, x] < 14 and shell >= 5 else 0
        assert found[z, y, x] == pytest.approx(accumulator.weight[z, y, x] + added)


def test_where_nothing_is_known_of_the_signal_a_thousand_fold_noise_is_assumed():
    accumulator = accumulator_of(max_shell=6)
    weight = accumulator.weight.copy()
    weight[6, 6, 5] = 0
    sums = accumulator.sums.copy()
    sums[..., 2] = weight
    found = regularised_weight(accumulator.with_sums(sums), np.zeros(7), 1.0, 0)
    inside = accumulator.geometry.inside & (weight > 0)
    np.testing.assert_allclose(found[inside], weight[inside] + 1 / (0.001 * weight[inside]))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~accumulator.geometry.inside], weight[~accumulator.geometry.inside])


# The prior of T = 1 makes the reconstruction a Wiener filter: data·SSNR/(1 + SSNR) for a flat weight
def test_with_flat_weights_the_prior_is_a_wiener_filter():
    geometry = AccumulatorGeometry(16, 2, 7)
    flat = np.zeros(geometry.shape)
    flat[..., 2] = 3.0
    accumulator = Accumulator(geometry, flat)
    fsc = np.linspace(1, 0.1, 9)
    found = spectra(accumulator, fsc, 1.0, joined=False)
    damping = 3.0 / regularised_weight(accumulator, found.tau2, 1.0, 5)
    ratio = found.ssnr[np.minimum(geometry.shells, 8)]
    damped = geometry.inside & (geometry.shells >= 5)
    np.testing.assert_allclose(damping[damped], (ratio / (1 + ratio))[damped])
    assert (damping[geometry.inside & (geometry.shells < 5)] == 1).all()


# trap 37: a thousandth of the mean over FLOOR shells; beyond the last shell its neighbour's
def test_weights_are_raised_to_a_thousandth_of_their_shells_mean():
    accumulator = accumulator_of(max_shell=5)
    geometry = accumulator.geometry
    weight = RANDOM.uniform(0.5, 1.5, geometry.shape[:3])
    holes = RANDOM.uniform(size=weight.shape) < 0.3
    weight[holes] = 0
    found = floored(accumulator, weight)
    radius = np.sqrt(geometry.radius2)
    shells = np.floor(radius / 2).astype(int)
    means = [weight[(shells == s) & (radius < 10)].mean() for s in range(5)]
    expected = np.array(means)[np.minimum(shells, 4)] / 1000
    np.testing.assert_allclose(found[holes], expected[holes])
    np.testing.assert_array_equal(found[~holes], weight[~holes])


def padded_transform(density, padding):
    """Half-transform about the centre of a zero-padded map, as a sum over its voxels, centred in y and z."""
    box = len(density)
    padded = np.zeros((padding * box,) * 3)
    start = (padding - 1) * box // 2
    padded[start : start + box, start : start + box, start : start + box] = density
    return np.fft.rfftn(np.fft.ifftshift(padded))


# traps 33, 44: data on the scale of slices times P³·N go back to the map, softened at its corners, over sinc²
@pytest.mark.parametrize("padding", [1, 2])
def test_data_over_weights_are_transformed_back_onto_the_maps_own_grey_scale(padding):
    box = 12
    axis = np.arange(box) - box // 2
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    density = np.exp(-(radius**2) / 8) + np.exp(-((axis[:, None, None] - 1) ** 2 + axis[:, None] ** 2 + axis**2) / 6)
    geometry = AccumulatorGeometry(box, padding, box // 2)
    weight = RANDOM.uniform(1, 2, geometry.shape[:3])
    # slices are n⁻² Σ over the map, whatever the padding
    data = centred_window(padded_transform(density, padding) / box**2, geometry.radius) * weight
    sums = np.stack([data.real, data.imag, weight], axis=-1)
    found = reconstruct(Accumulator(geometry, sums), weight)
    inner = radius < box / 2 - 1
    expected = density / np.sinc(radius / (box * padding)) ** 2
    # what lies beyond the sphere of Fourier space is lost
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.01)
    assert found.dtype == np.float32


# trap 44: outside of the inscribed sphere the mean of what was there, before the correction for gridding
def test_the_corners_of_a_map_become_flat():
    box = 12
    geometry = AccumulatorGeometry(box, 2, 6)
    accumulator = Accumulator(geometry, RANDOM.normal(size=geometry.shape))
    found = reconstruct(accumulator, np.ones(geometry.shape[:3]))
    axis = np.arange(box) - 6
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    softened = found * np.sinc(radius / (2 * box)) ** 2
    outside = radius >= 9
    assert outside.sum() > 20
    np.testing.assert_allclose(softened[outside], softened[0, 0, 0], rtol=1e-4)
    assert softened[radius < 6].std() > 10 * softened[outside].std()


def test_voxels_without_weight_become_zero():
    geometry = AccumulatorGeometry(12, 1, 5)
    sums = np.ones(geometry.shape)
    assert np.abs(reconstruct(Accumulator(geometry, sums), np.zeros(geometry.shape[:3]))).max() == 0
