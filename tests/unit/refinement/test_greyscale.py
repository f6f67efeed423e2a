"""Does the reference fit the images: inverted contrast and another grey scale are noticed."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.refinement.greyscale import Contrast, first_plan, measure_contrast
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import Sampling

SAMPLING = Sampling(2, 8.0, 8.0, sigma_rot_deg=10.0, sigma_tilt_deg=10.0, sigma_psi_deg=10.0, local_searches=True)


def contrast_of(world, density, sampling=SAMPLING):
    state = first_state(world.refinement, [density, density], sampling, 10.0, -1)
    return measure_contrast(world.refinement, state, first_plan(world.refinement, state))


def test_a_reference_that_fits_is_accepted(world, density):
    found = contrast_of(world, density)
    # the sample is half set 1
    assert len(found.upright) == 6
    assert (found.upright > found.inverted).all()
    assert not found.is_inverted
    assert not found.is_off_scale
    assert found.scale == pytest.approx(1, rel=0.25)


def test_an_inverted_reference_is_noticed(world, density):
    upright, inverted = contrast_of(world, density), contrast_of(world, -density)
    assert inverted.is_inverted
    assert inverted.preference < -5
    np.testing.assert_allclose(inverted.upright, upright.inverted, atol=1e-6)


def test_another_grey_scale_is_noticed(world, density):
    upright = contrast_of(world, density)
    for factor in (0.1, 10.0):
        found = contrast_of(world, np.float32(factor) * density)
        assert found.scale == pytest.approx(upright.scale / factor, rel=0.01)
        assert found.is_off_scale
        assert not found.is_inverted
        # a correlation does not depend on the scale
        np.testing.assert_allclose(found.upright, upright.upright, atol=1e-5)


def test_noise_is_neither_inverted_nor_off_scale(world):
    noise = np.random.default_rng(5).normal(size=(16, 16, 16)).astype(np.float32)
    found = contrast_of(world, noise)
    assert not found.is_inverted
    assert not found.is_off_scale


def test_a_global_search_looks_at_some_of_all_orientations(world, density):
    small = replace(SAMPLING, sigma_rot_deg=0.0, sigma_tilt_deg=0.0, sigma_psi_deg=0.0, local_searches=False)
    coarse = replace(small, healpix_order=1, offset_range_angstrom=1.0)
    found = contrast_of(world, density, coarse)
    assert found.preference > 0


def test_the_preference_is_the_mean_advantage_in_standard_errors():
    upright, inverted = np.array([0.5, 0.7, 0.6, 0.6]), np.array([0.4, 0.3, 0.5, 0.4])
    advantage = upright - inverted
    expected = advantage.mean() / (advantage.std(ddof=1) / 2)
    assert Contrast(upright, inverted, 1.0).preference == pytest.approx(expected)
    assert Contrast(upright[:1], inverted[:1], 1.0).preference == 0


def test_the_first_plan_is_that_of_the_next_iteration(world, density):
    state = first_state(world.refinement, [density, density], SAMPLING, 10.0, -1)
    plan = first_plan(world.refinement, state)
    assert plan.control.iteration == 1
    assert plan.search.orientations.healpix_order == 2
