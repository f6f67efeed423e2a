"""3D pseudo-subtomograms against plain loops, and their used pixels against a count by hand."""

from itertools import product

import numpy as np
import pytest

from halfmap.engine.extraction.cutting import CutOut
from halfmap.engine.extraction.insertion import put_together, used_pixels
from halfmap.engine.extraction.settings import ExtractionSettings
from halfmap.engine.imaging.ctf import TiltCtf
from halfmap.engine.particles.pose import euler_to_matrix

BOX, PIXEL = 12, 4.0


def tilt_ctf(dose=(0.0, 3.0), bfactor=(0.0, 0.0)):
    zeros = np.zeros(len(dose))
    return TiltCtf(zeros + 3e4, zeros + 3e4, zeros, zeros, np.array(dose), np.array(bfactor), zeros + 1)


def random_cut_out(count=2):
    random = np.random.default_rng(5)
    boxes = random.standard_normal((count, BOX, BOX)).astype(np.float32)
    return CutOut(boxes, random.random((count, BOX, BOX // 2 + 1)).astype(np.float32))


def by_loops(found, rotations, used, crop, binning):
    """The volume as a full transform: each pixel and each of its corners by itself."""
    sums = np.zeros((3, crop, crop, crop), complex)
    for box, weight, rotation, pixels in zip(found.boxes, found.weights, rotations, used, strict=True):
        transform = np.fft.fft2(np.fft.ifftshift(box)) / BOX**2
        for row, column in product(range(BOX), range(BOX // 2 + 1)):
            if not pixels[row, column]:
                continue
            ky = row if row < BOX / 2 else row - BOX
            place = (column * rotation[0] + ky * rotation[1]) * crop / BOX
            values = np.array([transform[row, column], weight[row, column], 1])
            if place[0] < 0:
                place, values = -place, values.conj()
            first = np.floor(place).astype(int)
            for corner in product((0, 1), repeat=3):
                x, y, z = voxel = first + corner
                share = np.prod(1 - np.abs(place - voxel))
                if x > crop // 2 or not (-crop // 2 <= y < crop // 2 and -crop // 2 <= z < crop // 2):
                    continue
                sums[:, z, y, x] += share * values
                if x == 0:
                    sums[:, -z % crop, -y % crop, 0] += share * values.conj()
    sums *= (crop / BOX) ** 2
    half = sums[..., : crop // 2 + 1]
    volume = np.fft.irfftn(half[0], s=(crop,) * 3, axes=(0, 1, 2)) * crop**3 * (BOX / crop) ** 2
    return np.fft.fftshift(volume) / np.sqrt(crop * binning), half[1].real, half[2].real


@pytest.mark.parametrize(("crop", "binning"), [(12, 1.0), (8, 1.0), (6, 2.5)])
def test_slices_are_spread_as_by_plain_loops(crop, binning):
    settings = ExtractionSettings(BOX, crop, binning)
    found = random_cut_out()
    rotations = euler_to_matrix(np.array([[20.0, 40.0, -60.0], [130.0, 100.0, 10.0]]))
    used = used_pixels(tilt_ctf(), settings, PIXEL, 0.01)
    made = put_together(found, rotations, used, settings)
    data, ctf2, multiplicity = by_loops(found, rotations, used, crop, binning)
    # single precision of positions and values
    np.testing.assert_allclose(made.data, data, atol=2e-5 * np.abs(data).max())
    np.testing.assert_allclose(made.weights[:crop], ctf2, atol=2e-5)
    np.testing.assert_allclose(made.weights[crop:], multiplicity, atol=2e-5)


def test_a_frontal_slice_fills_its_plane_once():
    settings = ExtractionSettings(BOX, BOX)
    used = used_pixels(tilt_ctf(dose=(0.0,), bfactor=(0.0,)), settings, PIXEL, 0.01)
    found = random_cut_out(1)
    made = put_together(found, np.eye(3)[None], used, settings)
    multiplicity = made.weights[BOX:]
    assert set(np.unique(multiplicity)) == {0, 1, 2}
    assert not multiplicity[1:].any()
    assert multiplicity[0, 0, 0] == 2  # RELION counts the origin twice
    np.testing.assert_array_equal(made.weights[0][multiplicity[0] == 1][0], found.weights[0][multiplicity[0] == 1][0])


def test_pixels_up_to_the_nyquist_frequency_are_used_and_half_of_the_first_column():
    used = used_pixels(tilt_ctf(), ExtractionSettings(BOX, BOX), PIXEL, 0.0)[1]
    rows = [0, 1, 2, 3, 4, 5, -6, -5, -4, -3, -2, -1]
    for row, ky in enumerate(rows):
        expected = [kx * kx + ky * ky <= 36 and not (kx == 0 and ky < 0) for kx in range(7)]
        assert used[row].tolist() == expected


@pytest.mark.parametrize(("dose", "bfactor"), [(80.0, 0.0), (-1.0, 2000.0)])
def test_rows_end_where_the_dose_or_b_factor_has_left_too_little(dose, bfactor):
    settings = ExtractionSettings(BOX, BOX)
    ctf = tilt_ctf(dose=(dose,), bfactor=(bfactor,))
    used = used_pixels(ctf, settings, PIXEL, 0.05)[0]
    for kx in range(1, 7):
        u = kx / (BOX * PIXEL)
        left = np.exp(-dose / 2 / (0.245 * u**-1.665 + 2.81)) if dose >= 0 else np.exp(-bfactor / 4 * u * u)
        assert used[0, kx] == (left > 0.05)
    assert not used[0].all()
