"""Particle sets read, refused and written back."""

import numpy as np
import pytest
import starfile
from scipy.spatial.transform import Rotation

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.particle_set import read_particle_file, read_particle_set, write_particle_set
from halfmap.engine.formats.star import read_star
from halfmap.engine.particles.particle import Assignments
from halfmap.engine.particles.pose import euler_to_matrix


def test_particles_are_read_in_the_order_of_their_file(project):
    found = project.read()
    assert found.names == ("TS_02/1", "TS_01/7", "TS_01/9")
    assert [str(f.relative_to(project.folder)) for f in found.image_files] == ["s/1.mrcs", "s/7.mrcs", "s/9.mrcs"]
    assert [found.tilt_series[i].name for i in found.tilt_series_index] == ["TS_02", "TS_01", "TS_01"]
    assert [found.scale_groups[i] for i in found.scale_group_index] == ["TS_02", "TS_01", "TS_01"]
    assert found.start.angles_deg.tolist() == [[1, 90, 0], [2, 91, 0], [3, 92, 0]]
    assert found.start.origin_angstrom.tolist() == [[0.5, 0, 0], [0, 0, 2], [0, 0, 0]]
    assert found.start.class_number.tolist() == [0, 0, 0]
    assert found.half_set.tolist() == [0, 0, 0]


# trap 15
def test_visible_images_are_those_above_zero(project):
    project.particles["rlnTomoVisibleFrames"] = ["[1,1,1]", "[2,0,1]", "[0,-1,1]"]
    found = project.read()
    assert [flags.tolist() for flags in found.visible] == [
        [True, True, True],
        [True, False, True],
        [False, False, True],
    ]


def test_subtomogram_frames_are_euler_angles(project):
    found = project.read().subtomogram_rotation
    expected = Rotation.from_euler("ZYZ", [[0, 0, 0], [10, 90, -30], [20, 45, 60]], degrees=True).inv().as_matrix()
    np.testing.assert_allclose(found, expected, atol=1e-12)


# trap 8: the unrounded centre of an odd tomogram: 50.5 px
def test_positions_are_centred_coordinates_over_the_tilt_series_pixel_from_the_centre(project):
    found = project.read().position_px
    np.testing.assert_allclose(found, [[50, 40, 25], [50.5 + 5, 40, 25 - 3], [50.5 - 10, 40 + 2, 25 + 4]])


def test_positions_from_the_corner_are_taken_as_they_are(project):
    for axis in "XYZ":
        project.particles[f"rlnCoordinate{axis}"] = [10.0, 20.0, 30.0]
        del project.particles[f"rlnCenteredCoordinate{axis}Angst"]
    np.testing.assert_allclose(project.read().position_px, [[10] * 3, [20] * 3, [30] * 3])


def test_without_any_position_the_file_is_refused(project):
    for axis in "XYZ":
        del project.particles[f"rlnCenteredCoordinate{axis}Angst"]
    with pytest.raises(BadInput, match="neither rlnCenteredCoordinateXAngst … nor rlnCoordinateX"):
        project.read()


def test_missing_angles_and_offsets_are_zero_and_classes_kept(project):
    columns = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst")
    frames = ("rlnTomoSubtomogramRot", "rlnTomoSubtomogramTilt", "rlnTomoSubtomogramPsi")
    project.particles = project.particles.drop(columns=[*columns, *frames])
    project.particles["rlnClassNumber"] = [1, 1, 1]
    found = project.read()
    assert not found.start.angles_deg.any()
    assert not found.start.origin_angstrom.any()
    np.testing.assert_allclose(found.subtomogram_rotation, np.broadcast_to(np.eye(3), (3, 3, 3)))
    assert found.start.class_number.tolist() == [1, 1, 1]


def test_priors_of_999_and_missing_ones_are_none(project):
    found = project.read()
    np.testing.assert_array_equal(found.angle_priors_deg[:, 1], [90, np.nan, 90])
    assert np.isnan(found.angle_priors_deg[:, [0, 2]]).all()
    assert np.isnan(found.origin_priors_angstrom).all()
    project.particles["rlnOriginZPriorAngst"] = [1.0, 999.0, 0.0]
    np.testing.assert_array_equal(project.read().origin_priors_angstrom[:, 2], [1, np.nan, 0])


