"""Tomogram sets and their tilt series."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import write_star
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
    assert both["TS_01"].exposure.tolist() == [0, 3, 6]  # is still known, to leave images out by
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


def test_a_set_that_says_nothing_of_its_tilt_images_is_refused(project):
    del project.tomograms["rlnTomoTiltSeriesStarFile"]
    with pytest.raises(BadInput, match=r"neither .*StarFile \(RELION 5\) nor a table data_TS_01 \(RELION 4\)"):
        read(project)


IMAGE = np.array([120.0, 91.0])


def matrices(series):
    """Projection matrices as products of RELION's steps, for images of 120 × 91 px."""

    def moved(x, y, z=0.0):
        step = np.eye(4)
        step[:3, 3] = x, y, z
        return step

    for rotation, shift in zip(series.rotations, series.shifts_angstrom / series.pixel_size_angstrom, strict=True):
        turn = np.eye(4)
        turn[:3, :3] = rotation
        yield moved(*shift) @ moved(60, 45) @ turn @ moved(-50, -40, -25)


@pytest.fixture
def relion_4(project):
    """The same tilt series as RELION 5 and RELION 4 give it."""
    series = read(project)["TS_01"]
    rows = np.array(list(matrices(series)))
    table = project.tilt_series.drop(columns=[c for c in project.tilt_series if c.startswith("rlnTomo")])
    for number, axis in enumerate("XYZW"):
        table[f"rlnTomoProj{axis}"] = [f"[{','.join(f'{v:.12g}' for v in row)}]" for row in rows[:, number]]
    path = project.folder / "relion4.star"

    def write_and_read():
        tomograms = project.tomograms.drop(columns="rlnTomoTiltSeriesStarFile")
        write_star(path, {"global": tomograms, "TS_01": table})
        return read_tomograms(path, project.folder, ["TS_01"])["TS_01"]

    return series, table, write_and_read


def test_projection_matrices_of_relion_4_say_what_angles_and_shifts_say(relion_4):
    series, _, write_and_read = relion_4
    found = write_and_read()
    np.testing.assert_allclose(found.rotations, series.rotations, atol=1e-10)
    for position in np.random.default_rng(3).uniform(0, 100, (5, 3)):
        np.testing.assert_allclose(found.project_px(position, IMAGE), series.project_px(position, IMAGE), atol=1e-8)
        every = np.ones(3, bool)
        for name in ("defocus_u_angstrom", "dose", "scale"):
            at = [getattr(one.ctf_at(position, every), name) for one in (found, series)]
            np.testing.assert_allclose(*at, atol=1e-6)


def test_projection_matrices_that_scale_are_refused(relion_4):
    _, table, write_and_read = relion_4
    table.loc[1, "rlnTomoProjX"] = "[1.01,0,0,5]"
    with pytest.raises(BadInput, match="of tilt image 2 are no rotation"):
        write_and_read()


@pytest.mark.parametrize("text", ["[1,0,0]", "[1,0,x,0]", "1.5", "[1,0,0,nan]"])
def test_rows_of_matrices_are_four_numbers(relion_4, text):
    _, table, write_and_read = relion_4
    table.loc[2, "rlnTomoProjY"] = text
    with pytest.raises(BadInput, match=r"_rlnTomoProjY of row 3 .* 4 numbers"):
        write_and_read()


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
