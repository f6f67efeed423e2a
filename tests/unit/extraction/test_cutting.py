from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.extraction.cutting import extract_stack, visible_frames
from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.formats.mrc import read_stack
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set
from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation

PIXEL = 4.0
MICROSCOPE = Microscope(300.0, 2.7, 0.1)
SMALL = ExtractionSettings(box_px=32, crop_px=16)


def flat_series(doses=(0.0, 3.0), size_px=80.0):
    count = len(doses)
    zeros = np.zeros(count)
    ctf = TiltCtf(zeros + 30000, zeros + 30000, zeros, zeros, np.array(doses), zeros, zeros + 1)
    rotation = tilt_rotation(zeros, zeros, zeros)
    return TiltSeries("TS_01", PIXEL, np.full(3, size_px), -1.0, 1.0, rotation, np.zeros((count, 2)), ctf)


@pytest.mark.parametrize(("x", "visible"), [(7.9, False), (8.0, True), (72.0, True), (72.1, False)])
def test_a_frame_shows_a_particle_that_is_half_a_box_from_its_edges_at_least(x, visible):
    for position in (np.array([x, 40, 40]), np.array([40, x, 40])):
        assert visible_frames(flat_series(), position, (80, 80), SMALL).tolist() == [visible] * 2


def test_the_margin_is_counted_in_pixels_of_the_tilt_series():
    binned = replace(SMALL, binning=2.0)
    assert not visible_frames(flat_series(), np.array([15.9, 40, 40]), (80, 80), binned).any()
    assert visible_frames(flat_series(), np.array([16.0, 40, 40]), (80, 80), binned).all()


def test_width_and_height_of_images_are_not_mixed_up():
    # the tomogram's centre (40, 40) appears in the middle of images of any size, here at (60, 30)
    shown = {x: visible_frames(flat_series(), np.array([x, 40.0, 40]), (120, 60), SMALL).all() for x in (90.0, 93.0)}
    assert shown == {90.0: True, 93.0: False}
    assert not visible_frames(flat_series(), np.array([40.0, 63, 40]), (120, 60), SMALL).any()


def test_frames_with_more_than_the_largest_dose_are_left_out():
    series = flat_series(doses=(0.0, 30.0, 60.0))
    settings = replace(SMALL, max_dose=30.0)
    assert visible_frames(series, np.full(3, 40.0), (80, 80), settings).tolist() == [True, True, False]


def test_the_exposure_counts_where_a_b_factor_stands_for_its_damage():
    series = replace(flat_series(doses=(-1.0, -1.0, -1.0)), pre_exposure=np.array([0.0, 30.0, 60.0]))
    visible = visible_frames(series, np.full(3, 40.0), (80, 80), replace(SMALL, max_dose=30.0))
    assert visible.tolist() == [True, True, False]


def test_only_visible_frames_are_extracted_in_their_order():
    series = flat_series(doses=(0.0, 0.0, 0.0))
    images = np.random.default_rng(1).standard_normal((3, 80, 80)).astype(np.float32)
    position = np.full(3, 40.0)
    every = extract_stack(images, series, MICROSCOPE, position, np.ones(3, bool), SMALL)
    some = extract_stack(images, series, MICROSCOPE, position, np.array([True, False, True]), SMALL)
    assert every.shape == (3, 16, 16)
    np.testing.assert_allclose(some, every[[0, 2]], atol=1e-6)


def test_a_dark_spot_comes_out_white_in_the_middle_of_the_box():
    images = np.zeros((2, 80, 80), np.float32)
    images[:, 37, 44] = -100
    stack = extract_stack(images, flat_series(), MICROSCOPE, np.array([44.0, 37, 40]), np.ones(2, bool), SMALL)
    for image in stack:
        assert image[8, 8] > 0.9 * np.abs(image).max()
        np.testing.assert_allclose(image[1:, 1:], image[:0:-1, :0:-1], atol=1e-4)


def test_beyond_the_edges_pixels_are_repeated():
    images = np.full((2, 80, 80), 50.0, np.float32)
    stack = extract_stack(images, flat_series(), MICROSCOPE, np.array([8.0, 70, 40]), np.ones(2, bool), SMALL)
    np.testing.assert_allclose(stack, 0, atol=1e-3)


def test_images_fade_to_zero_at_the_circle():
    images = np.random.default_rng(1).standard_normal((2, 80, 80)).astype(np.float32)
    stack = extract_stack(images, flat_series(), MICROSCOPE, np.full(3, 40.0), np.ones(2, bool), SMALL)
    y, x = np.mgrid[:16, :16] - 8
    assert not stack[:, np.hypot(x, y) >= 8].any()
    assert stack[:, np.hypot(x, y) < 3].std() > 0.1


@pytest.mark.parametrize("binning", [1.0, 1.5, 2.0])
def test_binning_averages_and_divides_by_the_binning_once_more(binning):
    # a slow wave keeps its height, and the grey scale of the volume does not depend on the binning
    wave = np.cos(2 * np.pi * (np.arange(160) - 80) / 48)
    images = np.broadcast_to(wave.astype(np.float32), (2, 160, 160)).copy()
    series = flat_series(doses=(0.0, 0.0), size_px=160.0)
    settings = ExtractionSettings(box_px=int(120 / binning), crop_px=int(120 / binning), binning=binning)
    stack = extract_stack(images, series, MICROSCOPE, np.full(3, 80.0), np.ones(2, bool), settings)
    middle, half_a_wave = settings.crop_px // 2, int(24 / binning)
    height = (stack[0, middle, middle + half_a_wave] - stack[0, middle, middle]) / 2
    transfer = np.sin(np.pi * 0.019687 * 30000 / (48 * PIXEL) ** 2 + np.arcsin(0.1))
    assert height == pytest.approx(transfer / binning, rel=0.03)


@pytest.mark.parametrize(
    ("job", "settings"),
    [
        ("job001", ExtractionSettings(box_px=96, crop_px=48, max_dose=50)),
        ("job004", ExtractionSettings(box_px=72, crop_px=36, binning=1.5)),
    ],
)
def test_relions_own_stacks_are_reproduced_to_the_last_bit_of_float16(hiv_twin, job, settings):
    file = hiv_twin / "PseudoSubtomo" / job / "particles.star"
    particles = read_particle_set(file, read_particle_file(file), hiv_twin / "tomograms.star", hiv_twin)
    images = {series.name: read_stack(hiv_twin / f"tomograms/{series.name}.mrcs") for series in particles.tilt_series}
    for particle in (0, 3, len(particles) - 1):
        series = particles.tilt_series[particles.tilt_series_index[particle]]
        tilts, position = images[series.name], particles.position_px[particle]
        size = (tilts.shape[2], tilts.shape[1])
        visible = visible_frames(series, position, size, settings)
        assert visible.tolist() == particles.visible[particle].tolist()
        microscope = particles.optics_of(particle).microscope
        stack = extract_stack(tilts, series, microscope, position, visible, settings)
        expected = read_stack(particles.image_files[particle])
        np.testing.assert_allclose(stack, expected, rtol=6e-4, atol=1e-3)
