"""Absolute positions, with centred coordinates and with coordinates in pixels."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.located_particles import read_located_particles


def distances(found):
    return np.linalg.norm(found.position_angstrom[:, None] - found.position_angstrom, axis=2)


def test_distances_are_those_of_the_positions_that_refinement_uses(project):
    project.particles["rlnOriginXAngst"] = [0.5, 3.0, -2.0]
    set_ = project.read()
    offset = np.einsum("nij,nj->ni", set_.subtomogram_rotation, set_.start.origin_angstrom)
    position = 2.0 * set_.position_px - offset  # pixels of 2 Å
    found, series = read_located_particles(project.particles_path)
    assert series is None
    assert found.tomograms == ("TS_02", "TS_01")
    assert found.tomogram_index.tolist() == [0, 1, 1]
    assert found.box_angstrom == 128
    assert distances(found)[1, 2] == pytest.approx(np.linalg.norm(position[1] - position[2]))


def test_coordinates_in_pixels_take_the_pixel_size_of_the_tilt_series_or_the_optics_group(project):
    for axis in "XYZ":
        del project.particles[f"rlnCenteredCoordinate{axis}Angst"]
        project.particles[f"rlnCoordinate{axis}"] = [10.0, 20.0, 50.0]
    project.particles["rlnOriginZAngst"] = 0.0
    project.write()
    found, series = read_located_particles(project.particles_path, project.folder / "tomograms.star", project.folder)
    assert set(series) == {"TS_01", "TS_02"}
    assert distances(found)[1, 2] == pytest.approx(np.sqrt(3) * 30 * 2.0)
    with pytest.raises(BadInput, match="give the tomogram set"):
        read_located_particles(project.particles_path)
    project.optics["rlnTomoTiltSeriesPixelSize"] = [4.0, 5.0]
    project.write()
    assert distances(read_located_particles(project.particles_path)[0])[1, 2] == pytest.approx(np.sqrt(3) * 30 * 4.0)
    project.particles["rlnOpticsGroup"] = [3, 1, 7]
    project.write()
    with pytest.raises(BadInput, match="optics group 7"):
        read_located_particles(project.particles_path)
