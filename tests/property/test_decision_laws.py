"""What holds for all decisions of auto-refine and for all posteriors."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.refinement.auto_sampling import AutoSampling, with_new_sampling
from halfmap.engine.refinement.convergence import converged, with_new_changes
from halfmap.engine.refinement.image_sizes import current_size_px, with_new_resolution, with_new_size_increment
from halfmap.engine.refinement.posterior import best_only, posterior
from halfmap.engine.refinement.state import Changes, Control, Sampling
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.random_numbers import next_perturbation, rand

WISHES = st.builds(
    AutoSampling,
    oversampling=st.integers(0, 2),
    local_from_order=st.integers(2, 6),
    diameter_angstrom=st.floats(50, 1000),
    ignore_changes=st.booleans(),
    follow_resolution=st.booleans(),
    finest_step_deg=st.sampled_from([0.0, 1.0, 5.0]),
    coarsest_step_deg=st.sampled_from([0.0, 1.0, 5.0]),
)
CHANGES = st.builds(Changes, st.floats(0, 180), st.floats(0, 100), st.floats(0, 1))
CONTROLS = st.builds(
    Control,
    iteration=st.integers(1, 50),
    resolution_per_angstrom=st.floats(0.005, 0.5),
    sampling=st.builds(
        Sampling,
        healpix_order=st.integers(1, 7),
        offset_range_angstrom=st.floats(0.5, 50),
        offset_step_angstrom=st.floats(0.2, 20),
    ),
    iterations_without_resolution_gain=st.integers(0, 3),
    iterations_without_changes=st.integers(0, 3),
    changes=CHANGES,
    smallest_changes=CHANGES,
    accuracy_rotation_deg=st.floats(0.05, 30),
    accuracy_translation_angstrom=st.floats(0.1, 40),
    has_fine_enough_sampling=st.booleans(),
)


@settings(deadline=None)
@given(CONTROLS, WISHES)
def test_sampling_never_becomes_coarser_and_steps_at_most_halve(control, wishes):
    found = with_new_sampling(control, wishes)
    old, new = control.sampling, found.sampling
    assert new.healpix_order - old.healpix_order in (0, 1)
    assert old.offset_step_angstrom / 2 * (1 - 1e-9) <= new.offset_step_angstrom <= old.offset_step_angstrom
    if new.offset_step_angstrom < old.offset_step_angstrom:
        # at most four steps each way, unless one and a half steps are more than the range may grow
        assert new.offset_range_angstrom <= 4 * new.offset_step_angstrom * (1 + 1e-9)
    if new.healpix_order > old.healpix_order:
        assert (found.iterations_without_resolution_gain, found.iterations_without_changes) == (0, 0)
        assert found.smallest_changes == Changes()
        assert new.local_searches == (new.healpix_order >= wishes.local_from_order)
    else:
        assert new == old


@settings(deadline=None)
@given(CONTROLS, WISHES)
def test_fine_enough_sampling_is_kept(control, wishes):
    found = with_new_sampling(control, wishes)
    if found.has_fine_enough_sampling and not control.has_fine_enough_sampling:
        assert found.sampling == control.sampling
    if converged(found, wishes):
        assert found.sampling == control.sampling


@settings(deadline=None)
@given(CONTROLS, CHANGES, WISHES)
def test_counters_go_up_by_one_or_back_to_zero_and_smallest_changes_never_grow(control, changes, wishes):
    found = with_new_changes(control, changes, wishes)
    assert found.iterations_without_changes in (0, control.iterations_without_changes + 1)
    before, after = control.smallest_changes, found.smallest_changes
    assert after.orientations_deg == min(before.orientations_deg, changes.orientations_deg)
    assert after.offsets_angstrom == min(before.offsets_angstrom, changes.offsets_angstrom)
    assert after.classes <= before.classes
    # changes that repeat themselves count, after classes have been rounded once
    again = with_new_changes(found, replace(changes, classes=found.smallest_changes.classes), wishes)
    assert again.iterations_without_changes == found.iterations_without_changes + 1


@given(CONTROLS, arrays(np.float64, 33, elements=st.floats(0, 999)), st.integers(0, 5))
def test_resolution_lies_within_the_box_and_windows_reach_beyond_it(control, ssnr, minimum):
    grid = ModelGrid(64, 4.0)
    found = with_new_resolution(control, ssnr, grid, -1.0, minimum)
    shell = round(found.resolution_per_angstrom * grid.extent_angstrom)
    assert minimum <= shell <= 31
    size = current_size_px(found, grid, False)
    assert size % 2 == 0
    assert min(2 * (shell + 1), 64) <= size <= 64


@given(CONTROLS, arrays(np.float64, 33, elements=st.floats(-1, 1)), st.integers(2, 32))
def test_the_reach_of_windows_only_grows(control, fsc, max_shell):
    found = with_new_size_increment(control, fsc, max_shell)
    assert found.size_increment_shells >= control.size_increment_shells
    assert found.has_high_fsc_at_limit >= control.has_high_fsc_at_limit


LOGS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-50, 50))


# a likelihood is known up to a factor
@given(LOGS, st.floats(-1e5, 1e5))
def test_a_constant_changes_no_posterior(log_weights, constant):
    before, after = posterior(log_weights, 0.999), posterior(log_weights + constant, 0.999)
    np.testing.assert_allclose(after.weights, before.weights, atol=1e-9)
    np.testing.assert_allclose(after.log_evidence, before.log_evidence + constant, atol=1e-6)


@given(LOGS, st.randoms())
def test_the_order_of_poses_does_not_matter(log_weights, random):
    order = list(range(len(log_weights)))
    random.shuffle(order)
    before, after = posterior(log_weights, 0.9), posterior(log_weights[order], 0.9)
    np.testing.assert_allclose(after.weights, before.weights[order], atol=1e-12)
    assert after.significant.sum() == before.significant.sum()


@given(LOGS, st.sampled_from([0.5, 0.9, 0.999]))
def test_significant_poses_are_at_least_as_probable_as_the_others(log_weights, fraction):
    found = posterior(log_weights, fraction)
    chosen, rest = found.weights[found.significant], found.weights[~found.significant]
    assert len(chosen)
    assert not len(rest) or chosen.min() > rest.max()
    # rounding may make two poses equal, of which either is best
    assert found.weights[found.best] == found.weights[best_only(log_weights).best] == found.weights.max()
    assert found.significant[found.best]


@settings(deadline=None)
@given(st.floats(0.2, 30), st.floats(0.5, 10), st.integers(0, 2))
def test_offset_grids_look_the_same_from_all_sides(reach, step, oversampling):
    grid = OffsetGrid(reach, step, oversampling)
    steps = np.round(grid.coarse_angstrom / step).astype(int)
    reach_steps = np.abs(steps).max()
    taken = np.zeros((2 * reach_steps + 1,) * 3, int)
    np.add.at(taken, tuple((steps + reach_steps).T), 1)
    assert taken[reach_steps, reach_steps, reach_steps] == taken.max() == 1
    np.testing.assert_array_equal(taken[::-1], taken)
    np.testing.assert_array_equal(taken.transpose(1, 2, 0), taken)
    assert (np.linalg.norm(grid.coarse_angstrom, axis=1) <= reach * (1 + 1e-9)).all()


@given(st.integers(0, 2**31 - 1), st.integers(1, 40), st.integers(1, 40))
def test_a_seed_gives_one_sequence_however_many_numbers_are_drawn(seed, few, more):
    seeds = np.array([seed])
    assert rand(seeds, few + more)[0, :few].tolist() == rand(seeds, few)[0].tolist()


@given(st.floats(-0.5, 0.5), st.integers(0, 10**6))
def test_perturbations_move_by_a_quarter_at_least_and_stay_in_range(previous, seed):
    moved = next_perturbation(previous, 0.5, seed)
    assert -0.5 <= moved <= 0.5
    step = (moved - previous) % 1
    assert 0.25 - 1e-9 <= step <= 0.5 + 1e-9
