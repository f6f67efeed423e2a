"""What a refinement starts from: the reference on the particles' grid, noise and signal spectra."""

import math
from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.particle_images import load_images
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement import start
from halfmap.engine.refinement.initialisation import filled, first_noise, first_ssnr, low_passed, on_grid
from halfmap.engine.refinement.start import chosen_for_noise, first_state
from halfmap.engine.refinement.state import Sampling
from tests.unit.refinement.conftest import InMemory

RANDOM = np.random.default_rng(14)
GRID = ModelGrid(16, 8.0)


def gaussian(box_px, pixel_angstrom, width_angstrom=12.0):
    axis = (np.arange(box_px) - box_px // 2) * pixel_angstrom
    square = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return np.exp(-square / (2 * width_angstrom**2)).astype(np.float32)


@pytest.mark.parametrize(("box_px", "pixel"), [(16, 8.0), (32, 4.0), (24, 8.0), (20, 6.4), (12, 8.0)])
def test_a_map_is_brought_to_the_grid_with_its_centre_and_grey_scale(box_px, pixel):
    found = on_grid(gaussian(box_px, pixel), pixel, GRID)
    assert found.shape == (16, 16, 16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gaussian(16, 8.0), atol=0.01)


# r₀ = 128/32 = 4 shells, an edge of two: 1 up to 3, ½ at 4, 0 from 5 on; the radius is not rounded
def test_the_low_pass_filter_falls_as_a_cosine_over_two_shells():
    density = RANDOM.normal(size=(16, 16, 16)).astype(np.float32)
    ratio = np.fft.rfftn(low_passed(density, GRID, 32.0)) / np.fft.rfftn(density)
    row = np.minimum(np.arange(16), 16 - np.arange(16))
    radius = np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(9) ** 2)
    expected = np.where(radius < 3, 1, np.where(radius > 5, 0, 0.5 - 0.5 * np.cos(np.pi * (5 - radius) / 2)))
    np.testing.assert_allclose(ratio, expected, atol=2e-4)
    assert expected[4, 0, 0] == pytest.approx(0.5)


def white_images(world, variance, particles, box_px=16, pixel=8.0, mean=0.0, signal=0.0):
    """Particles of pure noise, without a mask."""
    refinement = world.refinement
    settings = replace(refinement.settings.images, mask_diameter_angstrom=1e4)
    optics = OpticsGroup(1, "", Microscope(300, 2.7, 0.1), pixel, box_px, True)
    for particle in range(particles):
        stack = RANDOM.normal(mean, math.sqrt(variance), (3, box_px, box_px)).astype(np.float32) + np.float32(signal)
        yield (
            0,
            load_images(
                stack,
                optics,
                GRID,
                refinement.particles.tilt_rotations(particle % 12),
                refinement.particles.ctf_of(particle % 12),
                settings,
            ),
        )


# traps 18, 49: white noise of variance v has σ²(s) = v/(2N²) per component; half of the mean image's power is taken off
def test_white_noise_has_half_of_its_variance_per_pixel_in_each_component(world):
    found = first_noise(white_images(world, 4.0, 100), 1, GRID)
    assert found.shape == (1, 9)
    # 300 images; a shell s > 2 holds more than a dozen pairs; the mean of 300 takes a three-hundredth off
    np.testing.assert_allclose(found[0, 3:], 4.0 / (2 * 256), rtol=0.1)


# trap 49: what all images have in common is no noise
def test_the_power_of_the_mean_image_is_taken_off(world):
    common = 10 * gaussian(16, 8.0)[8]
    with_signal = first_noise(white_images(world, 4.0, 100, signal=common), 1, GRID)
    np.testing.assert_allclose(with_signal[0, 3:], 4.0 / (2 * 256), rtol=0.1)
    assert with_signal[0, 1] == pytest.approx(4.0 / (2 * 256), rel=0.5)


# trap 49: spectra stand on the model's shells: here images of 64 pixels of 2 Å, extent 128 Å like the model
def test_images_of_another_box_are_mapped_onto_the_models_shells(world):
    found = first_noise(white_images(world, 4.0, 30, box_px=20, pixel=8.0), 1, GRID)
    np.testing.assert_allclose(found[0, 3:8], 4.0 / (2 * 400), rtol=0.2)


def test_a_group_without_a_sample_gets_the_mean_of_the_others(world):
    loud = ((2, images) for _, images in white_images(world, 8.0, 30))
    sample = [*white_images(world, 4.0, 30), *loud]
    found = first_noise(sample, 3, GRID)
    np.testing.assert_allclose(found[1], (found[0] + found[2]) / 2)
    assert found[2, 5] > 1.5 * found[0, 5]


# trap 49: the value of the shell before; leading shells take the first positive one
def test_values_that_are_not_positive_are_filled_from_before():
    assert filled(np.array([-1.0, 0, 3, 2, -5, 0, 4, -1])).tolist() == [3, 3, 3, 2, 2, 2, 4, 4]
    assert filled(np.array([1.0, 2])).tolist() == [1, 2]
    assert filled(np.array([0.0, -2])).tolist() == [1, 1]


