"""The gather over slabs, against its definition spelled out voxel by voxel."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.averaging.slices import ParticleSlices, _laid_out
from halfmap.engine.averaging.summing import add_slices
from halfmap.engine.fourier.backprojector import Accumulator

BOX = 8
SETTINGS = AverageSettings(BOX, BOX)


def pixel_of(pixels, row, column):
    """A pixel of a slice by its frequencies, 0 outside."""
    row += pixels.shape[0] // 2
    inside = 0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1]
    return pixels[row, column].astype(float) if inside else np.zeros(3)


def plain_gather(slices, geometry):
    """Every voxel reads every slice: (1 − distance) × bilinear, as the definition says."""
    sums = np.zeros(geometry.shape)
    centre = geometry.shape[0] // 2
    for pixels, matrix in zip(slices.pixels, slices.matrices, strict=True):
        for z, y, x in np.ndindex(*geometry.shape[:3]):
            k = matrix.astype(float) @ [x, y - centre, z - centre]
            if abs(k[2]) >= 1:
                continue
            sign = 1 if k[0] >= 0 else -1
            kx, ky = sign * k[0], sign * k[1]
            column, row = int(np.floor(kx)), int(np.floor(ky))
            fx, fy = kx - column, ky - row
            value = (1 - fy) * ((1 - fx) * pixel_of(pixels, row, column) + fx * pixel_of(pixels, row, column + 1))
            value += fy * ((1 - fx) * pixel_of(pixels, row + 1, column) + fx * pixel_of(pixels, row + 1, column + 1))
            sums[z, y, x] += (1 - abs(k[2])) * value * [1, sign, 1]
    return sums


def random_slices(matrices, seed=3):
    random = np.random.default_rng(seed)
    images = random.standard_normal((len(matrices), BOX, BOX))
    rows = np.fft.fftfreq(BOX, 1 / BOX)
    inside = np.hypot(rows[:, None], np.arange(BOX // 2 + 1)) <= BOX // 2
    transforms = (np.fft.rfft2(images) * inside).astype(np.complex64)
    weights = (random.random(transforms.shape) * inside).astype(np.float32)
    return ParticleSlices(_laid_out(transforms, weights), matrices.astype(np.float32))


SPECIAL = np.concatenate([Rotation.from_euler("zyz", angles).as_matrix()[None] for angles in np.deg2rad(
    [[0, 0, 0], [0, 90, 0], [90, 90, 0], [0, 180, 0], [30, 90, 90], [0, 1e-4, 0]])])  # fmt: skip


@pytest.mark.parametrize("matrices", [SPECIAL, Rotation.random(6, random_state=5).as_matrix()])
def test_slabs_give_what_every_voxel_would_read_from_every_slice(matrices):
    slices, sums = random_slices(matrices), Accumulator.empty(SETTINGS.geometry)
    add_slices(sums, slices, (0, len(sums.sums)))
    expected = plain_gather(slices, SETTINGS.geometry)
    assert np.abs(expected).max() > 5
    # places are found in single precision: 1e-6 of a voxel times differences between pixels of about 10
    np.testing.assert_allclose(sums.sums, expected, atol=3e-5)


def test_ranges_of_planes_add_up_to_the_same_bits():
    slices = random_slices(Rotation.random(4, random_state=1).as_matrix())
    whole, parts = Accumulator.empty(SETTINGS.geometry), Accumulator.empty(SETTINGS.geometry)
    size = len(whole.sums)
    add_slices(whole, slices, (0, size))
    for planes in ((0, 3), (3, 4), (4, size)):
        add_slices(parts, slices, planes)
    assert np.array_equal(whole.sums, parts.sums)


def test_opposite_voxels_of_the_plane_x_0_are_conjugates():
    sums = Accumulator.empty(SETTINGS.geometry)
    add_slices(sums, random_slices(Rotation.random(5, random_state=2).as_matrix()), (0, len(sums.sums)))
    plane = sums.sums[:, :, 0]
    assert np.abs(plane).max() > 1
    np.testing.assert_allclose(plane, plane[::-1, ::-1] * [1, -1, 1], atol=3e-5)
