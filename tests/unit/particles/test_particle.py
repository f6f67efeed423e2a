"""Particle sets: geometry and imaging conditions of each particle, half sets, assignments."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.particles.particle import Assignments, ParticleSet
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation

FINE = OpticsGroup(1, "fine", Microscope(300, 2.7, 0.1), 2.0, 64, True)
COARSE = OpticsGroup(2, "coarse", Microscope(200, 2.0, 0.07), 4.0, 32, False)
VISIBLE = (np.array([True, True, True]), np.array([True, False, True]))
FRAMES = Rotation.random(2, rng=8).as_matrix()


def tilt_series(name, defocus):
    column = np.full(3, defocus)
    zero = np.zeros(3)
    return TiltSeries(
        name,
        2.0,
        np.array([100.0, 100.0, 50.0]),
        1.0,
        1.0,
        tilt_rotation(zero, np.array([-20.0, 0.0, 20.0]), zero),
        np.zeros((3, 2)),
        TiltCtf(column, column, zero, zero, zero, zero, zero + 1),
    )


def particle_set():
    origin = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 50.0]])
    return ParticleSet(
        names=("a", "b"),
        image_files=(Path("a.mrcs"), Path("b.mrcs")),
        optics_groups=(FINE, COARSE),
        tilt_series=(tilt_series("one", 10000.0), tilt_series("two", 20000.0)),
        scale_groups=("one", "two"),
        optics_index=np.array([1, 0]),
        tilt_series_index=np.array([0, 1]),
        scale_group_index=np.array([0, 1]),
        visible=VISIBLE,
        position_px=np.array([[50.0, 50.0, 25.0], [50.0, 50.0, 35.0]]),
        subtomogram_rotation=FRAMES,
        angle_priors_deg=np.full((2, 3), np.nan),
        origin_priors_angstrom=np.full((2, 3), np.nan),
        half_set=np.zeros(2, np.int64),
        start=Assignments.at_start(np.zeros((2, 3)), origin, np.zeros(2, np.int64)),
    )


def test_a_set_knows_how_many_particles_it_holds_and_their_optics():
    particles = particle_set()
    assert len(particles) == 2
    assert particles.optics_of(0) is COARSE
    assert particles.optics_of(1) is FINE


def test_the_extent_of_a_box_is_its_size_times_the_pixel_size():
    assert FINE.extent_angstrom == 128
    assert replace(FINE, box_px=48, pixel_size_angstrom=5.4).extent_angstrom == pytest.approx(259.2)


# traps 7, 15: the subtomogram's frame first, then the tilt; image n of the stack is the n-th visible one
def test_rotations_to_the_images_go_through_the_subtomogram_frame_and_skip_invisible_images():
    found = particle_set().tilt_rotations(1)
    for image, angle in zip(found, (-20.0, 20.0), strict=True):
        tilt = Rotation.from_euler("y", angle, degrees=True).as_matrix()
        np.testing.assert_allclose(image, tilt @ FRAMES[1], atol=1e-12)


# trap 51: position = centre minus A_sub·offset, with the offset that the file gave
def test_defocus_is_that_of_the_position_with_the_starting_offset():
    particles = particle_set()
    np.testing.assert_allclose(particles.ctf_of(0).defocus_u_angstrom, 10000)
    position = np.array([50.0, 50.0, 35.0]) - FRAMES[1] @ [0, 0, 50.0] / 2.0
    expected = [
        20000 + 2.0 * Rotation.from_euler("y", angle, degrees=True).apply(position - [50, 50, 25])[2]
        for angle in (-20.0, 20.0)
    ]
    np.testing.assert_allclose(particles.ctf_of(1).defocus_u_angstrom, expected)


def test_half_sets_are_assigned_in_a_copy_and_listed_in_file_order():
    particles = particle_set()
    assigned = particles.with_half_sets(np.array([2, 1]))
    assert particles.members(1).tolist() == []
    assert (assigned.members(1).tolist(), assigned.members(2).tolist()) == ([1], [0])


def test_at_the_start_nothing_but_the_poses_is_known():
    start = Assignments.at_start(np.ones((2, 3)), np.full((2, 3), 2.0), np.array([0, 1]))
    assert start.angles_deg.tolist() == [[1, 1, 1]] * 2
    assert start.origin_angstrom.tolist() == [[2, 2, 2]] * 2
    assert start.class_number.tolist() == [0, 1]
    for column in (start.log_likelihood, start.max_probability, start.significant_samples):
        assert column.tolist() == [0, 0]


def test_updating_replaces_the_named_rows_and_leaves_the_old_set_alone():
    old = Assignments.at_start(np.zeros((3, 3)), np.zeros((3, 3)), np.zeros(3, np.int64))
    new = Assignments(
        np.array([[1.0, 2, 3]]),
        np.array([[4.0, 5, 6]]),
        np.array([1]),
        np.array([7.0]),
        np.array([0.8]),
        np.array([9]),
    )
    found = old.updated(np.array([1]), new)
    assert found.angles_deg.tolist() == [[0, 0, 0], [1, 2, 3], [0, 0, 0]]
    assert found.origin_angstrom[1].tolist() == [4, 5, 6]
    assert found.class_number.tolist() == [0, 1, 0]
    assert found.log_likelihood.tolist() == [0, 7, 0]
    assert found.max_probability.tolist() == [0, 0.8, 0]
    assert found.significant_samples.tolist() == [0, 9, 0]
    assert not old.angles_deg.any()
