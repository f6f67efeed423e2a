"""Offsets that were put in are found again."""

import numpy as np
import pytest
import scipy.ndimage

from halfmap.engine.centring.density_fit import DensityFit
from halfmap.engine.centring.mask_fit import MaskFit
from halfmap.engine.centring.offset import find_offset
from halfmap.engine.centring.working_grid import on_working_grid
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.mrc import read_map
from halfmap.engine.imaging.model_grid import ModelGrid
from tests.unit.centring.conftest import blobs, masked, moved

ALL, ALONG_Z = (True, True, True), (False, False, True)
PIXEL = 4.0


@pytest.fixture(scope="module")
def twin(hiv_twin):
    """RELION's map of all true poses, and the data set's mask, both of 48 px at 5.4 Å."""
    grid = ModelGrid(48, 5.4)
    mask = np.clip(on_working_grid(read_map(hiv_twin / "Mask/mask.mrc").density, 5.4, grid), 0, 1)
    density = read_map(hiv_twin / "Reconstruct/job008/merged.mrc").density
    matcher = MaskFit.of(mask, grid.extent_angstrom / len(mask), ALONG_Z, len(mask) / 4)

    def offset_px(changed, halves=None):
        working = [on_working_grid(one.astype(np.float32), 5.4, grid) for one in (changed, *(halves or ()))]
        pair = (working[1], working[2]) if halves else None
        found = find_offset(matcher, working[0], pair, matcher.pixel_size_angstrom, ALONG_Z)
        return found.angstrom[2] / 5.4, found

    at_rest = find_offset(matcher, on_working_grid(density, 5.4, grid), None, matcher.pixel_size_angstrom, ALONG_Z)
    return density, offset_px, at_rest


def test_a_map_moved_along_its_axis_is_found_within_a_tenth_of_a_pixel(twin):
    density, offset_px, at_rest = twin
    assert at_rest.angstrom[:2] == pytest.approx([0, 0])
    assert at_rest.alternatives == ()
    for shift in (-3.62, 2.75):
        assert offset_px(moved(density, (0, 0, shift)))[0] - at_rest.angstrom[2] / 5.4 == pytest.approx(shift, abs=0.1)


def test_noise_moves_the_result_by_about_as_much_as_it_says(twin):
    density, offset_px, at_rest = twin
    random = np.random.default_rng(5)
    # half maps as noisy as the density is strong
    halves = [density + density.std() * random.standard_normal(density.shape) for _ in range(2)]
    noisy, found = offset_px((halves[0] + halves[1]) / 2, halves)
    assert found.noise_angstrom is not None
    assert 0 < found.noise_angstrom[2] < 0.25 * 5.4
    assert abs(noisy - at_rest.angstrom[2] / 5.4) < 0.25
    assert found.uncertainty_angstrom[2] == pytest.approx(np.hypot(found.spread_angstrom[2], found.noise_angstrom[2]))


# one level, cut to the central hexamer or with its neighbours; nobody tells the search
@pytest.mark.parametrize(("extend_px", "radius_px"), [(4.0, 14.0), (3.0, 9.0)])
def test_masks_that_were_made_from_the_map_itself_fit_where_it_is(twin, extend_px, radius_px):
    density = twin[0]
    smooth = scipy.ndimage.gaussian_filter(density, 0.74)
    _, y, x = np.mgrid[:48, :48, :48] - 24
    within = np.where(np.hypot(x, y) < radius_px, smooth, 0)
    grid = ModelGrid(48, 5.4)
    mask = np.clip(on_working_grid(masked(within, 0.19, extend_px, 4.0), 5.4, grid), 0, 1)
    matcher = MaskFit.of(mask, grid.extent_angstrom / len(mask), ALONG_Z, len(mask) / 4)
    working = on_working_grid(density, 5.4, grid)
    found = find_offset(matcher, working, None, matcher.pixel_size_angstrom, ALONG_Z)
    assert abs(found.angstrom[2]) < 1.75 * found.uncertainty_angstrom[2] < 1.5 * 5.4


# recipes differ from person to person: how far, how high, how soft
@pytest.mark.parametrize(("share", "extend_px", "soft_px"), [(0.1, 1.0, 3.0), (0.4, 5.0, 2.0)])
def test_a_body_is_found_along_all_axes_by_masks_of_many_recipes(lopsided, share, extend_px, soft_px):
    mask = masked(lopsided, share, extend_px, soft_px).astype(np.float64)
    matcher = MaskFit.of(mask, PIXEL, ALL, 8.0)
    shift = (1.3, -2.4, 3.15)
    found = find_offset(matcher, moved(lopsided, shift).astype(np.float64), None, PIXEL, ALL)
    np.testing.assert_allclose(found.angstrom / PIXEL, shift, atol=0.25)
    assert found.noise_angstrom is None
    assert found.score > 0.9
    assert max(found.profile, key=lambda place: place[1])[0] == pytest.approx(3 * PIXEL)


def test_a_reference_is_found_to_a_hundredth_of_a_pixel(lopsided):
    reference = lopsided.astype(np.float64)
    matcher = DensityFit(reference, masked(lopsided, 0.2, 3.0, 4.0).astype(np.float64), ALL, PIXEL, 8.0)
    shift = (1.3, -2.4, 3.15)
    found = find_offset(matcher, 3 * moved(lopsided, shift).astype(np.float64) + 0.2, None, PIXEL, ALL)
    np.testing.assert_allclose(found.angstrom / PIXEL, shift, atol=0.05)
    assert found.score == pytest.approx(1, abs=0.01)


def test_two_equal_bodies_are_told_of():
    single = blobs(48, [(0, 0, 0)], [2.0]).astype(np.float64)
    double = blobs(48, [(0, 0, -9), (0, 0, 8)], [2.0, 2.0]).astype(np.float64)
    matcher = MaskFit.of(masked(single, 0.2, 1.0, 3.0).astype(np.float64), PIXEL, ALONG_Z, 12.0)
    found = find_offset(matcher, double, None, PIXEL, ALONG_Z)
    (other,) = found.alternatives
    assert other.share > 0.99
    assert abs(other.angstrom[2] / PIXEL) == pytest.approx(8.5, abs=1)
    # what each recipe took for the better of two equals is part of the uncertainty
    assert found.uncertainty_angstrom[2] > 1 or abs(found.angstrom[2] / PIXEL) == pytest.approx(8.5, abs=1)


def test_where_the_score_goes_on_rising_beyond_reach_it_is_said(lopsided):
    matcher = MaskFit.of(masked(lopsided, 0.2, 1.0, 3.0).astype(np.float64), PIXEL, ALONG_Z, 2.0)
    with pytest.raises(BadInput, match="fits best where reach ends"):
        find_offset(matcher, moved(lopsided, (0, 0, 6)).astype(np.float64), None, PIXEL, ALONG_Z)