def test_optics_are_found_by_their_number(project):
    found = project.read()
    assert found.optics_of(0).name == "three"
    first = found.optics_of(1)
    assert (first.number, first.pixel_size_angstrom, first.box_px, first.premultiplied) == (1, 4.0, 32, True)
    assert (first.microscope.voltage_kv, first.microscope.spherical_aberration_mm) == (300, 2.7)
    assert first.microscope.amplitude_contrast == 0.1
    assert not found.optics_of(0).premultiplied


def test_optics_groups_without_names_get_relions(project):
    del project.optics["rlnOpticsGroupName"]
    assert [group.name for group in project.read().optics_groups] == ["opticsGroup1", "opticsGroup3"]


def test_scale_groups_are_named_groups_where_there_are_some(project):
    project.particles["rlnGroupName"] = ["left", "right", "left"]
    found = project.read()
    assert found.scale_groups == ("left", "right")
    assert found.scale_group_index.tolist() == [0, 1, 0]


def test_names_of_images_stand_in_for_missing_particle_names(project):
    del project.particles["rlnTomoParticleName"]
    assert project.read().names == ("s/1.mrcs", "s/7.mrcs", "s/9.mrcs")


def test_given_half_sets_are_kept(project):
    project.particles["rlnRandomSubset"] = [2, 1, 1]
    found = project.read()
    assert found.half_set.tolist() == [2, 1, 1]
    assert found.members(1).tolist() == [1, 2]


def changed(table, label, values):
    def change(project):
        getattr(project, table)[label] = values

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("particles", "rlnRandomSubset", [0, 1, 2]), "0 for 1 particles and set for others"),
        (changed("particles", "rlnRandomSubset", [1, 1, 1]), "half set 2 is empty"),
        (changed("particles", "rlnRandomSubset", [1, 2, 3]), "row 3 is 3; 1 or 2 was expected"),
        (changed("particles", "rlnOpticsGroup", [3, 1, 2]), "optics group 2, which the optics table does not hold"),
        (changed("particles", "rlnTomoVisibleFrames", ["[1,1]"] * 3), "has 2 entries, but tilt series TS_02 has 3"),
        (changed("particles", "rlnTomoVisibleFrames", ["[0,0,0]"] * 3), "no tilt image of TS_02/1 is visible"),
        (changed("particles", "rlnTomoVisibleFrames", ["yes"] * 3), "'yes'; \\[1,0,1,…\\] was expected"),
        (changed("particles", "rlnTomoName", ["TS_01", "TS_05", "TS_06"]), "knows no tomogram 'TS_05'.*1 others"),
        (changed("particles", "rlnOriginXAngst", ["a", "1", "2"]), "_rlnOriginXAngst of row 1 is 'a'"),
        (changed("optics", "rlnImageSize", [32, 25]), "optics group 2 is 25; it must be even"),
        (changed("optics", "rlnImagePixelSize", [0.0, 4.0]), "optics group 1 is 0; it must be above 0 Å"),
        (changed("optics", "rlnBeamTiltX", [0.0, 0.2]), "sets _rlnBeamTiltX, which this version does not correct"),
        (changed("optics", "rlnMagMat00", [1.0, 1.01]), "sets _rlnMagMat00"),
        (changed("optics", "rlnEvenZernike", ["[0,0]", "[0,0.5]"]), "sets _rlnEvenZernike"),
        (changed("tomograms", "rlnTomoTiltSeriesPixelSize", [2.0, -1.0]), "of TS_02 is -1; it must be above 0 Å"),
    ],
)
def test_what_cannot_be_refined_is_refused_by_name(project, change, words):
    change(project)
    with pytest.raises(BadInput, match=words) as refused:
        project.read()
    assert ".star" in str(refused.value)


def test_aberrations_that_are_zero_and_magnifications_of_one_are_accepted(project):
    project.optics["rlnBeamTiltX"] = [0.0, 0.0]
    project.optics["rlnMagMat00"] = [1.0, 1.0]
    project.optics["rlnMagMat01"] = [0.0, 0.0]
    project.optics["rlnOddZernike"] = ["[0,0,0]", "[]"]
    assert len(project.read()) == 3


