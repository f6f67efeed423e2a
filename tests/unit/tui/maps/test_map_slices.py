import numpy as np
import pytest

from halfmap.tui.files.map_slices import MOST_PX, read_slices
from halfmap.tui.files.patient import Abandoned, Beat

BOX = 6
CODES = np.fromfunction(lambda z, y, x: 100 * z + 10 * y + x, (BOX, BOX, BOX)).astype(np.float32)


def test_slices_go_through_the_centre_voxel(write_map):
    slices, _ = read_slices(write_map(CODES), (0, 0, 0), Beat())
    assert np.array_equal(slices.xy, CODES[3])
    assert np.array_equal(slices.xz, CODES[:, 3])
    assert np.array_equal(slices.yz, CODES[:, :, 3])
    assert (slices.header.box_px, slices.header.pixel_size_angstrom) == (BOX, 2.0)


def test_slices_are_moved_along_their_axes_and_stay_in_the_box(write_map):
    path = write_map(CODES)
    slices, _ = read_slices(path, (-1, 1, 2), Beat())
    assert np.array_equal(slices.yz, CODES[:, :, 2])
    assert np.array_equal(slices.xz, CODES[:, 4])
    assert np.array_equal(slices.xy, CODES[5])
    slices, _ = read_slices(path, (-99, 99, 0), Beat())
    assert slices.offset == (-3, 2, 0)


def test_greys_leave_out_outliers(write_map):
    values = np.random.default_rng(1).normal(0, 1, (32, 32, 32)).astype(np.float32)
    values[0, 0, 0] = 1e6
    low, high = read_slices(write_map(values), (0, 0, 0), Beat())[0].greys
    assert -1 < low < 0
    assert 2 < high < 4


def test_large_slices_are_averaged_down(write_map):
    values = np.zeros((300, 300, 300), np.int8)
    values[150] = 100
    slices, columns = read_slices(write_map(values), (0, 0, 0), Beat())
    assert slices.xy.shape == (MOST_PX, MOST_PX)
    assert slices.xy == pytest.approx(100)
    assert slices.xz.sum() * 300 / MOST_PX == pytest.approx(100 * MOST_PX, rel=1e-4)
    assert columns.values.shape == (300, 60, 60)
    assert columns.values[150] == pytest.approx(100)


def test_reading_ends_when_nobody_waits_any_more(write_map):
    beat = Beat()
    beat.abandon()
    with pytest.raises(Abandoned):
        read_slices(write_map(CODES), (0, 0, 0), beat)
