"""Resolution, Fourier windows, and how they follow from one another."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.image_sizes import (
    coarse_size_px,
    current_size_px,
    image_size_px,
    resolution_shell_by_ssnr,
    with_new_resolution,
    with_new_size_increment,
)
from halfmap.engine.refinement.state import Control, Sampling

GRID = ModelGrid(128, 4.0)
START = Control(0, 0.0, Sampling(2, 12.0, 8.0))


def optics_of(box_px, pixel_angstrom):
    return OpticsGroup(1, "", Microscope(300, 2.7, 0.1), pixel_angstrom, box_px, True)


SAME = optics_of(128, 4.0)


def ssnr_above_one_up_to(shell, count=65):
    return np.where(np.arange(count) <= shell, 10.0, 0.1)


# the worked example: N = 128, 4 Å, 60 Å gives shell 9 (8.53 rounded), 19 with the increment, window 38
def test_a_60_angstrom_start_of_128_pixels_of_4_angstrom_looks_at_38_pixels():
    control = with_new_resolution(START, ssnr_above_one_up_to(3), GRID, 60.0, 5)
    assert control.resolution_per_angstrom == pytest.approx(9 / 512)
    assert current_size_px(control, GRID, False) == 38
    assert current_size_px(control, GRID, True) == 128


def test_the_resolution_is_the_last_shell_before_the_ratio_falls_below_one():
    assert resolution_shell_by_ssnr(ssnr_above_one_up_to(20)) == 20
    assert resolution_shell_by_ssnr(np.full(65, 2.0)) == 63
    assert resolution_shell_by_ssnr(np.full(65, 0.5)) == 0


def test_a_dip_counts_only_if_the_ratio_rises_more_than_three_shells_beyond_it():
    ssnr = ssnr_above_one_up_to(20)
    for further, expected in [(22, 20), (23, 20), (24, 24), (40, 40)]:
        risen = ssnr.copy()
        risen[further] = 2
        assert resolution_shell_by_ssnr(risen) == expected


def test_the_last_shell_of_all_does_not_count():
    ssnr = ssnr_above_one_up_to(20)
    ssnr[64] = 5
    assert resolution_shell_by_ssnr(ssnr) == 20


def test_the_resolution_is_never_worse_than_the_least_shell():
    assert with_new_resolution(START, ssnr_above_one_up_to(2), GRID, -1.0, 5).resolution_per_angstrom == 5 / 512


# trap 30: relative to the iteration before, with a tolerance of 1e-4 1/Å; 20, 18, 19, 18 Å
def test_iterations_without_gain_are_counted_from_one_to_the_next():
    control, counts = START, []
    for angstrom in (20.0, 18.0, 19.0, 18.0):
        shell = round(10000 / angstrom)
        ssnr = ssnr_above_one_up_to(shell, 1001)
        control = with_new_resolution(control, ssnr, ModelGrid(2000, 5.0), -1.0, 5)
        counts.append(control.iterations_without_resolution_gain)
    assert counts == [0, 0, 1, 0]


# trap 30: a shell of 0.8e-4 1/Å is no gain, two of them are
@pytest.mark.parametrize(("gain", "count"), [(0, 3), (1, 3), (2, 0)])
def test_a_gain_within_the_tolerance_is_none(gain, count):
    grid = ModelGrid(2500, 5.0)
    before = replace(START, resolution_per_angstrom=100 / 12500, iterations_without_resolution_gain=2)
    after = with_new_resolution(before, ssnr_above_one_up_to(100 + gain, 1251), grid, -1.0, 5)
    assert after.iterations_without_resolution_gain == count


# trap 32: ROUND(0.25·N/2) shells instead of the increment, if the FSC was high at the limit and poses are sure
@pytest.mark.parametrize(
    ("pmax", "high", "expected"), [(0.2, True, 2 * (20 + 16)), (0.1, True, 60), (0.2, False, 60), (0.05, True, 60)]
)
def test_the_window_grows_faster_while_the_fsc_is_high_at_its_limit(pmax, high, expected):
    control = replace(START, resolution_per_angstrom=20 / 512, average_pmax=pmax, has_high_fsc_at_limit=high)
    assert current_size_px(control, GRID, False) == expected


# traps 1, 32: 36 pixels of 8.1 Å: ROUND(4.5) = 5, so that shell 10 asks for 30 pixels, as RELION recorded
def test_a_quarter_of_the_half_box_is_rounded_away_from_zero():
    control = replace(
        START, resolution_per_angstrom=0.034294, average_pmax=1.0, has_high_fsc_at_limit=True, iteration=1
    )
    assert current_size_px(control, ModelGrid(36, 8.1), False) == 30


# trap 63
def test_windows_are_even_and_no_larger_than_the_box():
    for shell in range(5, 64):
        size = current_size_px(replace(START, resolution_per_angstrom=shell / 512), GRID, False)
        assert size % 2 == 0
        assert size == min(2 * (shell + 10), 128)


# trap 32: once set it stays; the increment only grows
def test_a_high_fsc_at_the_limit_is_remembered():
    high = np.where(np.arange(65) < 30, 0.9, 0.0)
    control = with_new_size_increment(START, high, 25)
    assert control.has_high_fsc_at_limit
    low = np.where(np.arange(65) < 10, 0.9, 0.0)
    assert with_new_size_increment(control, low, 25).has_high_fsc_at_limit
    assert not with_new_size_increment(START, low, 25).has_high_fsc_at_limit


@pytest.mark.parametrize(("value", "expected"), [(0.2, False), (0.2001, True)])
def test_the_fsc_at_the_limit_is_that_of_the_last_shell_but_one(value, expected):
    fsc = np.zeros(65)
    fsc[24] = value
    assert with_new_size_increment(START, fsc, 25).has_high_fsc_at_limit == expected


def test_the_increment_covers_a_slow_fall_and_five_shells_and_never_shrinks():
    fsc = np.zeros(65)
    fsc[:10], fsc[10:25] = 0.9, 0.3
    control = with_new_size_increment(START, fsc, 30)
    assert control.size_increment_shells == 25 - 10 + 5
    fast = np.where(np.arange(65) < 10, 0.9, 0.0)
    assert with_new_size_increment(control, fast, 30).size_increment_shells == 20
    assert with_new_size_increment(START, fast, 30).size_increment_shells == 10


# a curve that never falls counts as −1: no change
def test_a_curve_that_never_falls_leaves_the_increment_alone():
    assert with_new_size_increment(START, np.full(65, 0.9), 30).size_increment_shells == 10
    assert with_new_size_increment(START, np.full(65, 0.3), 30).size_increment_shells == 10


@pytest.mark.parametrize(
    ("optics", "model_px", "expected"),
    [
        (SAME, 38, 38),
        # 300 Å of 512: half of 300/512·38 = 11.13, rounded up
        (optics_of(60, 5.0), 38, 24),
        (optics_of(160, 4.0), 38, 48),
        # no larger than the images' box
        (optics_of(64, 4.0), 128, 64),
        # a whole number that rounding might spoil: 0.5·(192·2.7)/(128·4.05)·64 = 32
        (optics_of(192, 2.7), 64, 64),
    ],
)
def test_windows_of_images_cover_the_models_and_are_rounded_up(optics, model_px, expected):
    grid = ModelGrid(128, 4.05) if optics.box_px == 192 else GRID
    assert image_size_px(model_px, optics, grid) == expected


# the example of the text: 7.5° and 200 Å tell 10.9 Å apart, 15° 21.8 Å
@pytest.mark.parametrize(("step", "resolution"), [(7.5, 10.908), (15.0, 21.817)])
def test_the_coarse_window_is_what_the_angular_step_can_tell_apart(step, resolution):
    assert coarse_size_px(128, SAME, step, 200.0) == 2 * int(np.ceil(512 / resolution))


def test_the_coarse_window_is_no_larger_than_the_fine_one_or_than_asked():
    assert coarse_size_px(30, SAME, 7.5, 200.0) == 30
    assert coarse_size_px(128, SAME, 15.0, 200.0, 20, GRID) == 20
    # asked on the model's grid, given on the images'
    assert coarse_size_px(128, optics_of(64, 4.0), 7.5, 200.0, 20, GRID) == 10
