"""When and how sampling becomes finer."""

from dataclasses import replace

import pytest

from halfmap.engine.refinement.auto_sampling import (
    RANGE_OF_VOLUMES,
    AutoSampling,
    finer,
    resolution_step_deg,
    with_local_searches,
    with_new_sampling,
)
from halfmap.engine.refinement.state import Changes, Control, Sampling

WISHES = AutoSampling(oversampling=1, local_from_order=4, diameter_angstrom=200.0)
SETTLED = Control(
    5,
    1 / 20,
    Sampling(2, 20.0, 8.0, perturbation=0.3),
    iterations_without_resolution_gain=1,
    iterations_without_changes=1,
    changes=Changes(3.0, 2.0, 0.0),
    smallest_changes=Changes(3.0, 2.0, 0.0),
    accuracy_rotation_deg=2.0,
    accuracy_translation_angstrom=4.0,
)


# trap 27: accuracy 4 Å, changes 2 Å, step 8 Å, range 20 Å give step max(4, 2·min(1.5, 3)) = 4 and range min(26, 10)
def test_new_steps_and_ranges_follow_from_accuracy_and_changes():
    found = finer(SETTLED, WISHES)
    assert (found.offset_step_angstrom, found.offset_range_angstrom) == (4, 10)
    assert found.healpix_order == 3
    assert found.perturbation == 0.3
    assert not found.has_priors


# trap 27: three times the changes for volumes, 6 Å; that is as small as it may be with steps of 4 Å
def test_ranges_follow_changes_less_far_for_volumes():
    found = finer(SETTLED, replace(WISHES, range_per_change=RANGE_OF_VOLUMES))
    assert (found.offset_step_angstrom, found.offset_range_angstrom) == (4, 6)
    wider = replace(SETTLED, changes=replace(SETTLED.changes, offsets_angstrom=3.0))
    assert finer(wider, replace(WISHES, range_per_change=RANGE_OF_VOLUMES)).offset_range_angstrom == 9


# trap 27
@pytest.mark.parametrize(
    ("accuracy", "changes", "step", "reach", "expected"),
    [
        # 2·0.75·0.9 = 1.35, but at most half of the old step at once: 4; 5 × 2.5 = 12.5 < 16
        (0.9, 2.5, 8.0, 20.0, (4.0, 12.5)),
        # 2·1.5 = 3 is the largest step; range 5 × 0.1 is raised to 1.5 × 3
        (9.0, 0.1, 4.0, 20.0, (3.0, 4.5)),
        # grows by 1.3 at most: 1.3·6 = 7.8
        (9.0, 9.0, 4.0, 6.0, (3.0, 7.8)),
        # more than four steps are halved: 26 → 13 > 12, so the step becomes 13/4
        (9.0, 9.0, 4.0, 20.0, (3.25, 13.0)),
        # a step that would grow is not taken, nor is its range
        (9.0, 0.1, 2.0, 20.0, (2.0, 20.0)),
    ],
)
def test_steps_at_most_halve_and_ranges_stay_within_their_bounds(accuracy, changes, step, reach, expected):
    control = replace(
        SETTLED,
        accuracy_translation_angstrom=accuracy,
        changes=Changes(3.0, changes, 0.0),
        sampling=Sampling(2, reach, step),
    )
    found = finer(control, WISHES)
    assert (found.offset_step_angstrom, found.offset_range_angstrom) == pytest.approx(expected)


# the example trajectory: 15° → 7.5° → 3.75° local with σ = 3.75° → 1.875° with σ = 1.875°
def test_searches_become_local_from_the_given_order():
    control, seen = SETTLED, []
    for _ in range(4):
        sampling = finer(control, WISHES)
        seen.append((sampling.healpix_order, sampling.local_searches, sampling.sigma_psi_deg))
        control = replace(control, sampling=sampling)
    assert seen == [(3, False, 0.0), (4, True, 3.75), (5, True, 1.875), (6, True, 0.9375)]
    assert sampling.sigma_rot_deg == sampling.sigma_tilt_deg == sampling.sigma_psi_deg
    assert sampling.has_priors


