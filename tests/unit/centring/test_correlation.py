"""Sums over moved maps against plain loops, and peaks between voxels."""

import numpy as np
import pytest

from halfmap.engine.centring.correlation import Peak, Template, peaks

RANDOM = np.random.default_rng(4)
FIRST, SECOND = RANDOM.standard_normal((2, 6, 6, 6))


def test_all_displacements_are_those_of_a_loop():
    template = Template.of(SECOND, (True, True, True))
    found = template.moved_sums(template.transform(FIRST))
    for z, y, x in ((0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, -1), (2, -2, 1)):
        # the map's point at c comes to the template's centre
        expected = (np.roll(FIRST, (-z, -y, -x), axis=(0, 1, 2)) * SECOND).sum()
        assert found[z, y, x] == pytest.approx(expected)


def test_along_z_alone_only_z_moves():
    template = Template.of(SECOND, (False, False, True))
    found = template.moved_sums(template.transform(FIRST))
    assert found.shape == (6,)
    for z in (0, 1, -2):
        assert found[z] == pytest.approx((np.roll(FIRST, -z, axis=0) * SECOND).sum())


def test_a_peak_between_voxels_is_found_where_it_is():
    x = np.fft.fftfreq(16, 1 / 16)
    line = np.exp(-((x + 2.3) ** 2) / 50)
    (peak,) = peaks(line, 5.0)
    # a parabola through three points of a wide Gaussian
    assert peak.displacement_px[0] == pytest.approx(-2.3, abs=0.01)
    assert peak.height == pytest.approx(1, abs=1e-3)


def test_a_tilted_peak_in_space_is_found_where_it_is():
    z, y, x = np.meshgrid(*[np.fft.fftfreq(16, 1 / 16)] * 3, indexing="ij")
    u, v, w = z - 1.2, y + 0.4, x - 3.7
    score = np.exp(-(u**2 + 1.5 * v**2 + w**2 + 0.8 * u * v + 0.5 * v * w) / 60)
    found = peaks(score, 6.0)[0]
    assert found.displacement_px == pytest.approx((1.2, -0.4, 3.7), abs=0.02)


def test_peaks_come_highest_first_and_only_from_within_reach():
    x = np.fft.fftfreq(32, 1 / 32)
    line = np.exp(-((x - 3) ** 2) / 4) + 0.6 * np.exp(-((x + 6) ** 2) / 4) + 2 * np.exp(-((x - 13) ** 2) / 4)
    found = peaks(line, 8.0)
    assert [round(peak.displacement_px[0]) for peak in found] == [3, -6]
    assert found[1].height == pytest.approx(0.6, abs=0.01)
    assert isinstance(found[0], Peak)
    assert peaks(line, 1.0) == []
    assert peaks(np.zeros(32), 8.0) == []
