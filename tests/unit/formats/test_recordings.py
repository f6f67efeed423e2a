"""Tilt images found by the tables that name them."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import write_stack, write_volume
from halfmap.engine.formats.recordings import read_recordings


@pytest.fixture
def images(project, random):
    """Three tilt images in two files, in another order than their tilts."""
    images = random.standard_normal((3, 10, 10)).astype(np.float32)
    project.tomograms = project.tomograms.assign(rlnVoltage=300.0, rlnSphericalAberration=2.7, rlnAmplitudeContrast=0.1)
    project.tilt_series["rlnMicrographName"] = ["000002@a.mrcs", "b.mrc", "000001@a.mrcs:mrcs"]
    write_stack(project.folder / "a.mrcs", images[[2, 0]], 2.0)
    write_stack(project.folder / "b.mrc", images[[1]], 2.0)
    return images


def read(project):
    project.write()
    return read_recordings(project.folder / "tomograms.star", project.folder, ["TS_01"])["TS_01"]


def test_images_are_read_in_the_order_of_their_tilts(project, images):
    recording = read(project)
    assert recording.image_size_px == (10, 10)
    assert recording.microscope.voltage_kv == 300
    np.testing.assert_array_equal(recording.images(), images)


def test_only_wanted_images_are_read(project, images):
    recording = read(project)
    (project.folder / "b.mrc").unlink()
    found = recording.images(np.array([True, False, True]))
    np.testing.assert_array_equal(found, images * np.array([1, 0, 1])[:, None, None])


def test_images_that_are_not_finite_are_named(project, images):
    images[1, 3, 3] = np.nan
    write_stack(project.folder / "b.mrc", images[[1]], 2.0)
    recording = read(project)
    with pytest.raises(BadInput, match=r"b\.mrc: tilt image 2 of TS_01 is not finite"):
        recording.images()
    assert recording.images(np.array([True, False, False])).any()


def test_a_stack_without_the_last_image_is_refused(project, images):
    write_stack(project.folder / "a.mrcs", images[[2]], 2.0)
    with pytest.raises(BadInput, match=r"a\.mrcs: holds 1 images, but tilt series TS_01 has 2"):
        read(project)


def test_images_of_two_sizes_are_refused(project, images):
    write_volume(project.folder / "b.mrc", np.zeros((1, 8, 10), np.float32), 2.0)
    with pytest.raises(BadInput, match=r"b\.mrc: tilt images of TS_01 differ in size \(10 × 8 px here"):
        read(project)


@pytest.mark.parametrize("name", ["0@a.mrcs", "x@a.mrcs"])
def test_a_number_that_counts_no_image_is_refused(project, images, name):
    project.tilt_series.loc[0, "rlnMicrographName"] = name
    with pytest.raises(BadInput, match="a name such as 000001@stack"):
        read(project)


def test_a_stack_that_has_more_images_than_the_table_is_refused(project, images):
    """Without the row of a bad tilt, all images after it would be taken for those of other tilts."""
    project.tomograms = project.tomograms.assign(rlnTomoTiltSeriesName="all.mrcs")
    write_stack(project.folder / "all.mrcs", images, 2.0)
    np.testing.assert_array_equal(read(project).images(), images)
    project.tilt_series = project.tilt_series.drop(index=1)
    with pytest.raises(BadInput, match=r"all\.mrcs: holds 3 images, but the table of TS_01 has 2 rows"):
        read(project)