def test_a_given_prior_on_tilt_gives_way_to_local_searches():
    sampling = replace(SETTLED.sampling, healpix_order=4, sigma_tilt_deg=10.0)
    found = with_local_searches(sampling, WISHES)
    assert (found.sigma_rot_deg, found.sigma_tilt_deg, found.sigma_psi_deg) == (3.75, 3.75, 3.75)


def test_sampling_waits_for_both_counters():
    for counters in ({"iterations_without_resolution_gain": 0}, {"iterations_without_changes": 0}):
        waiting = replace(SETTLED, **counters)
        assert with_new_sampling(waiting, WISHES) == waiting


def test_finer_sampling_starts_the_counters_again():
    found = with_new_sampling(SETTLED, WISHES)
    assert found.sampling.healpix_order == 3
    assert (found.iterations_without_resolution_gain, found.iterations_without_changes) == (0, 0)
    assert found.smallest_changes == Changes(999.0, 999.0, 9_999_999.0)
    assert found.changes == SETTLED.changes
    assert not found.has_fine_enough_sampling


# the fine step 7.5° is less than 0.75 × 11°
def test_sampling_finer_than_the_accuracy_is_fine_enough():
    enough = replace(SETTLED, accuracy_rotation_deg=11.0)
    found = with_new_sampling(enough, WISHES)
    assert found == replace(enough, has_fine_enough_sampling=True)
    again = with_new_sampling(replace(found, accuracy_rotation_deg=9.0), WISHES)
    assert not again.has_fine_enough_sampling
    assert again.sampling.healpix_order == 3


def test_the_user_may_limit_the_sampling_either_way():
    finest = replace(WISHES, finest_step_deg=8.0)
    assert with_new_sampling(SETTLED, finest).has_fine_enough_sampling
    assert not with_new_sampling(SETTLED, replace(WISHES, finest_step_deg=7.5)).has_fine_enough_sampling
    coarse = replace(SETTLED, accuracy_rotation_deg=11.0)
    assert with_new_sampling(coarse, replace(WISHES, coarsest_step_deg=5.0)).sampling.healpix_order == 3
    assert with_new_sampling(coarse, replace(WISHES, coarsest_step_deg=7.5)).has_fine_enough_sampling


# 360°/⌈π·230·(1/29.16)⌉ = 360/25 as RELION's log of the hiv-twin run says, and 9.47368° for 19.44 Å
@pytest.mark.parametrize(("angstrom", "step"), [(29.16, 14.4), (19.44, 9.47368)])
def test_the_step_that_a_resolution_asks_for_is_known(angstrom, step):
    assert resolution_step_deg(230.0, 1 / angstrom) == pytest.approx(step, abs=1e-5)


# 200 Å at 1/20 1/Å ask for 360/32 = 11.25°, more than the fine step of 7.5°; 1/10 for 5.7°
def test_sampling_may_follow_the_resolution_but_not_into_local_searches():
    eager = replace(WISHES, follow_resolution=True)
    control = replace(SETTLED, iterations_without_resolution_gain=0)
    assert with_new_sampling(control, eager) == control
    sharp = replace(control, resolution_per_angstrom=1 / 10)
    assert with_new_sampling(sharp, eager).sampling.healpix_order == 3
    assert with_new_sampling(sharp, WISHES) == sharp
    on_the_brink = replace(sharp, sampling=replace(sharp.sampling, healpix_order=3), resolution_per_angstrom=1 / 5)
    assert with_new_sampling(on_the_brink, eager) == on_the_brink


def test_changes_may_be_ignored():
    control = replace(SETTLED, iterations_without_changes=0)
    assert with_new_sampling(control, replace(WISHES, ignore_changes=True)).sampling.healpix_order == 3
