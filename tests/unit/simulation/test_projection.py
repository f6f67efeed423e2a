import numpy as np
import pytest
import scipy.fft

from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation
from halfmap.engine.simulation.phantom import Phantom
from halfmap.engine.simulation.projection import Camera, Window, add_windows, project, signal_variance

PIXEL, IMAGE, WINDOW = 4.0, 90, 48
TILTS = np.array([-50.0, 0, 33, 60])
MICROSCOPE = Microscope(300.0, 2.7, 0.1)


def series(hand=-1.0, dose=0.0, **ctf):
    count = len(TILTS)
    conditions = {"defocus_u_angstrom": 30000.0, "defocus_v_angstrom": 30000.0, "defocus_angle_deg": 0.0} | ctf
    return TiltSeries(
        "TS_01",
        PIXEL,
        np.array([IMAGE, IMAGE, IMAGE + 10.0]),
        hand,
        1.0,
        tilt_rotation(np.full(count, 1.5), TILTS, np.full(count, 85.0)),
        np.array([[3.0, -7.0], [0, 0], [11, 2], [-5, 5]]),
        TiltCtf(
            *(np.full(count, value) for value in conditions.values()),
            np.zeros(count),
            np.full(count, dose),
            np.zeros(count),
            np.ones(count),
        ),
    )


def camera(tilt_series, window=WINDOW):
    return Camera(tilt_series, MICROSCOPE, IMAGE, window)


@pytest.mark.parametrize("angles", [(0.0, 0, 0), (20, 70, -130), (-100, 120, 45)])
def test_a_blob_appears_as_a_gaussian_where_its_position_is_projected(angles):
    tilt_series, rotation = series(), euler_to_matrix(np.array(angles, float))
    centre, where, weight, sigma = np.array([40.3, 50.8, 47.1]), np.array([31.0, -12, 22]), 2.5, 1.4 * PIXEL
    window = Window.around(tilt_series.project_px(centre, np.full(2, float(IMAGE))), WINDOW)
    blob = Phantom(where[None], np.array([weight]), sigma)
    transform = project(blob, tilt_series.rotations @ rotation, window.rest_px, WINDOW, PIXEL)
    contents = scipy.fft.fftshift(scipy.fft.irfft2(transform, s=(WINDOW, WINDOW), norm="forward"), axes=(1, 2))
    images = np.zeros((len(TILTS), IMAGE, IMAGE), np.float32)
    add_windows(images, window, contents)
    expected_at = tilt_series.project_px(centre + rotation @ where / PIXEL, np.full(2, float(IMAGE)))
    y, x = np.mgrid[:IMAGE, :IMAGE]
    peak = weight / (2 * np.pi * sigma**2) / PIXEL
    for image, (px, py) in zip(images, expected_at, strict=True):
        expected = peak * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (sigma / PIXEL) ** 2))
        np.testing.assert_allclose(image, expected, atol=2e-3 * peak)


@pytest.mark.parametrize("hand", [-1.0, 1.0])
def test_the_ctf_is_that_at_the_particles_depth_and_protein_is_dark(hand):
    height_px = 60.0
    tilt_series = series(hand)
    blob = Phantom(np.zeros((1, 3)), np.ones(1), 0.7 * PIXEL)
    position = np.floor(tilt_series.centre_px) + np.array([0, 0, height_px])
    _, with_ctf = camera(tilt_series, 64).particle(blob, position, np.eye(3))
    window = Window.around(tilt_series.project_px(position, np.full(2, float(IMAGE))), 64)
    plain = project(blob, tilt_series.rotations, window.rest_px, 64, PIXEL)
    measured = (
        scipy.fft.rfft2(scipy.fft.ifftshift(with_ctf, axes=(1, 2)), norm="forward")[:, 0, 1:20] / plain[:, 0, 1:20]
    )
    u = np.arange(1, 20) / (64 * PIXEL)
    wavelength = 0.019687  # Å at 300 kV
    depth_px = height_px * np.cos(np.deg2rad(TILTS)) * np.cos(np.deg2rad(1.5))
    defocus = 30000 + hand * PIXEL * depth_px[:, None]
    gamma = np.pi * wavelength * defocus * u**2 - np.pi / 2 * 2.7e7 * wavelength**3 * u**4 + np.arcsin(0.1)
    np.testing.assert_allclose(measured.real, -np.sin(gamma), atol=2e-3)
    np.testing.assert_allclose(measured.imag, 0, atol=2e-3)
    assert (measured.real[:, 0] < 0).all()


def test_exposure_dims_high_frequencies():
    blob = Phantom(np.zeros((1, 3)), np.ones(1), 0.5 * PIXEL)
    fresh, exposed = (
        camera(series(dose=dose)).particle(blob, series().centre_px, np.eye(3))[1] for dose in (0.0, 60.0)
    )
    assert signal_variance(exposed, 30) < 0.7 * signal_variance(fresh, 30)


def test_what_lies_outside_of_an_image_is_lost_and_the_rest_unchanged():
    rng = np.random.default_rng(1)
    contents = rng.standard_normal((4, 16, 16)).astype(np.float32)
    corners = np.array([[-5, 10], [30, -3], [20, 20], [100, 5]])
    window = Window(corners, np.zeros((4, 2)))
    images, large = np.zeros((4, 40, 40), np.float32), np.zeros((4, 200, 200), np.float32)
    add_windows(images, window, contents)
    add_windows(large, Window(corners + 50, np.zeros((4, 2))), contents)
    np.testing.assert_array_equal(images, large[:, 50:90, 50:90])
    assert not images[3].any()


def test_windows_lie_half_a_pixel_from_the_position_at_most():
    projected = np.random.default_rng(1).uniform(-20, 100, (50, 2))
    window = Window.around(projected, 32)
    assert np.abs(window.rest_px).max() <= 0.5
    np.testing.assert_allclose(window.corner_px + 16 + window.rest_px, projected)


def test_the_variance_of_the_signal_is_taken_within_the_circle():
    contents = np.zeros((2, 64, 64), np.float32)
    contents[:, 20:44, 32:] = 1
    assert signal_variance(contents, 20) == pytest.approx(0.25, abs=0.01)
    assert signal_variance(contents, 60) < 0.2