# τ² = T·½·⟨|F|²⟩·N², evidence = n/(σ̄²·2s), both data types; shell 0 is not divided
def test_the_first_signal_to_noise_ratio_is_evidence_over_prior():
    density = RANDOM.normal(size=(16, 16, 16)).astype(np.float32)
    sigma2 = np.stack([np.full(9, 1e-3), np.full(9, 3e-3)])
    tau2, ssnr = first_ssnr(density, sigma2, 50, 2.0)
    power = np.abs(np.fft.rfftn(density.astype(float)) / 16**3) ** 2
    row = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, -7, -6, -5, -4, -3, -2, -1])
    radius = np.sqrt(row[:, None, None] ** 2 + row[:, None] ** 2 + np.arange(9) ** 2)
    for shell in (0, 1, 4, 8):
        expected = 2.0 * 0.5 * 16**2 * power[np.floor(radius + 0.5) == shell].mean()
        assert tau2[shell] == pytest.approx(expected)
        assert ssnr[shell] == pytest.approx(50 / 2e-3 / (2 * shell if shell else 1) * expected)


def test_the_first_state_knows_sampling_spectra_and_resolution(world, density):
    state = first_state(world.refinement, [density, 2 * density], Sampling(1, 16.0, 8.0), 10.0, -1)
    control, (first, second) = state.control, state.halves
    assert control.iteration == 0
    # filtered at 40 Å: shell ROUND(3.2)
    assert control.resolution_per_angstrom == 3 / 128
    assert control.iterations_without_resolution_gain == 0
    assert control.size_increment_shells == 10
    np.testing.assert_allclose(first.density, low_passed(density, GRID, 40.0))
    np.testing.assert_allclose(second.density, 2 * first.density, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(first.sigma2, second.sigma2)
    np.testing.assert_allclose(first.pdf_direction, np.full(48, 1 / 48))
    assert first.sigma_offset_angstrom == 10
    assert first.scale.tolist() == [1, 1]
    np.testing.assert_allclose(second.spectra.tau2, 4 * first.spectra.tau2, rtol=1e-4)
    assert not first.spectra.fsc.any()
    assert state.assignments is world.refinement.particles.start


def test_without_a_filter_the_resolution_is_read_off_the_reference(world, density):
    unfiltered = world.with_settings(lowpass_angstrom=-1.0)
    state = first_state(unfiltered.refinement, [density, density], Sampling(1, 16.0, 8.0), 10.0, -1)
    np.testing.assert_array_equal(state.halves[0].density, density)
    below = np.flatnonzero(state.halves[0].spectra.ssnr[1:8] < 1)
    last = below[0] if len(below) else 7
    assert state.control.resolution_per_angstrom == max(last, 2) / 128


# trap 49: half set 1 first; RELION counts images before each particle: with three tilts the fourth exceeds ten
def test_noise_is_estimated_from_the_first_images_of_half_set_1(world):
    assert chosen_for_noise(world.refinement, -1).tolist() == [0, 1, 4, 5]
    assert chosen_for_noise(world.refinement, 9).tolist() == [0, 1, 4]
    assert chosen_for_noise(world.refinement, 1).tolist() == [0]
    assert chosen_for_noise(world.refinement, 24).tolist() == [0, 1, 4, 5, 8, 9, 2, 3]


class SpoiltFromTen(InMemory):
    """Refuses the particles from the eleventh on; the first ten hold all images that the noise is estimated from."""

    def read(self, particle):
        if particle >= 10:
            raise BadInput(f"particle {particle} is spoilt")
        return super().read(particle)


# half set 1 is 0, 1, 4, 5, 8, 9 and half set 2 is 2, 3, 6, 7, 10, 11
def test_images_that_the_noise_does_not_need_are_looked_at_too_up_to_a_number(world, density, monkeypatch):
    refinement = replace(world.refinement, source=SpoiltFromTen(world.refinement.source.stacks))
    with pytest.raises(BadInput, match="particle 10 is spoilt"):
        first_state(refinement, [density, density], Sampling(1, 16.0, 8.0), 10.0, -1)
    monkeypatch.setattr(start, "_CHECKED_PARTICLES", 10)
    first_state(refinement, [density, density], Sampling(1, 16.0, 8.0), 10.0, -1)
    assert refinement.observer.words[-1] == ("noise", 10, 10)


def test_each_optics_group_has_its_own_sample(world):
    particles = world.refinement.particles
    two = replace(
        particles,
        optics_groups=(particles.optics_groups[0],) * 2,
        optics_index=np.arange(12) % 2,
    )
    found = chosen_for_noise(replace(world.refinement, particles=two), 6)
    assert found.tolist() == [0, 4, 1, 5]
