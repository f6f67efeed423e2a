"""Masks brought to another grid, against masks that were made there."""

from pathlib import Path

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mask_file import read_mask_for
from halfmap.engine.formats.mrc import write_map

RADIUS_ANGSTROM, EDGE_ANGSTROM = 60.0, 40.0


def soft_ball(box_px: int, pixel_size_angstrom: float) -> np.ndarray:
    """A ball with a cosine edge, a little off the centre, in plain NumPy."""
    axis = (np.arange(box_px) - box_px // 2) * pixel_size_angstrom
    z, y, x = np.meshgrid(axis - 10, axis, axis + 5, indexing="ij")
    depth = np.clip((np.sqrt(x**2 + y**2 + z**2) - RADIUS_ANGSTROM) / EDGE_ANGSTROM, 0, 1)
    return (0.5 + 0.5 * np.cos(np.pi * depth)).astype(np.float32)


@pytest.fixture
def mask_file(tmp_path: Path) -> Path:
    write_map(tmp_path / "mask.mrc", soft_ball(96, 2.5), 2.5)
    return tmp_path / "mask.mrc"


@pytest.mark.parametrize(
    ("box_px", "pixel_size"), [(24, 10.0), (48, 5.0), (40, 6.0), (32, 10.0), (96, 2.5), (120, 2.0)]
)
def test_a_mask_is_what_it_would_be_if_it_had_been_made_on_the_other_grid(mask_file, box_px, pixel_size):
    mask, note = read_mask_for(mask_file, box_px, pixel_size, "particles")
    assert (mask.box_px, mask.pixel_size_angstrom) == (box_px, pixel_size)
    # the edge is four pixels wide on the coarsest grid: cut off in Fourier space, it rings by some hundredths
    np.testing.assert_allclose(mask.density, soft_ball(box_px, pixel_size), rtol=0, atol=0.03)
    assert mask.density.min() >= 0
    assert mask.density.max() <= 1
    assert bool(note) == (pixel_size != 2.5)


@pytest.mark.parametrize("box_px", [80, 128])
def test_a_box_alone_is_cropped_or_padded_to_the_last_bit(mask_file, box_px):
    mask, note = read_mask_for(mask_file, box_px, 2.5, "half maps")
    expected, margin = soft_ball(128, 2.5), (128 - box_px) // 2
    inside = slice(margin, 128 - margin)
    assert np.array_equal(mask.density, expected[inside, inside, inside])
    assert note == f"{mask_file}: 96 px at 2.5 Å, while the half maps have {box_px} px at 2.5 Å; the mask is resized."


def test_a_pixel_size_that_cannot_be_right_is_refused(mask_file):
    with pytest.raises(BadInput, match=r"mask\.mrc: 96 px at 2\.5 Å.*cannot both be right"):
        read_mask_for(mask_file, 24, 50.0, "particles")
