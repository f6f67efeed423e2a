"""FSC curves of maps whose signal-to-noise ratio is known."""

import numpy as np
import pytest

from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.postprocessing.curves import fsc_curves, fsc_of_particle
from halfmap.engine.refinement.solvent_correction import solvent_corrected_fsc
from tests.unit.postprocessing.conftest import BOX, radius_of, shaped


def noise_power(radius):
    return (radius / 10.0) ** 4


def test_the_curve_is_the_share_of_the_signal(halves):
    found = fsc_curves(*halves(noise_power), None)
    shell = np.rint(radius_of(BOX))
    for k in range(2, 21):
        inside = shell == k
        expected = float(np.mean(1 / (1 + noise_power(radius_of(BOX)[inside]))))
        # the scatter of a correlation over as many independent pixels, four times
        tolerance = 4 * (1 - expected**2) / np.sqrt(np.count_nonzero(inside) / 2) + 0.01
        assert found.corrected[k] == pytest.approx(expected, abs=tolerance), k
    # 1 / (1 + (k/10)^4) falls below 0.143 between shells 15 (0.165) and 16, whose correlations scatter by 0.03
    assert found.resolution_shell in (14, 15, 16)
    assert found.masked is None
    assert found.of_particle is None


def test_within_a_mask_it_is_the_corrected_one_that_counts(halves):
    first, second = halves(noise_power)
    mask = soft_sphere(BOX, 10.0, 4.0)
    found = fsc_curves(first, second, mask, random_seed=4)
    same = solvent_corrected_fsc(first, second, mask, seed=4)
    np.testing.assert_array_equal(found.corrected, same.fsc)
    np.testing.assert_array_equal(found.randomised, same.randomised)
    assert found.box_over_mask == pytest.approx(mask.size / mask.sum())
    # FSC 0.8 at r = 10 · 0.25^(1/4) = 7.1
    assert found.randomised_from in (7, 8)


def test_the_threshold_of_random_phases_is_as_asked(halves):
    first, second = halves(noise_power)
    mask = soft_sphere(BOX, 10.0, 4.0)
    # FSC 0.5 at r = 10
    assert fsc_curves(first, second, mask, randomise_below_fsc=0.5).randomised_from in (10, 11)


def test_noise_within_a_tight_mask_has_no_resolution():
    random = np.random.default_rng(3)
    common = shaped(random, lambda r: r < 4.5)
    first, second = (shaped(random, lambda r: r >= 4.5) + common for _ in range(2))
    found = fsc_curves(first, second, soft_sphere(BOX, 6.0, 2.0))
    beyond = np.arange(BOX // 2 + 1) >= 8
    # 150 pixels of the mask's own width in these shells: 0.08 each
    assert np.abs(found.corrected[beyond]).mean() < 0.1
    assert found.resolution_shell < 9
    assert found.randomised_from == 5


def test_the_mask_alone_correlates_what_is_next_to_strong_shells():
    """Strong low shells leak through the edge of a mask: the masked curve says more than there is."""
    random = np.random.default_rng(3)
    common = shaped(random, lambda r: 100.0 * (r < 6.5))
    first, second = (shaped(random, np.ones_like) + common for _ in range(2))
    found = fsc_curves(first, second, soft_sphere(BOX, 5.0, 1.0), random_seed=2)
    assert found.masked[9:12].min() > 0.9
    assert found.corrected[9:12].max() < 0.5


def test_maps_that_agree_everywhere_have_their_masked_curve(halves):
    found = fsc_curves(*halves(lambda r: 0.01 + 0 * r), soft_sphere(BOX, 10.0, 4.0))
    assert found.randomised is None
    assert found.randomised_from is None
    np.testing.assert_array_equal(found.corrected, found.masked)
    assert found.resolution_shell == BOX // 2


def test_a_smaller_box_has_a_higher_signal_to_noise_ratio():
    fsc = np.array([1.0, 0.6, 0.25, 0.0, -0.1])
    found = fsc_of_particle(fsc, 8.0)
    np.testing.assert_allclose(found[1:3] / (1 - found[1:3]), 8 * fsc[1:3] / (1 - fsc[1:3]))
    np.testing.assert_array_equal(found[[0, 3, 4]], [1, 0, 0])
