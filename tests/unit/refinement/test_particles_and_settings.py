"""What a refinement hands to its steps: images, search centres, counts, and which iteration is of which kind."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.particles.particle import Assignments
from halfmap.engine.refinement.alignment import Alignment
from halfmap.engine.refinement.all_particles import AlignedParticles, collected, merged
from halfmap.engine.refinement.settings import Quirks


def test_images_are_masked_with_their_own_mean_or_with_noise(world):
    refinement = world.refinement
    with_mean = refinement.load(3, np.ones((1, 9)))
    noisy = world.with_settings(images=replace(refinement.settings.images, zero_mask=False)).refinement
    with_noise, again = (noisy.load(3, np.full((1, 9), 1e-3)) for _ in range(2))
    np.testing.assert_array_equal(with_noise.unmasked, with_mean.unmasked)
    np.testing.assert_array_equal(with_noise.masked, again.masked)
    assert np.abs(with_noise.masked - with_mean.masked).max() > 1e-3
    # without a spectrum there is no noise to draw
    np.testing.assert_array_equal(noisy.load(3, None).masked, with_mean.masked)


# trap 53: stored as half precision, made single before any transform
def test_short_floats_are_made_single_when_a_particle_is_loaded(world):
    short = tuple(stack.astype(np.float16) for stack in world.refinement.source.stacks)
    single = tuple(stack.astype(np.float32) for stack in short)
    loaded, expected = (
        replace(world.refinement, source=replace(world.refinement.source, stacks=stacks)).load(2, None)
        for stacks in (short, single)
    )
    assert loaded.masked.dtype == np.complex64
    np.testing.assert_array_equal(loaded.masked, expected.masked)
    np.testing.assert_array_equal(loaded.unmasked, expected.unmasked)


def test_noise_differs_from_particle_to_particle(world):
    noisy = world.with_settings(images=replace(world.refinement.settings.images, zero_mask=False)).refinement
    same = replace(noisy, source=replace(noisy.source, stacks=(noisy.source.stacks[0],) * 12))
    first, second = (same.load(i, np.full((1, 9), 1e-3)).masked for i in (0, 2))
    assert np.abs(first - second).max() > 1e-4


def test_searches_are_centred_on_current_offsets_unless_rounding_is_asked_for(world):
    origin = np.array([[3.0, -4.0, 12.1]] * 12)
    assignments = Assignments.at_start(np.zeros((12, 3)), origin, np.zeros(12, np.int64))
    np.testing.assert_array_equal(world.refinement.search_centre_angstrom(assignments, 5), origin[5])
    # to whole pixels of 8 Å, halves away from zero
    rounded = world.with_settings(quirks=Quirks.of(True)).refinement
    np.testing.assert_array_equal(rounded.search_centre_angstrom(assignments, 5), [0, -8, 16])


def test_members_and_groups_are_counted_by_half(world):
    refinement = world.refinement
    assert refinement.members[1].tolist() == [0, 1, 4, 5, 8, 9]
    assert refinement.members[2].tolist() == [2, 3, 6, 7, 10, 11]
    assert refinement.particles_per_group(1).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("first", "always", "kinds"), [(True, False, "clll"), (False, True, "cccc"), (False, False, "llll")]
)
def test_iterations_compare_by_correlation_or_by_likelihood(world, first, always, kinds):
    search = replace(world.refinement.settings.search, first_by_correlation=first, always_by_correlation=always)
    settings = world.with_settings(search=search).refinement.settings
    assert "".join("c" if settings.by_correlation(i) else "l" for i in (1, 2, 3, 4)) == kinds


# the start, and the map of a first iteration by correlation, whose filter has no meaning
def test_the_reference_is_filtered_at_the_start_and_after_a_first_iteration_by_correlation(world):
    settings = world.refinement.settings
    assert [settings.filtered_after(i) for i in (0, 1, 2)] == [True, False, False]
    by_correlation = replace(settings, search=replace(settings.search, first_by_correlation=True))
    assert [by_correlation.filtered_after(i) for i in (0, 1, 2)] == [True, True, False]
    without = replace(by_correlation, lowpass_angstrom=-1.0)
    assert not any(without.filtered_after(i) for i in (0, 1, 2))


def test_alignments_become_columns_and_columns_replace_old_poses():
    found = collected(
        [
            (2, Alignment(np.array([1.0, 2, 3]), np.array([4.0, 5, 6]), -7.0, 0.8, 9)),
            (0, Alignment(np.array([10.0, 20, 30]), np.array([40.0, 50, 60]), -70.0, 0.1, 90)),
        ]
    )
    assert found.indices.tolist() == [2, 0]
    old = Assignments.at_start(np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3, np.int64))
    new = merged(old, [found])
    assert new.angles_deg.tolist() == [[10, 20, 30], [0, 0, 0], [1, 2, 3]]
    assert new.origin_angstrom.tolist() == [[40, 50, 60], [0, 0, 0], [4, 5, 6]]
    assert new.log_likelihood.tolist() == [-70, 0, -7]
    assert new.max_probability.tolist() == [0.1, 0, 0.8]
    assert new.significant_samples.tolist() == [90, 0, 9]
    # all particles that were aligned belong to the only class
    assert new.class_number.tolist() == [1, 0, 1]


def test_a_rank_without_particles_changes_nothing():
    old = Assignments.at_start(np.ones((2, 3)), np.ones((2, 3)), np.zeros(2, np.int64))
    nothing = collected([])
    assert isinstance(nothing, AlignedParticles)
    np.testing.assert_array_equal(merged(old, [nothing]).angles_deg, old.angles_deg)
