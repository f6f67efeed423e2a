"""A B-factor that was put in is found again."""

import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.transform import transform_map
from halfmap.engine.postprocessing import FitRange, PostprocessSettings, postprocess
from halfmap.engine.postprocessing.guinier import fit_b_factor, inverse_square, log_amplitudes
from tests.unit.postprocessing.conftest import BOX, PIXEL, radius_of

EXTENT = BOX * PIXEL


def falling(b_factor):
    return lambda radius: np.exp(-b_factor / 4 * (radius / EXTENT) ** 2)


def test_a_straight_line_is_found():
    square = inverse_square(21, EXTENT)
    line = -3.0 - 25.0 * square
    # outside of the range anything may stand
    line[:5], line[18:] = 7.0, np.nan
    found = fit_b_factor(line, EXTENT, FitRange(20.0, 5.9))
    assert found.slope_angstrom2 == pytest.approx(-25)
    assert found.intercept == pytest.approx(-3)
    assert found.b_factor_angstrom2 == pytest.approx(-100)
    assert found.correlation == pytest.approx(1)


def test_amplitudes_are_means_over_shells():
    transform = transform_map(np.random.default_rng(2).standard_normal((BOX,) * 3))
    transform[radius_of(BOX) > 15.5] = 0
    found = log_amplitudes(transform)
    shell = np.floor(radius_of(BOX) + 0.5)
    for k in range(16):
        assert found[k] == pytest.approx(np.log(np.abs(transform[shell == k]).mean()))
    assert np.isnan(found[16:]).all()


@pytest.mark.parametrize("b_factor", [60.0, 150.0])
def test_a_known_b_factor_is_recovered_and_taken_off(halves, b_factor):
    first, second = halves(lambda r: 0.02 + 0 * r, signal=falling(b_factor))
    asked = PostprocessSettings(b_factor=FitRange(15.0))
    found = postprocess(first, second, None, PIXEL, asked)
    # mean amplitudes of shells of 600 pixels and more scatter by 2 %, over a range of 0.04 - 0.0044 Å⁻²: 3 Å²
    assert found.b_factor_angstrom2 == pytest.approx(-b_factor, abs=5)
    flat = fit_b_factor(found.guinier.sharpened, EXTENT, FitRange(15.0))
    # every pixel is multiplied by its own factor, not by that of its shell
    assert abs(flat.b_factor_angstrom2) < 0.5
    assert found.fit is not None
    assert found.fit.correlation > 0.95


def test_too_few_shells_are_refused_with_the_way_out():
    line = np.where(np.arange(21) < 9, -3.0, np.nan)
    with pytest.raises(BadInput, match=r"only 0 shells from 10 Å .* agree up to 12\.5 Å.*--autob_lowres"):
        fit_b_factor(line, EXTENT, FitRange())
    with pytest.raises(BadInput, match="agree up to nothing"):
        fit_b_factor(np.full(21, np.nan), EXTENT, FitRange())
