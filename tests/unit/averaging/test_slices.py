"""What each tilt image adds: visibility, weights and frequencies that are left out."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.slices import SliceCutter
from halfmap.engine.extraction.insertion import pixels_left
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.imaging.transfer import TransferByDepth, transfer_functions
from halfmap.engine.particles.tilt_series import TiltSeries, tilt_rotation

SIZE = 80
MICROSCOPE = Microscope(300.0, 2.7, 0.1)
SETTINGS = AverageSettings(16, 16)


def recording(doses=(0.0, 30.0), tilt_deg=0.0):
    zeros = np.zeros(len(doses))
    ctf = TiltCtf(zeros + 30000, zeros + 28000, zeros + 20, zeros, np.array(doses), zeros, zeros + 0.9)
    rotation = tilt_rotation(zeros, zeros + tilt_deg, zeros)
    series = TiltSeries("TS_01", 4.0, np.full(3, SIZE / 1), -1.0, 1.0, rotation, np.zeros((len(doses), 2)), ctf)
    return Recording(series, MICROSCOPE, (), (SIZE, SIZE))


def cutter(images, settings=SETTINGS, **kinds):
    made = recording(**kinds)
    pixel = settings.binning * made.series.pixel_size_angstrom
    transfer = TransferByDepth.of_series(made.series.ctf, MICROSCOPE, settings.box_px, pixel)
    return SliceCutter(made, images, settings, transfer, used_pixels(made, settings).astype(np.float32))


def used_pixels(made, settings):
    return pixels_left(made.series.ctf, settings.cutting, made.series.pixel_size_angstrom, settings.dose_cutoff)


def test_transfer_functions_at_a_depth_are_those_of_the_ctf_there():
    series = recording(tilt_deg=30.0).series
    visible, position = np.array([False, True]), np.array([10.0, 20, 55])
    here = series.ctf_at(position, visible)
    shared = TransferByDepth.of_series(series.ctf, MICROSCOPE, 24, 4.0)
    found = shared.at(here.defocus_u_angstrom - series.ctf.defocus_u_angstrom[visible], visible)
    assert abs(here.defocus_u_angstrom[0] - 30000) > 50
    # single precision of a phase of about 1
    np.testing.assert_allclose(found, transfer_functions(here, MICROSCOPE, 24, 4.0), atol=2e-6)


@pytest.mark.parametrize(("x", "visible"), [(7.9, False), (8.0, True), (72.0, True), (72.1, False)])
def test_the_margin_is_half_a_box_of_unbinned_pixels_whatever_the_binning(x, visible):
    for binning in (1.0, 2.0):
        made = cutter(np.zeros((2, SIZE, SIZE), np.float32), replace(SETTINGS, binning=binning))
        assert made.visible(np.array([x, 40.0, 40])).tolist() == [visible] * 2


def test_frequencies_are_used_within_the_nyquist_circle_and_while_the_dose_has_left_enough():
    used = used_pixels(recording(doses=(0.0, 60.0)), replace(SETTINGS, dose_cutoff=0.1))
    ky, kx = np.meshgrid(np.fft.fftfreq(16, 1 / 16), np.arange(9), indexing="ij")
    radius = np.hypot(kx, ky)
    assert np.array_equal(used[0], radius <= 8)
    frequency = np.maximum(radius / 64, 1e-9)
    left = np.exp(-0.5 * 60 / (0.245 * frequency**-1.665 + 2.81))
    assert np.array_equal(used[1], (radius <= 8) & (left > 0.1))
    assert 0 < used[1].sum() < used[0].sum()


def test_a_dark_point_becomes_a_flat_slice_of_positive_sign_times_its_weight():
    images = np.zeros((2, SIZE, SIZE), np.float32)
    images[:, 44, 38] = -256
    made = cutter(images)
    position = np.array([38.0, 44, 40])
    slices = made.slices_of(position, position, np.eye(3))
    real, imag, weight = np.moveaxis(slices.pixels, -1, 0)
    expected = transfer_functions(recording().series.ctf, MICROSCOPE, 16, 4.0) * made.shares
    inner = np.s_[:, 1:17, :9]
    np.testing.assert_allclose(np.fft.ifftshift(weight[inner], axes=1), expected**2, atol=1e-6)
    # 256 / n² = 1
    np.testing.assert_allclose(np.fft.ifftshift(real[inner], axes=1), expected, atol=1e-5)
    np.testing.assert_allclose(imag, 0, atol=1e-5)


def test_without_ctf_images_are_only_inverted_and_a_particle_that_moves_is_left_out_where_it_is_not_seen():
    images = np.zeros((2, SIZE, SIZE), np.float32)
    images[:, 40, 40] = -256
    made = cutter(images, replace(SETTINGS, multiply_ctf=False, dose_cutoff=0.0))
    slices = made.slices_of(np.full(3, 40.0), np.array([[40.0, 40, 40], [75, 40, 40]]), np.eye(3))
    assert slices.pixels.shape[0] == len(slices.matrices) == 1
    inner = np.fft.ifftshift(slices.pixels[0, 1:17, :9], axes=0)
    np.testing.assert_allclose(inner, made.shares[0][..., None] * [1.0, 0, 1], atol=1e-5)


def test_what_surrounds_a_circle_is_faded_to_its_mean_unless_told_otherwise():
    images = np.full((2, SIZE, SIZE), 30.0, np.float32)
    position = np.full(3, 40.0)
    faded = cutter(images).slices_of(position, position, np.eye(3)).pixels
    kept = cutter(images, replace(SETTINGS, circle_crop=False)).slices_of(position, position, np.eye(3)).pixels
    np.testing.assert_allclose(faded[..., :2], 0, atol=1e-4)
    assert np.abs(kept[..., :2]).max() > 1
