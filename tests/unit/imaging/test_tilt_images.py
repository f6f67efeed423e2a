"""What tilt images weigh in comparisons and in reconstructions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.fourier.shells import disc
from halfmap.engine.imaging.tilt_images import TiltImages

RANDOM = np.random.default_rng(10)
PIXELS = disc(8, 8, 3.0)
SHELLS = np.floor(PIXELS.radius + 0.5).astype(np.int64)
ROTATIONS = Rotation.random(2, rng=1).as_matrix()


def some_images(**changes):
    shape = (2, len(PIXELS.kx))
    images = TiltImages(
        pixels=PIXELS,
        rotations=ROTATIONS,
        geometry=2 * ROTATIONS[:, :2],
        masked=(RANDOM.normal(size=(*shape, 2)) @ [1, 1j]).astype(np.complex64),
        unmasked=(RANDOM.normal(size=(*shape, 2)) @ [1, 1j]).astype(np.complex64),
        ctf=RANDOM.uniform(0.1, 1, shape).astype(np.float32),
        inverse_sigma2=RANDOM.uniform(0.5, 2, shape[1]).astype(np.float32),
        shells=SHELLS,
        first_shell=0,
        back_projects=np.arange(shape[1]) != 2,
        scale=1.5,
        premultiplied=True,
    )
    return replace(images, **changes)


# trap 19
@pytest.mark.parametrize(("first_shell", "smallest"), [(0, 1), (1, 1), (3, 3)])
def test_neither_the_origin_nor_shells_below_the_first_count_in_comparisons(first_shell, smallest):
    images = some_images(first_shell=first_shell)
    expected = np.where(smallest <= SHELLS, images.inverse_sigma2, 0)
    np.testing.assert_array_equal(images.scoring_weight, expected)


def test_comparisons_weigh_images_by_scale_ctf_and_noise():
    images = some_images()
    weight = np.where(SHELLS > 0, images.inverse_sigma2, 0)
    np.testing.assert_allclose(images.weighted, 1.5 * images.ctf * weight * images.masked, rtol=1e-6)
    np.testing.assert_allclose(images.half_power_weight, 0.5 * 1.5**2 * images.ctf**2 * weight, rtol=1e-6)


# trap 19: the origin is back-projected; scale enters the weight once and the image not at all
def test_premultiplied_images_are_back_projected_with_their_ctf_already_in_them():
    images = some_images()
    np.testing.assert_allclose(images.back_projected, images.inverse_sigma2 * images.unmasked, rtol=1e-6)
    weight = 1.5 * images.ctf * images.inverse_sigma2 * images.back_projects
    np.testing.assert_allclose(images.back_projected_weight, weight, rtol=1e-6)
    assert (images.back_projected_weight[:, SHELLS == 0] > 0).all()


def test_plain_images_are_multiplied_by_scale_and_ctf_and_their_weight_by_both_squared():
    images = some_images(premultiplied=False)
    expected = 1.5 * images.ctf * images.inverse_sigma2 * images.unmasked
    np.testing.assert_allclose(images.back_projected, expected, rtol=1e-6)
    weight = 1.5**2 * images.ctf**2 * images.inverse_sigma2 * images.back_projects
    np.testing.assert_allclose(images.back_projected_weight, weight, rtol=1e-6)


# trap 7: the first two components of A_tilt·offset, A_tilt including the subtomogram's frame
def test_an_offset_is_seen_by_each_tilt_image_through_its_rotation():
    offsets = np.array([[1.0, 0, 0], [0.3, -2.0, 4.0]])
    found = some_images().shifts(offsets)
    for t, offset in enumerate(offsets):
        for f, rotation in enumerate(ROTATIONS):
            np.testing.assert_allclose(found[t, f], (rotation @ offset)[:2] / 8)
