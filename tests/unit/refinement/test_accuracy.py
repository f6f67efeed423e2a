"""How large a pose error must be to be seen, against brute force with plain slices."""

import numpy as np
import pytest

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement import accuracy as module
from halfmap.engine.refinement.accuracies import sampled_particles, with_new_accuracies
from halfmap.engine.refinement.accuracy import VISIBLE_SNR, AccuracyProbe, growing_errors, wrong_axes
from halfmap.engine.refinement.plan import plan_windows
from halfmap.engine.refinement.start import first_state
from halfmap.engine.refinement.state import Sampling
from halfmap.engine.sampling.random_numbers import rand

ANGLES = np.array([25.0, 70.0, -40.0])


def steps(table, last_step, limit):
    """Errors grow by the step that their value before the growth asks for, until they exceed the limit."""
    error, found = 0.0, []
    while error <= limit:
        error += next((step for below, step in table if error < below), last_step)
        found.append(error)
    return found


ROTATIONS = steps([(0.2, 0.05), (1, 0.1), (2, 0.2), (5, 0.5), (10, 1), (20, 2)], 5, 30)
SHIFTS = steps([(1, 0.1), (2, 0.2), (5, 0.5), (10, 1)], 2, 10)


def test_rotation_errors_grow_in_the_steps_of_the_table():
    np.testing.assert_allclose(growing_errors(module._ROTATION_STEPS_DEG), ROTATIONS)


def test_shift_errors_grow_in_the_steps_of_the_table():
    np.testing.assert_allclose(growing_errors(module._SHIFT_STEPS_PX), SHIFTS)


def test_an_error_counts_as_visible_beyond_minus_the_logarithm_of_a_hundredth():
    assert pytest.approx(-np.log(0.01), abs=1e-5) == VISIBLE_SNR


# trap 46: one random number for each tilt image, from the seed alone
def test_the_wrong_axis_is_drawn_for_each_tilt_image():
    drawn = rand(np.array([17]), 6)[0] / (2**31 - 1)
    expected = [0 if r < 0.3333 else 1 if r < 0.6666 else 2 for r in drawn]
    assert wrong_axes(17, 6).tolist() == expected
    assert wrong_axes(17, 6).tolist() == wrong_axes(17, 9)[:6].tolist()
    assert set(wrong_axes(3, 60).tolist()) == {0, 1, 2}


@pytest.fixture(scope="module")
def prepared(world, density):
    """Images of a particle and the transform of the object; noise that makes a few degrees visible."""
    refinement = world.refinement
    images = tilt_images(
        refinement.load(0, None), refinement.settings.images, PassSettings(12, 6, 2), np.full(9, 8e-4), 1.0
    )
    return images, reference_transform(density, 6, 2)


def probe_of(transform):
    cpu = CpuBackend()
    return AccuracyProbe(cpu, cpu.reference(transform))


def first_visible(errors, snr):
    return next((e for e in errors if snr(e) > VISIBLE_SNR), errors[-1])


# trap 46: SNR = Σ_f Σ_k |F₁ − F₂|²/(2σ²), F = CTF²·slice
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 2, 0), (1, 1, 1)])
def test_the_visible_rotation_error_is_that_of_brute_force(prepared, plain, axes):
    images, transform = prepared
    backend = plain.PlainBackend(2.0, 12)
    reference = backend.reference(transform)
    counted = images.shells > 0
    right = backend.slices(reference, images, euler_to_matrix(ANGLES)[None])[0]

    def snr(error):
        total = 0.0
        for tilt, axis in enumerate(axes):
            turned = euler_to_matrix(ANGLES + error * np.eye(3)[axis])
            wrong = backend.slices(reference, images, turned[None])[0, tilt]
            difference = images.ctf[tilt] * (wrong - right[tilt])
            total += (np.abs(difference[counted]) ** 2).sum() / (2 * 8e-4)
        return total

    expected = first_visible([e for e in ROTATIONS if e > 1], snr)
    assert 1.2 < expected < 20
    found = probe_of(transform).rotation_error_deg(images, ANGLES, np.array(axes))
    assert found == pytest.approx(expected)


# trap 46: a vector in the subtomogram frame, seen by each tilt image through its own rotation
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 2, 0)])
def test_the_visible_shift_is_that_of_brute_force(prepared, plain, axes):
    images, transform = prepared
    backend = plain.PlainBackend(2.0, 12)
    slices = backend.slices(backend.reference(transform), images, euler_to_matrix(ANGLES)[None])[0]
    counted = images.shells > 0

    def snr(error):
        total = 0.0
        for tilt, axis in enumerate(axes):
            sx, sy, _ = images.rotations[tilt] @ (error * np.eye(3)[axis])
            phase = np.exp(-2j * np.pi * (images.pixels.kx * sx + images.pixels.ky * sy) / 16)
            difference = images.ctf[tilt] * slices[tilt] * (phase - 1)
            total += (np.abs(difference[counted]) ** 2).sum() / (2 * 8e-4)
        return total

    expected = first_visible(SHIFTS, snr)
    assert 0.1 < expected < 5
    found = probe_of(transform).shift_error_px(images, ANGLES, np.array(axes))
    assert found == pytest.approx(expected)


def test_errors_that_are_never_visible_count_as_the_last_one(prepared):
    images, transform = prepared
    blind = probe_of(np.zeros_like(transform))
    # the first that exceed 30° and 10 pixels
    assert blind.rotation_error_deg(images, ANGLES, np.zeros(3, np.int64)) == pytest.approx(30.1)
    assert blind.shift_error_px(images, ANGLES, np.zeros(3, np.int64)) == pytest.approx(SHIFTS[-1])
    assert 10 < SHIFTS[-1] <= 12


# trap 46: particles of half set 1 first; they spill over into half set 2 only if there are fewer than asked for
def test_a_fixed_random_sample_begins_with_half_set_1(world, monkeypatch):
    everything = sampled_particles(world.refinement)
    members = world.refinement.members
    assert sorted(everything[:6].tolist()) == members[1].tolist()
    assert sorted(everything[6:].tolist()) == members[2].tolist()
    np.testing.assert_array_equal(everything, sampled_particles(world.refinement))
    monkeypatch.setattr("halfmap.engine.refinement.accuracies.PARTICLES", 4)
    assert sampled_particles(world.refinement).tolist() == everything[:4].tolist()


def test_accuracies_are_means_over_the_sample_the_offsets_in_angstrom(world, density, monkeypatch):
    refinement = world.refinement
    state = first_state(refinement, [density, density], Sampling(2, 16.0, 8.0), 10.0, -1)
    windows = plan_windows(state.control, refinement.settings, refinement.particles.optics_groups, refinement.grid)
    axes = []

    def rotation_error(self, images, angles_deg, axes_of_tilts):
        axes.append(axes_of_tilts.tolist())
        return float(len(axes))

    monkeypatch.setattr(AccuracyProbe, "rotation_error_deg", rotation_error)
    monkeypatch.setattr(AccuracyProbe, "shift_error_px", lambda *_: 0.5)
    found = with_new_accuracies(refinement, state, state.control, windows)
    assert found.accuracy_rotation_deg == np.mean(np.arange(1, 13))
    assert found.accuracy_translation_angstrom == 0.5 * 8.0
    # trap 46: seeded with the run's seed plus the particle
    assert axes == [wrong_axes(1 + particle, 3).tolist() for particle in sampled_particles(refinement).tolist()]
