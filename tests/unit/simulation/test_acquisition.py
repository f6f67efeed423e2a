import numpy as np
import pytest

from halfmap.engine.formats import labels
from halfmap.engine.formats.star import write_star
from halfmap.engine.formats.tomograms import read_tomograms
from halfmap.engine.simulation.acquisition import (
    dose_symmetric_order,
    nominal_tilts_deg,
    recordings,
    tilt_series_table,
    tomograms_table,
)
from halfmap.engine.simulation.settings import SimulationSettings


def table_of(settings, index=0):
    return tilt_series_table(settings, recordings(settings)[index], np.random.default_rng(1))


def test_images_are_recorded_from_the_middle_outwards_and_the_first_side_alternates():
    assert dose_symmetric_order(7).tolist() == [6, 3, 2, 0, 1, 4, 5]


@pytest.mark.parametrize("tilts", [1, 3, 5, 41])
def test_every_place_in_the_order_is_taken_once(tilts):
    assert sorted(dose_symmetric_order(tilts)) == list(range(tilts))


def test_tilts_go_from_the_negative_to_the_positive_end_of_the_range():
    tilts = nominal_tilts_deg(SimulationSettings(tilt_range_deg=60, tilt_step_deg=3))
    assert tilts[[0, 20, -1]].tolist() == [-60, 0, 60]
    assert len(tilts) == 41


def test_a_range_that_is_no_multiple_of_the_step_is_not_exceeded():
    assert nominal_tilts_deg(SimulationSettings(tilt_range_deg=10, tilt_step_deg=4)).tolist() == [-8, -4, 0, 4, 8]


def test_the_engine_reads_what_is_written(tmp_path):
    settings = SimulationSettings(hand=1, tilt_axis_deg=-12, dose_per_tilt=2, pixel_size_angstrom=4, box_px=64)
    recorded = recordings(settings)
    (tmp_path / "tilt_series").mkdir()
    for recording in recorded:
        table = tilt_series_table(settings, recording, np.random.default_rng(1))
        write_star(tmp_path / recording.table_file, {recording.name: table})
    write_star(tmp_path / "tomograms.star", {"global": tomograms_table(settings, recorded, 200)})
    series = read_tomograms(tmp_path / "tomograms.star", tmp_path, ["TS_02"])["TS_02"]
    assert series.tilts == 19
    assert series.hand == 1
    assert series.pixel_size_angstrom == 4
    assert series.size_px.tolist() == [200, 200, 200]
    assert series.ctf.dose.max() == 36
    assert np.abs(series.shifts_angstrom).max() <= 12
    axis = np.cross(series.rotations[0][:, 2], series.rotations[-1][:, 2])
    assert np.rad2deg(np.arctan2(axis[1], axis[0])) == pytest.approx(90 - 12, abs=1)


def test_tilted_images_carry_less_signal():
    table = table_of(SimulationSettings(tilt_range_deg=60, tilt_step_deg=30))
    np.testing.assert_allclose(table[labels.CTF_SCALE], [0.5, 0.75**0.5, 1, 0.75**0.5, 0.5])


def test_defoci_are_those_asked_for_with_some_astigmatism():
    settings = SimulationSettings(defocus_min_angstrom=30000, defocus_max_angstrom=30000)
    table = table_of(settings)
    mean, difference = (
        (table[labels.DEFOCUS_U] + table[labels.DEFOCUS_V]) / 2,
        table[labels.DEFOCUS_U] - table[labels.DEFOCUS_V],
    )
    assert mean.mean() == pytest.approx(30000, abs=200)
    assert mean.std() > 20
    assert difference.between(200, 600).all()


def test_the_second_optics_group_has_another_microscope_and_more_defocus():
    settings = SimulationSettings(optics_groups=2, defocus_min_angstrom=30000, defocus_max_angstrom=30000)
    first, second = recordings(settings)
    assert first.microscope != second.microscope
    assert table_of(settings, 1)[labels.DEFOCUS_U].mean() > table_of(settings, 0)[labels.DEFOCUS_U].mean() + 5000
