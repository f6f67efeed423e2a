"""Tomogram sets and their tilt series."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.tomograms import read_tomograms


def read(project, names=("TS_01",)):
    project.write()
    return read_tomograms(project.folder / "tomograms.star", project.folder, list(names))


# trap 9
def test_the_geometry_of_a_tilt_series_is_read(project):
    found = read(project)["TS_01"]
    assert (found.name, found.pixel_size_angstrom, found.hand, found.defocus_slope) == ("TS_01", 2, -1, 1)
    assert found.size_px.tolist() == [101, 80, 50]
    expected = Rotation.from_euler("xyz", [[0, -30, 85], [0, 0, 85], [0.5, 30, 85]], degrees=True).as_matrix()
    np.testing.assert_allclose(found.rotations, expected, atol=1e-12)
    assert found.shifts_angstrom.tolist() == [[1, -1], [2, -2], [3, -3]]


# trap 14: the tilt image's own B-factor is not used; scale and dose are
def test_imaging_conditions_are_read_but_for_the_b_factor(project):
    ctf = read(project)["TS_01"].ctf
    assert ctf.defocus_u_angstrom.tolist() == [30000, 31000, 32000]
    assert ctf.defocus_v_angstrom.tolist() == [29000, 30000, 31000]
    assert ctf.defocus_angle_deg.tolist() == [10, 20, 30]
    assert ctf.dose.tolist() == [0, 3, 6]
    assert ctf.scale.tolist() == [0.9, 1, 0.8]
    assert not ctf.bfactor_angstrom2.any()
    assert not ctf.phase_shift_deg.any()


# trap 14: with a B-factor per dose the dose filter is switched off
def test_a_b_factor_per_dose_takes_the_dose_filters_place(project):
    project.tomograms["rlnCtfBfactorPerElectronDose"] = [4.0, 0.0]
    both = read(project, ("TS_01", "TS_02"))
    assert (both["TS_01"].ctf.dose < 0).all()
    assert both["TS_01"].ctf.bfactor_angstrom2.tolist() == [0, 12, 24]
    assert both["TS_02"].ctf.dose.tolist() == [0, 3, 6]


# trap 10
def test_slope_phase_and_hand_are_read_where_they_are_given(project):
    project.tomograms["rlnTomoDefocusSlope"] = [0.5, 1.0]
    project.tilt_series["rlnPhaseShift"] = [90.0, 80.0, 70.0]
    found = read(project, ("TS_02", "TS_01"))
    assert (found["TS_01"].defocus_slope, found["TS_02"].hand) == (0.5, 1)
    assert found["TS_01"].ctf.phase_shift_deg.tolist() == [90, 80, 70]


def test_what_is_usually_left_out_has_defaults(project):
    project.tilt_series = project.tilt_series.drop(columns=["rlnTomoXTilt", "rlnCtfScalefactor"])
    found = read(project)["TS_01"]
    np.testing.assert_allclose(found.rotations[1], Rotation.from_euler("z", 85, degrees=True).as_matrix(), atol=1e-12)
    assert found.ctf.scale.tolist() == [1, 1, 1]


def test_only_the_asked_tomograms_are_read(project):
    project.write()
    (project.folder / "tilt_series/TS_02.star").unlink()
    assert set(read_tomograms(project.folder / "tomograms.star", project.folder, ["TS_01"])) == {"TS_01"}
    with pytest.raises(BadInput, match=r"TS_02\.star: does not exist"):
        read_tomograms(project.folder / "tomograms.star", project.folder, ["TS_02"])


def test_an_unknown_tomogram_is_refused_with_those_that_are_known(project):
    with pytest.raises(BadInput, match="knows no tomogram 'TS_09' that the particles name; it holds TS_01, TS_02"):
        read(project, ("TS_09",))


def test_tomogram_sets_of_relion_4_are_refused_with_what_to_do(project):
    del project.tomograms["rlnTomoTiltSeriesStarFile"]
    with pytest.raises(BadInput, match=r"RELION 4 and before .* Convert the set with RELION 5"):
        read(project)


@pytest.mark.parametrize("label", ["rlnTomoYTilt", "rlnTomoZRot", "rlnDefocusU", "rlnMicrographPreExposure"])
def test_a_missing_column_is_named_with_the_file_of_the_tilt_series(project, label):
    del project.tilt_series[label]
    with pytest.raises(BadInput, match=rf"TS_01\.star: has no column _{label}"):
        read(project)


# trap 9: particles project to where their stacks were cut out: well inside of the images of 1000 × 1000 px
def test_the_reference_data_project_into_their_images(hiv_twin):
    (series,) = read_tomograms(hiv_twin / "tomograms.star", hiv_twin, ["TS_03"]).values()
    assert series.hand == -1
    centre = series.project_px(series.centre_px, np.array([1000.0, 1000.0]))
    assert np.abs(centre - 500 - series.shifts_angstrom / 5.4).max() < 1e-9
