"""Tilt geometry: where positions appear, how deep they lie, and what defocus they get."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation


def series(hand=-1.0, slope=1.0, size=(100.0, 80.0, 60.0), y_tilts=(0.0, 30.0, -45.0)):
    tilts = len(y_tilts)
    column = np.arange(tilts, dtype=float)
    return TiltSeries(
        "TS_01",
        5.0,
        np.array(size),
        hand,
        slope,
        tilt_rotation(np.full(tilts, 2.0), np.array(y_tilts), np.full(tilts, 85.0)),
        np.column_stack([10 * column, -5 * column]),
        TiltCtf(30000 + column, 29000 + column, 10 * column, column, 3 * column, 0 * column, 1 - 0.1 * column),
    )


# trap 9: Rz·Ry·Rx, right-handed about the named axes
def test_tilt_images_are_turned_about_x_then_y_then_z():
    found = tilt_rotation(np.array([3.0]), np.array([40.0]), np.array([-85.0]))[0]
    np.testing.assert_allclose(found, Rotation.from_euler("xyz", [3, 40, -85], degrees=True).as_matrix(), atol=1e-12)


# trap 9: a right-handed turn about y takes +z towards +x
def test_a_point_above_the_centre_moves_along_x_when_the_stage_turns_about_y():
    turn = tilt_rotation(np.array([0.0]), np.array([30.0]), np.array([0.0]))[0]
    np.testing.assert_allclose(turn @ [0, 0, 10], [5, 0, 10 * np.cos(np.pi / 6)], atol=1e-12)


# traps 8, 9: whole halves of tomogram and image, shifts in Å over the tilt series' pixel size
@pytest.mark.parametrize("size", [(100.0, 80.0, 60.0), (101.0, 81.0, 61.0)])
def test_positions_are_projected_about_the_rounded_down_centre(size):
    ts = series(size=size)
    assert ts.tilts == 3
    position, image = np.array([61.0, 33.0, 41.5]), np.array([129.0, 64.0])
    found = ts.project_px(position, image)
    for f, angle in enumerate((0.0, 30.0, -45.0)):
        turned = Rotation.from_euler("xyz", [2, angle, 85], degrees=True).apply(position - [50, 40, 30])
        np.testing.assert_allclose(found[f], turned[:2] + [64, 32] + np.array([10 * f, -5 * f]) / 5.0, atol=1e-9)
        assert ts.depth_px(position)[f] == pytest.approx(turned[2])


def test_a_particle_that_moves_is_projected_from_where_it_is_at_each_tilt():
    ts, image = series(), np.array([129.0, 64.0])
    path = np.array([[61.0, 33.0, 41.5], [60.0, 34.0, 41.0], [50.0, 40.0, 30.0]])
    at_once = [ts.project_px(position, image)[tilt] for tilt, position in enumerate(path)]
    np.testing.assert_allclose(ts.project_px(path, image), at_once)


def test_where_the_corner_appears_stands_for_shifts_and_centres():
    ts = series(size=(101.0, 81.0, 61.0))
    image = np.array([129.0, 64.0])
    same = replace(ts, corner_px=ts.project_px(np.zeros(3), image), shifts_angstrom=np.zeros((3, 2)))
    position = np.array([61.0, 33.0, 41.5])
    np.testing.assert_allclose(same.project_px(position, np.zeros(2)), ts.project_px(position, image), atol=1e-10)


# trap 8: centred coordinates refer to the unrounded centre
def test_the_centre_of_an_odd_tomogram_lies_between_voxels():
    assert series(size=(101.0, 80.0, 61.0)).centre_px.tolist() == [50.5, 40, 30.5]


# trap 10
@pytest.mark.parametrize("hand", [1.0, -1.0])
@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_defocus_changes_with_depth_by_hand_and_slope(hand, slope):
    ts = series(hand, slope, size=(101.0, 80.0, 61.0))
    position = np.array([90.0, 20.0, 45.0])
    found = ts.ctf_at(position, np.ones(3, bool))
    for f, angle in enumerate((0.0, 30.0, -45.0)):
        turn = Rotation.from_euler("xyz", [2, angle, 85], degrees=True)
        # the difference of two depths: the rounding of the centre drops out
        change = hand * slope * 5.0 * turn.apply(position - [50.5, 40, 30.5])[2]
        assert found.defocus_u_angstrom[f] == pytest.approx(30000 + f + change)
        assert found.defocus_v_angstrom[f] == pytest.approx(29000 + f + change)


# trap 10
def test_a_particle_nearer_to_the_source_side_has_more_or_less_defocus_with_the_hand():
    up = np.array([50.0, 40.0, 50.0])
    with_hand, against = (series(hand).ctf_at(up, np.ones(3, bool)).defocus_u_angstrom[0] for hand in (1.0, -1.0))
    assert with_hand > 30000 > against


# trap 15
def test_only_visible_images_have_imaging_conditions():
    ts = series()
    found = ts.ctf_at(ts.centre_px, np.array([True, False, True]))
    np.testing.assert_allclose(found.defocus_u_angstrom, [30000, 30002])
    np.testing.assert_allclose(found.defocus_angle_deg, [0, 20])
    np.testing.assert_allclose(found.phase_shift_deg, [0, 2])
    np.testing.assert_allclose(found.dose, [0, 6])
    np.testing.assert_allclose(found.bfactor_angstrom2, [0, 0])
    np.testing.assert_allclose(found.scale, [1, 0.8])
