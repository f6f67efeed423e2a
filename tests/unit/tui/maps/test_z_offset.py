import numpy as np
import pytest

from halfmap.tui.files.map_slices import read_slices
from halfmap.tui.files.patient import Beat
from halfmap.tui.files.z_offset import shape_of, z_offset_angstrom
from tests.unit.tui.maps.conftest import ball


def shifted(shift: float, box: int = 32, z_of_mask: float = 0) -> np.ndarray:
    """Density of two unlike rings over each other, moved along z."""
    z, y, x = np.indices((box, box, box)) - box // 2
    away = np.hypot(x, y)
    lower = np.exp(-((away - 5) ** 2) / 4 - (z - shift - z_of_mask + 3) ** 2 / 4)
    upper = 0.7 * np.exp(-((away - 3) ** 2) / 4 - (z - shift - z_of_mask - 3) ** 2 / 6)
    return (lower + upper).astype(np.float32)


def offset(write_map, density, mask, pixel=2.0, mask_pixel=2.0):
    _, of_density = read_slices(write_map(density, "density.mrc", pixel), (0, 0, 0), Beat())
    _, of_mask = read_slices(write_map(mask, "mask.mrc", mask_pixel), (0, 0, 0), Beat())
    return z_offset_angstrom(of_density, shape_of(of_mask))


@pytest.mark.parametrize("shift", [-4.0, -1.3, -0.5, 0.0, 0.25, 1.0, 2.6, 5.0])
def test_a_known_shift_is_found_to_a_fifth_of_a_pixel(write_map, shift):
    mask = (shifted(0) > 0.2).astype(np.float32)
    assert offset(write_map, shifted(shift), mask) / 2.0 == pytest.approx(shift, abs=0.2)


@pytest.mark.parametrize("shift", [-2.0, 0.4, 3.3])
def test_a_ball_in_a_wide_mask_is_measured_from_its_middle(write_map, shift):
    found = offset(write_map, ball(32, 5, (0, 0, shift)), ball(32, 11))
    assert found / 2.0 == pytest.approx(shift, abs=0.2)


def test_above_is_towards_larger_z(write_map):
    assert offset(write_map, ball(24, 4, (0, 0, 2)), ball(24, 4)) > 0


def test_a_mask_of_another_box_and_pixel_size_is_compared_in_angstrom(write_map):
    density = ball(24, 4, (0, 0, 1.5))  # at 3 Å: 4.5 Å above the centre
    assert offset(write_map, density, ball(48, 8), 3.0, 1.5) == pytest.approx(4.5, abs=0.6)


def test_density_outside_the_mask_seen_along_z_does_not_count(write_map):
    values = ball(32, 4, (0, 0, 1)) + 3 * ball(32, 3, (10, 0, -8))
    assert offset(write_map, values, ball(32, 5)) / 2.0 == pytest.approx(1, abs=0.2)


def test_noise_does_not_hide_a_shift(write_map):
    noise = np.random.default_rng(2).normal(0, 0.1, (32, 32, 32)).astype(np.float32)
    mask = (shifted(0) > 0.2).astype(np.float32)
    assert offset(write_map, shifted(1.7) + noise, mask) / 2.0 == pytest.approx(1.7, abs=0.2)


def test_nothing_in_map_or_mask_gives_no_offset(write_map):
    nothing = np.zeros((16, 16, 16), np.float32)
    assert offset(write_map, nothing, ball(16, 4)) is None
    assert offset(write_map, ball(16, 4), nothing) is None
