import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import write_map
from halfmap.engine.scoring import score_maps

BOX, PIXEL = 24, 3.0
DENSITY = np.random.default_rng(2).standard_normal((BOX, BOX, BOX)).astype(np.float32)
RADIUS = np.sqrt(sum(axis**2 for axis in np.mgrid[:BOX, :BOX, :BOX] - BOX // 2))


@pytest.fixture
def write(tmp_path):
    def write_named(name, density=DENSITY, pixel=PIXEL):
        write_map(tmp_path / f"{name}.mrc", density, pixel)
        return tmp_path / f"{name}.mrc"

    return write_named


def cut_at(shell):
    transform = np.fft.fftn(DENSITY)
    frequency = np.fft.fftfreq(BOX, 1 / BOX)
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(frequency, frequency, frequency)))
    return np.where(radius <= shell, transform, np.fft.fftn(np.random.default_rng(3).standard_normal(DENSITY.shape)))


def test_a_map_agrees_with_itself_to_the_last_shell(write):
    found = score_maps(write("a"), write("b"))
    assert found.fsc == pytest.approx([1] * 13)
    assert found.correlation == pytest.approx(1)
    assert found.grey_scale == pytest.approx(1)
    assert found.resolution_50_angstrom == found.resolution_143_angstrom == 2 * PIXEL
    assert found.shell_resolution_angstrom[:3] == (None, 72, 36)


def test_the_grey_scale_is_a_factor_whatever_the_level(write):
    found = score_maps(write("a"), write("b", -2.5 * DENSITY + 7))
    assert found.grey_scale == pytest.approx(-2.5, rel=1e-4)
    assert found.correlation == pytest.approx(-1, rel=1e-4)


def test_maps_that_agree_up_to_a_shell_have_that_shells_resolution(write):
    found = score_maps(write("a"), write("b", np.fft.ifftn(cut_at(6.5)).real.astype(np.float32)))
    assert found.resolution_50_angstrom == pytest.approx(BOX * PIXEL / 6)
    assert found.fsc[5] == pytest.approx(1, abs=1e-3)
    assert abs(found.fsc[9]) < 0.3


def test_maps_that_have_nothing_in_common_have_no_resolution(write):
    found = score_maps(write("a"), write("b", -DENSITY))
    assert found.resolution_50_angstrom is None
    assert found.resolution_143_angstrom is None


def test_only_what_lies_within_the_mask_counts(write):
    other = np.where(RADIUS < 8, DENSITY, 5 * np.random.default_rng(4).standard_normal(DENSITY.shape))
    first, second = write("a"), write("b", other.astype(np.float32))
    mask = write("mask", (RADIUS < 8).astype(np.float32))
    assert score_maps(first, second).correlation < 0.5
    assert score_maps(first, second, mask_file=mask).correlation == pytest.approx(1)
    assert score_maps(first, second, mask_file=mask).fsc[5] == pytest.approx(1)
    assert score_maps(first, second, radius_angstrom=3 * PIXEL).correlation > 0.99


@pytest.mark.parametrize(("box", "pixel"), [(20, PIXEL), (BOX, 4.0)])
def test_maps_of_another_box_or_pixel_size_are_refused_with_both(write, box, pixel):
    other = write("b", np.ascontiguousarray(DENSITY[:box, :box, :box]), pixel)
    with pytest.raises(BadInput, match=rf"a\.mrc has 24 px at 3 Å and .*b\.mrc {box} px at {pixel:g} Å"):
        score_maps(write("a"), other)
    with pytest.raises(BadInput, match="same box and pixel size"):
        score_maps(write("a"), write("c"), mask_file=other)


def test_a_map_or_mask_without_content_is_refused(write):
    with pytest.raises(BadInput, match=r"b\.mrc: holds the same value everywhere"):
        score_maps(write("a"), write("b", np.zeros_like(DENSITY)))
    with pytest.raises(BadInput, match=r"mask\.mrc: a mask lies between 0"):
        score_maps(write("a"), write("c"), mask_file=write("mask", np.zeros_like(DENSITY)))


def test_a_radius_needs_a_pixel_size(write):
    with pytest.raises(BadInput, match="gives no pixel size"):
        score_maps(write("a", pixel=0.0), write("b", pixel=0.0), radius_angstrom=9)
