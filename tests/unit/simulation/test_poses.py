import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.simulation.poses import place_particles, spread_directions, standing_on
from halfmap.engine.simulation.settings import SimulationSettings


def placed(count=200, **changes):
    settings = SimulationSettings(particles=count, tomograms=1, **changes)
    return settings, place_particles(settings, count, np.random.default_rng(3))


def test_particles_stand_on_a_sphere_and_keep_their_distance():
    settings, poses = placed(spacing_angstrom=50)
    assert np.linalg.norm(poses.position_angstrom, axis=1) == pytest.approx(settings.radius_angstrom)
    apart = np.linalg.norm(poses.position_angstrom[:, None] - poses.position_angstrom, axis=-1)
    assert apart[~np.eye(len(poses), dtype=bool)].min() >= 50


def test_the_particles_z_axis_points_along_the_normal_of_the_sphere():
    settings, poses = placed()
    np.testing.assert_allclose(poses.rotation[:, :, 2], poses.position_angstrom / settings.radius_angstrom, atol=1e-9)


def test_in_plane_angles_are_spread_over_the_whole_circle():
    _, poses = placed()
    turned = np.rad2deg(np.arctan2(poses.rotation[:, 2, 1], -poses.rotation[:, 2, 0]))
    counts, _ = np.histogram(turned, bins=4, range=(-180, 180))
    assert counts.min() > 25


def test_subtomogram_rotation_times_particle_rotation_is_the_true_rotation():
    for _, poses in (placed(), placed(no_tilt_prior=True)):
        together = euler_to_matrix(poses.subtomogram_angles_deg) @ euler_to_matrix(poses.angles_deg)
        np.testing.assert_allclose(together, poses.rotation, atol=1e-9)


def test_in_the_pickers_frame_tilt_is_near_90_and_psi_near_0_with_the_error_asked_for():
    _, poses = placed(angle_error_deg=5)
    tilt, psi = poses.angles_deg[:, 1] - 90, poses.angles_deg[:, 2]
    for error in (tilt, psi):
        assert abs(error.mean()) < 1.5
        assert error.std() == pytest.approx(5, rel=0.2)


def test_without_a_tilt_prior_frames_are_the_tomograms_and_directions_are_all_over_the_sphere():
    _, poses = placed(no_tilt_prior=True)
    assert not poses.subtomogram_angles_deg.any()
    assert np.abs(poses.rotation[:, 2].mean(axis=0)).max() < 0.15
    along_normal = (poses.rotation[:, :, 2] * poses.position_angstrom).sum(axis=1)
    assert (along_normal < 0).mean() == pytest.approx(0.5, abs=0.15)


def test_picks_miss_by_the_error_asked_for_along_each_axis():
    _, poses = placed(pick_error_angstrom=6)
    error = poses.picked_angstrom - poses.position_angstrom
    assert error.std(axis=0) == pytest.approx(6, rel=0.2)


def test_a_sphere_that_is_too_small_is_refused_with_how_many_fit():
    with pytest.raises(BadInput, match=r"no room for 200 particles on the sphere, \d+ fit"):
        placed(spacing_angstrom=100, sphere_radius_angstrom=200)


def test_normals_at_the_poles_are_stood_on_too():
    normals = np.array([[0.0, 0, 1], [0, 0, -1]])
    np.testing.assert_allclose(standing_on(normals, np.array([10.0, 20]))[:, :, 2], normals, atol=1e-12)


def test_a_single_point_needs_no_room():
    assert spread_directions(1, 5.0, np.random.default_rng(1)).shape == (1, 3)