def made_of_volumes(project, general):
    """As RELION 4 has it: no tomogram set, coordinates in pixels, optics without an amplitude contrast."""
    project.general = general
    project.optics = project.optics.drop(columns="rlnAmplitudeContrast").assign(rlnImageDimensionality=3)
    table = project.particles.drop(columns=[f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"])
    table = table.drop(columns="rlnTomoVisibleFrames").assign(
        rlnCoordinateX=1.0, rlnCoordinateY=2.0, rlnCoordinateZ=3.0
    )
    project.particles = table.assign(rlnCtfImage=["w/1.mrc", "w/7.mrc", "w/9.mrc"])


@pytest.mark.parametrize("general", [{}, {"rlnTomoSubTomosAre2DStacks": 0}])
def test_volumes_need_no_tomograms(project, general):
    made_of_volumes(project, general)
    file = project.file()
    (project.folder / "tomograms.star").unlink()
    found = read_particle_set(project.particles_path, file, None, project.folder)
    assert found.are_volumes
    assert found.dimensions == 3
    assert [group.dimensions for group in found.optics_groups] == [3, 3]
    assert found.ctf_files == tuple(project.folder / f"w/{n}.mrc" for n in (1, 7, 9))
    assert found.scale_groups == ("TS_02", "TS_01")
    assert [found.images_of(i) for i in range(3)] == [1, 1, 1]
    # poses count from each volume's own frame, whatever its subtomogram rotation
    np.testing.assert_array_equal(found.frames(np.array([0, 2])), [np.eye(3)] * 2)
    np.testing.assert_allclose(found.start.angles_deg[1], [2, 91, 0])


def test_volumes_of_relion_3_name_their_tomograms_micrographs(project):
    made_of_volumes(project, {})
    project.particles = project.particles.rename(columns={"rlnTomoName": "rlnMicrographName"})
    found = read_particle_set(project.particles_path, project.file(), None, project.folder)
    assert found.scale_groups == ("TS_02", "TS_01")


@pytest.mark.parametrize("general", [{}, {"rlnTomoSubTomosAre2DStacks": 0}])
def test_files_of_volumes_are_written_with_the_tables_that_they_had(project, general):
    made_of_volumes(project, general)
    file = project.file()
    found = read_particle_set(project.particles_path, file, None, project.folder)
    write_particle_set(project.folder / "out.star", file, found, found.start, started=False)
    tables = read_star(project.folder / "out.star")
    assert list(tables) == [*(["general"] if general else []), "optics", "particles"]
    assert tables["particles"]["rlnCtfImage"].tolist() == ["w/1.mrc", "w/7.mrc", "w/9.mrc"]
    assert "rlnOriginZAngst" in tables["particles"]


def test_particles_that_are_neither_stacks_nor_volumes_are_refused(project):
    project.general = {}
    with pytest.raises(
        BadInput, match=r"rlnTomoSubTomosAre2DStacks is not 1.*no CTF volume.*Extract the particles again"
    ):
        project.read()
    made_of_volumes(project, {})
    project.optics["rlnImageDimensionality"] = [3, 2]
    with pytest.raises(BadInput, match="other than 3 dimensions"):
        project.read()


def test_stacks_without_a_tomogram_set_are_refused(project):
    with pytest.raises(BadInput, match="--tomograms: no tomogram set"):
        read_particle_set(project.particles_path, project.file(), None, project.folder)


def test_a_file_without_particles_is_refused(project):
    project.particles = project.particles.iloc[:0]
    with pytest.raises(BadInput, match=r"holds no particles|has no table data_particles|no STAR table"):
        project.read()


@pytest.mark.parametrize("label", ["rlnTomoName", "rlnImageName", "rlnTomoVisibleFrames", "rlnOpticsGroup"])
def test_a_missing_column_is_named(project, label):
    del project.particles[label]
    with pytest.raises(BadInput, match=f"has no column _{label}"):
        project.read()


def assignments(count=3):
    values = np.arange(count, dtype=float)
    return Assignments(
        np.column_stack([values - 100, 90 + values, values / 3]),
        np.column_stack([-values, values / 8, 2 * values]),
        np.ones(count, np.int64),
        1000 + values,
        0.5 + values / 10,
        np.arange(count) + 5,
    )


def test_poses_are_written_and_everything_else_stays_text_for_text(project):
    project.particles["rlnMyOwnColumn"] = ["007", "1e5", "[1,2]"]
    project.particles["rlnNormCorrection"] = [0.9, 1.0, 1.1]
    file = project.file()
    particles = project.read().with_half_sets(np.array([1, 2, 1]))
    path = project.folder / "run_it001_data.star"
    write_particle_set(path, file, particles, assignments(), started=True)
    tables = read_star(path)
    assert list(tables) == ["general", "optics", "particles"]
    assert tables["general"] == {"rlnTomoSubTomosAre2DStacks": "1"}
    assert tables["optics"]["rlnVoltage"].tolist() == ["300.000000", "200.000000"]
    found = tables["particles"]
    assert found["rlnMyOwnColumn"].tolist() == ["007", "1e5", "[1,2]"]
    assert found["rlnNormCorrection"].astype(float).tolist() == [0.9, 1.0, 1.1]
    assert found["rlnTomoName"].tolist() == ["TS_02", "TS_01", "TS_01"]
    assert found["rlnAngleRot"].tolist() == ["-100.00000", "-99.00000", "-98.00000"]
    assert found["rlnOriginYAngst"].astype(float).tolist() == [0, 0.125, 0.25]
    assert found["rlnRandomSubset"].tolist() == ["1", "2", "1"]
    assert found["rlnGroupNumber"].tolist() == ["1", "2", "2"]
    assert found["rlnClassNumber"].tolist() == ["1", "1", "1"]
    assert found["rlnNrOfSignificantSamples"].tolist() == ["5", "6", "7"]
    assert found["rlnLogLikeliContribution"].tolist() == ["1000.000000", "1001.000000", "1002.000000"]


# trap 52: norm is not corrected for tomograms, so it is 1
def test_before_the_first_iteration_nothing_is_told_of_posteriors(project):
    file = project.file()
    path = project.folder / "run_it000_data.star"
    write_particle_set(path, file, project.read(), assignments(), started=False)
    found = read_star(path)["particles"]
    assert "rlnMaxValueProbDistribution" not in found
    assert found["rlnNormCorrection"].tolist() == ["1.000000"] * 3


def test_what_was_written_is_read_back(project):
    file = project.file()
    particles = project.read().with_half_sets(np.array([1, 2, 1]))
    path = project.folder / "run_it001_data.star"
    write_particle_set(path, file, particles, assignments(), started=True)
    again = read_particle_set(path, read_particle_file(path), project.folder / "tomograms.star", project.folder)
    np.testing.assert_allclose(again.start.angles_deg, assignments().angles_deg, atol=1e-5)
    np.testing.assert_allclose(again.start.origin_angstrom, assignments().origin_angstrom, atol=1e-5)
    assert again.half_set.tolist() == [1, 2, 1]
    np.testing.assert_array_equal(again.position_px, particles.position_px)


def read_twin(hiv_twin, name):
    path = hiv_twin / name
    return read_particle_set(path, read_particle_file(path), hiv_twin / "tomograms.star", hiv_twin)


def test_the_particles_of_the_reference_data_are_read(hiv_twin):
    found = read_twin(hiv_twin, "PseudoSubtomo/job004/particles.star")
    assert len(found) == 200
    assert found.scale_groups == ("TS_01", "TS_03")
    (optics,) = found.optics_groups
    assert (optics.box_px, optics.pixel_size_angstrom, optics.premultiplied) == (36, 8.1, True)
    assert {series.tilts for series in found.tilt_series} == {17}
    assert found.image_files[0].is_file()
    assert found.names[0] == "TS_01/38"
    # centre 500 px, 1845.779503 Å of 5.4 Å
    assert found.position_px[0, 0] == pytest.approx(500 + 1845.779503 / 5.4)
    np.testing.assert_allclose(found.angle_priors_deg[0], [np.nan, 90, 0])
    expected = euler_to_matrix(np.array([157.809507, 105.492278, 171.005652]))
    np.testing.assert_allclose(found.subtomogram_rotation[0], expected)


# columns and their order, and every value digit by digit; text that was kept is not padded again
def test_a_data_file_is_written_as_relion_wrote_it(hiv_twin, tmp_path):
    start, recorded = (
        hiv_twin / name for name in ("PseudoSubtomo/job004/particles.star", "Refine3D/job006/run_it003_data.star")
    )
    particles = read_twin(hiv_twin, "PseudoSubtomo/job004/particles.star")
    table = starfile.read(recorded)["particles"]
    values = Assignments(
        table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy(),
        table[["rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"]].to_numpy(),
        table["rlnClassNumber"].to_numpy(),
        table["rlnLogLikeliContribution"].to_numpy(),
        table["rlnMaxValueProbDistribution"].to_numpy(),
        table["rlnNrOfSignificantSamples"].to_numpy(),
    )
    half_sets = particles.with_half_sets(table["rlnRandomSubset"].to_numpy())
    path = tmp_path / "run_it003_data.star"
    write_particle_set(path, read_particle_file(start), half_sets, values, started=True)
    ours, relions = ([line.split() for line in p.read_text().splitlines()] for p in (path, recorded))
    assert ours == relions
