"""Whole iterations of a small refinement."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.fsc import fsc_of_maps
from halfmap.engine.refinement.iteration import Stopwatch, next_state, prepare
from halfmap.engine.refinement.settings import HalfSetSettings
from halfmap.engine.refinement.solvent_correction import solvent_corrected_fsc
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import Sampling
from halfmap.engine.sampling.random_numbers import next_perturbation
from halfmap.engine.sampling.symmetry import PointGroup, angular_distance_deg

# local searches around poses that are a few degrees and Å wrong
LOCAL = Sampling(3, 16.0, 8.0, sigma_rot_deg=6.0, sigma_tilt_deg=6.0, sigma_psi_deg=6.0, local_searches=True)
COARSE = replace(LOCAL, healpix_order=2, offset_range_angstrom=8.0)


def start_of(world, density, sampling=LOCAL):
    return first_state(world.refinement, [density, density], sampling, 10.0, -1)


def errors(world, assignments):
    """Mean error of orientations in degrees and of positions in Å."""
    distance = angular_distance_deg(
        euler_to_matrix(assignments.angles_deg), euler_to_matrix(world.true_angles_deg), PointGroup("C1")
    )
    away = np.linalg.norm(assignments.origin_angstrom - world.true_origins_angstrom, axis=1)
    return distance.mean(), away.mean()


def correlation(first, second):
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


@pytest.fixture(scope="module")
def start(world, density):
    return start_of(world, density)


@pytest.fixture(scope="module")
def outcome(world, start):
    return next_state(world.refinement, start)


def test_poses_come_nearer_to_the_truth(world, outcome):
    angles, positions = errors(world, outcome.state.assignments)
    angles_before, positions_before = errors(world, world.refinement.particles.start)
    assert angles < angles_before
    assert positions < 0.6 * positions_before
    assert (outcome.state.assignments.class_number == 1).all()


def test_both_halves_are_reconstructed_from_their_own_particles(outcome, density):
    first, second = outcome.state.halves
    assert not np.array_equal(first.density, second.density)
    for half in (first, second):
        assert correlation(half.density, density) > 0.85
        # shells beyond the resolution are damped
        assert 0.5 < half.density.max() / density.max() < 1
    np.testing.assert_array_equal(first.spectra.fsc, second.spectra.fsc)
    # trap 41: joined up to 60 Å, the first three shells of 128 Å
    np.testing.assert_allclose(first.spectra.fsc[:3], 1, atol=1e-6)
    assert first.spectra.fsc[4] < 0.99


def test_an_ordinary_iteration_leaves_no_final_maps(outcome):
    assert outcome.joined is None
    assert outcome.unfiltered == {}
    assert set(outcome.seconds) == {"accuracy", "expectation", "maximization"}


# trap 31: half set 1 speaks for both
def test_resolution_and_certainty_are_those_of_half_set_1(world, outcome):
    first, second = outcome.state.halves
    control = outcome.state.control
    assert control.average_pmax == first.average_pmax != second.average_pmax
    last = int(np.argmax(first.spectra.ssnr[1:] < 1))
    assert control.resolution_per_angstrom == last / 128
    members = world.refinement.members[1]
    assert first.average_pmax == pytest.approx(outcome.state.assignments.max_probability[members].mean())


def test_everything_that_is_estimated_has_changed_a_little(start, outcome):
    for before, after in zip(start.halves, outcome.state.halves, strict=True):
        assert 2 < after.sigma_offset_angstrom < 8
        assert after.pdf_direction.sum() == pytest.approx(1)
        assert not np.array_equal(before.sigma2, after.sigma2)


# the two halves know nothing of each other but the low-resolution sum and the FSC
def test_the_poses_of_one_half_do_not_depend_on_the_images_of_the_other(world, start, outcome):
    refinement = world.refinement
    stacks = list(refinement.source.stacks)
    for particle in refinement.members[2]:
        stacks[particle] = np.random.default_rng(particle).normal(size=stacks[particle].shape).astype(np.float32)
    tampered = replace(refinement, source=replace(refinement.source, stacks=tuple(stacks)))
    found = next_state(tampered, start).state.assignments
    first, second = refinement.members[1], refinement.members[2]
    np.testing.assert_array_equal(found.angles_deg[first], outcome.state.assignments.angles_deg[first])
    np.testing.assert_array_equal(found.origin_angstrom[first], outcome.state.assignments.origin_angstrom[first])
    assert not np.array_equal(found.angles_deg[second], outcome.state.assignments.angles_deg[second])


def test_threads_change_nothing_but_rounding(world, start, outcome):
    found = next_state(world.with_settings(threads=3).refinement, start)
    np.testing.assert_array_equal(found.state.assignments.angles_deg, outcome.state.assignments.angles_deg)
    for one, three in zip(outcome.state.halves, found.state.halves, strict=True):
        np.testing.assert_allclose(three.density, one.density, atol=1e-5)
        np.testing.assert_allclose(three.sigma2, one.sigma2, rtol=1e-9)


# trap 24: seeded with the run's seed plus the iteration
def test_the_perturbation_moves_on_with_each_iteration(start, outcome):
    drawn = next_perturbation(0.0, 0.5, 1)
    assert start.control.sampling.perturbation == drawn
    drawn = next_perturbation(drawn, 0.5, 2)
    assert outcome.state.control.sampling.perturbation == outcome.plan.search.perturbation == drawn


def settled(state, **changes):
    """Counters that ask for finer sampling, and an accuracy that allows it."""
    control = replace(
        state.control,
        iteration=3,
        iterations_without_resolution_gain=1,
        iterations_without_changes=1,
        **changes,
    )
    return replace(state, control=control)


def eager(world, **changes):
    """Sampling may become finer whatever the accuracy."""
    wishes = replace(world.refinement.settings.sampling, coarsest_step_deg=0.5, **changes)
    return world.with_settings(sampling=wishes)


# trap 61: the coarse window still follows the step that is left behind: 30° of 100 Å tell 21.8 Å apart, 2·⌈128/21.8⌉
def test_when_sampling_becomes_finer_the_coarse_window_lags_behind(world, density):
    state = settled(start_of(world, density, replace(COARSE, healpix_order=1)))
    plan = prepare(eager(world).refinement, state, Stopwatch())
    assert plan.control.sampling.healpix_order == plan.search.orientations.healpix_order == 2
    assert plan.windows.by_group[0].coarse.image_size_px == 12
    assert plan.windows.by_group[0].fine.image_size_px == 16
    # an iteration later it has caught up with 15°: 24 pixels, more than the fine window
    later = settled(replace(state, control=replace(plan.control, has_fine_enough_sampling=False)))
    plan = prepare(eager(world).refinement, later, Stopwatch())
    assert plan.windows.by_group[0].coarse.image_size_px == 16


def test_the_distribution_of_directions_starts_anew_on_a_finer_grid(world, density):
    state = settled(start_of(world, density, replace(COARSE, healpix_order=1)))
    refinement = eager(world, local_from_order=2).with_settings(skip_maximization=True).refinement
    for half in next_state(refinement, state).state.halves:
        np.testing.assert_allclose(half.pdf_direction, np.full(192, 1 / 192))


def test_in_the_first_iteration_sampling_stays_whatever_the_counters(world, start):
    state = settled(start)
    first = replace(state, control=replace(state.control, iteration=0))
    refinement = eager(world).refinement
    assert prepare(refinement, first, Stopwatch()).control.sampling.healpix_order == 3
    assert prepare(refinement, state, Stopwatch()).control.sampling.healpix_order == 4


def test_poses_alone_can_be_refined(world, start):
    found = next_state(world.with_settings(skip_maximization=True).refinement, start)
    assert errors(world, found.state.assignments)[1] < 4
    np.testing.assert_array_equal(found.state.halves[0].density, start.halves[0].density)


def masked(world, **changes):
    """A mask of a radius of five pixels with a hard edge."""
    mask = soft_sphere(16, 5.0, 0.0).astype(np.float32)
    return replace(world, refinement=replace(world.refinement, solvent_mask=mask, **changes))


# trap 45: multiplied, so zero outside, not the mean
def test_references_are_masked_by_multiplication(world, start):
    worlds = masked(world)
    flattened = next_state(worlds.refinement, start).state.halves[0].density
    outside = worlds.refinement.solvent_mask == 0
    assert (flattened[outside] == 0).all()
    halves = replace(world.refinement.settings.half_sets, flatten_solvent=False)
    whole = next_state(worlds.with_settings(half_sets=halves).refinement, start).state.halves[0].density
    assert np.abs(whole[outside]).max() > 0
    np.testing.assert_allclose(flattened[~outside], whole[~outside], atol=1e-6)


@pytest.fixture(scope="module")
def final(world, outcome):
    return next_state(masked(world).with_settings(finish_now=True).refinement, outcome.state)


# trap 50: all frequencies, both halves together, no mask
def test_the_last_iteration_adds_up_both_halves_without_a_mask(world, outcome, final, density):
    control = final.state.control
    assert control.has_converged
    assert control.current_size_px == final.plan.windows.model_px == 16
    assert correlation(final.joined.density, density) > 0.85
    assert np.abs(final.joined.density[masked(world).refinement.solvent_mask == 0]).max() > 0
    # the halves keep what they were refined with
    for before, after in zip(outcome.state.halves, final.state.halves, strict=True):
        np.testing.assert_array_equal(before.density, after.density)


def test_the_joined_model_pools_the_statistics_of_both_halves(world, final):
    assignments = final.state.assignments
    assert final.joined.average_pmax == pytest.approx(assignments.max_probability.mean())
    assert final.joined.log_likelihood == pytest.approx(assignments.log_likelihood.sum())
    # the FSC of the whole set is higher: √(2f/(1+f))
    fsc = np.clip(final.joined.spectra.fsc, 0.001, None)
    whole = np.minimum(np.sqrt(2 * fsc / (1 + fsc)), 0.999)
    np.testing.assert_allclose(final.joined.spectra.ssnr, whole / (1 - whole))
    assert final.state.control.average_pmax == final.joined.average_pmax


# trap 41: model spectra are 1 where the halves share data, the final half maps are independent everywhere
def test_the_final_half_maps_are_taken_before_the_halves_share_low_resolution(final):
    assert set(final.unfiltered) == {1, 2}
    fsc = fsc_of_maps(final.unfiltered[1], final.unfiltered[2])
    assert (final.joined.spectra.fsc[:3] > 1 - 1e-6).all()
    assert (fsc[1:3] < 1 - 1e-4).all()
    # nor are they regularised: the highest shells hold noise
    assert np.abs(np.fft.rfftn(final.unfiltered[1])[6, 0, 0]) > 0


def test_a_converged_refinement_finishes_by_itself(world, outcome):
    ready = replace(
        outcome.state.control,
        has_fine_enough_sampling=True,
        iterations_without_resolution_gain=1,
        iterations_without_changes=1,
    )
    plan = prepare(world.refinement, replace(outcome.state, control=ready), Stopwatch())
    assert plan.control.has_converged


def power_beyond(density, shell):
    """Largest Fourier coefficient beyond a shell over the largest of all."""
    transform = np.abs(np.fft.rfftn(density))
    row = np.minimum(np.arange(16), 16 - np.arange(16))
    radius = np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(9) ** 2)
    return transform[radius > shell].max() / transform.max()


def test_an_iteration_by_correlation_is_filtered_and_estimates_no_noise(world, density):
    search = replace(world.refinement.settings.search, first_by_correlation=True)
    by_correlation = world.with_settings(search=search)
    start = start_of(by_correlation, density, COARSE)
    found = next_state(by_correlation.refinement, start)
    assert (found.state.assignments.max_probability == 1).all()
    assert set(found.seconds) == {"expectation", "maximization"}
    assert found.state.control.accuracy_rotation_deg == 999
    for half in found.state.halves:
        np.testing.assert_array_equal(half.sigma2, start.halves[0].sigma2)
        # the filter at 40 Å, shell 3.2, ends a shell later
        assert power_beyond(half.density, 4.3) < 1e-5
        assert correlation(half.density, density) > 0.6
    assert found.state.control.resolution_per_angstrom == 3 / 128
    # in the next iteration likelihoods are compared again, and nothing is filtered
    again = next_state(by_correlation.refinement, found.state)
    assert again.state.assignments.max_probability.max() < 1
    assert power_beyond(again.state.halves[0].density, 4.3) > 1e-4


# trap 42: maps of each iteration, the corrected curve, nothing beyond the window
def test_with_a_mask_of_the_user_the_fsc_is_corrected_for_it(world, start):
    halves = HalfSetSettings(join_until_angstrom=60.0, solvent_corrected=True, flatten_solvent=True)
    worlds = masked(world, has_user_mask=True).with_settings(half_sets=halves, size_increment_shells=2)
    start = replace(start, control=replace(start.control, size_increment_shells=2))
    found = next_state(worlds.refinement, start)
    assert found.plan.windows.max_shell == 5
    assert set(found.unfiltered) == {1, 2}
    mask = worlds.refinement.solvent_mask
    corrected = solvent_corrected_fsc(found.unfiltered[1], found.unfiltered[2], mask, seed=1 + 1).fsc
    expected = np.where(np.arange(9) > 5, 0, corrected)
    np.testing.assert_allclose(found.state.halves[0].spectra.fsc, expected, atol=1e-9)


def test_the_observer_hears_how_far_halves_share_their_data_and_what_is_compared(world, start):
    told = type(world.refinement.observer)()
    next_state(replace(world.refinement, observer=told), start)
    # 60 Å, or the current resolution of 42.7 Å (shell 3) if that were worse
    assert ("joining", 60.0) in told.words
    assert ("comparing", False, None) in told.words
    phases = [name for name, *_ in told.words]
    assert phases.index("accuracy") < phases.index("expectation") < phases.index("maximization")
    assert ("expectation", 12, 12) in told.words


def test_intensity_scales_of_tomograms_are_estimated_when_asked_for(world, start):
    maximization = replace(world.refinement.settings.maximization, correct_scale=True)
    refinement = world.refinement
    stacks = [
        stack * (1.5 if group else 1.0)
        for stack, group in zip(refinement.source.stacks, refinement.particles.scale_group_index, strict=True)
    ]
    louder = replace(refinement, source=replace(refinement.source, stacks=tuple(np.float32(s) for s in stacks)))
    louder = replace(louder, settings=replace(louder.settings, maximization=maximization))
    # scales are measured on shells with a signal-to-noise ratio above 3
    spectra = replace(start.halves[0].spectra, ssnr=np.where(np.arange(9) < 5, 10.0, 0.1))
    clear = replace(start, halves=tuple(replace(half, spectra=spectra) for half in start.halves))
    for half in next_state(louder, clear).state.halves:
        assert half.scale[1] / half.scale[0] == pytest.approx(1.5, rel=0.2)
        assert half.scale.mean() == pytest.approx(1, rel=0.05)
