"""The sharpened map is the mean of the halves times weights that are known."""

from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.fft

from halfmap.engine.formats.mrc import read_map
from halfmap.engine.formats.star import read_star
from halfmap.engine.fourier.masks import soft_sphere
from halfmap.engine.postprocessing import (
    FitRange,
    Mtf,
    PostprocessSettings,
    SourceNames,
    postprocess,
    summary_text,
    write_postprocessed,
)
from tests.unit.postprocessing.conftest import BOX, PIXEL, radius_of, shaped

EXTENT = BOX * PIXEL
MASK = soft_sphere(BOX, 10.0, 4.0).astype(np.float32)


def noise_power(radius):
    return (radius / 10.0) ** 4


@pytest.fixture
def pair(halves):
    return halves(noise_power)


def ratio(found, pair):
    """The transform of the sharpened map over that of the mean, inside the Nyquist sphere."""
    radius = radius_of(BOX)
    mean = scipy.fft.rfftn((pair[0] + pair[1]) / 2)
    return radius, scipy.fft.rfftn(found.sharpened.astype(np.float64)) / mean


def test_each_shell_is_weighed_by_its_correlation_with_a_perfect_map(pair):
    found = postprocess(*pair, MASK, PIXEL)
    radius, weights = ratio(found, pair)
    fsc = found.curves.corrected
    gone = False
    for k in range(BOX // 2 + 1):
        gone = gone or fsc[k] <= 0
        expected = 0.0 if gone else np.sqrt(2 * fsc[k] / (1 + fsc[k]))
        inside = (np.floor(radius + 0.5) == k) & (np.abs(weights) < 10)
        assert np.median(weights[inside].real) == pytest.approx(expected, abs=1e-5)
    assert np.abs(weights[radius > BOX // 2 + 1]).max() < 1e-3
    np.testing.assert_allclose(found.masked, found.sharpened * MASK)
    # where the expected curve falls below 0.143 is between shells 15 and 16; a mask of a tenth of the box scatters more
    assert EXTENT / 18 <= found.resolution_angstrom <= EXTENT / 13


def test_a_b_factor_is_applied_to_every_pixel_by_its_own_radius(pair):
    asked = PostprocessSettings(weight_by_fsc=False, b_factor=-80.0)
    radius, weights = ratio(postprocess(*pair, None, PIXEL, asked), pair)
    inside = radius < BOX // 2
    expected = np.exp(80 / 4 * (radius[inside] / EXTENT) ** 2)
    np.testing.assert_allclose(weights[inside].real, expected, rtol=0.02)
    assert np.median(np.abs(weights[inside].real / expected - 1)) < 1e-5


def test_the_low_pass_filter_ends_two_shells_wide(pair):
    asked = PostprocessSettings(weight_by_fsc=False, low_pass_angstrom=EXTENT / 12.3)
    found = postprocess(*pair, None, PIXEL, asked)
    radius, weights = ratio(found, pair)
    assert np.median(weights[radius < 11].real) == pytest.approx(1, abs=1e-5)
    # RELION rounds to a whole shell, here 12
    assert np.median(weights[radius == 12].real) == pytest.approx(0.5, abs=1e-4)
    assert np.abs(weights[(radius > 13.1) & (radius < 20)]).max() < 1e-3
    negative = postprocess(*pair, None, PIXEL, PostprocessSettings(low_pass_angstrom=-1.0))
    assert negative.low_pass_angstrom == negative.resolution_angstrom


def test_the_fall_off_of_a_detector_is_divided_out():
    frequency = np.linspace(0, 0.5, 6)
    detector = Mtf(frequency, 1 - 1.2 * frequency, PIXEL / 2)
    # half a pixel of the map per pixel of the detector: radius r is r / BOX / 2 there
    blurred = shaped(np.random.default_rng(4), lambda r: 1 - 1.2 * r / BOX / 2)
    pair = (blurred, blurred + 1e-4 * shaped(np.random.default_rng(5), np.ones_like))
    sharp = shaped(np.random.default_rng(4), np.ones_like)
    found = postprocess(*pair, None, PIXEL, PostprocessSettings(mtf=detector, weight_by_fsc=False))
    np.testing.assert_allclose(found.sharpened, sharp, atol=1e-3)
    assert found.guinier.mtf_corrected is not None
    np.testing.assert_allclose(found.guinier.mtf_corrected, found.guinier.weighted)
    assert found.guinier.mtf_corrected[20] > found.guinier.original[20] + 0.2


def test_maps_that_never_agree_have_no_resolution():
    random = np.random.default_rng(9)
    first = random.standard_normal((BOX,) * 3)
    found = postprocess(first, -first, None, PIXEL)
    assert found.resolution_angstrom is None
    assert "none" in summary_text(found)


def test_files_are_those_of_relion(pair, tmp_path):
    result = postprocess(*pair, MASK, PIXEL, PostprocessSettings(b_factor=FitRange(20.0)))
    files = write_postprocessed(tmp_path / "postprocess", result, SourceNames("a_half1.mrc", "a_half2.mrc", "m.mrc"))
    names = ["postprocess.mrc", "postprocess_masked.mrc", "postprocess_fsc.xml", "postprocess.star"]
    assert [file.name for file in files] == names
    assert sorted(names) == sorted(path.name for path in tmp_path.iterdir())
    np.testing.assert_array_equal(read_map(files[0]).density, result.sharpened)
    np.testing.assert_array_equal(read_map(files[1]).density, result.masked)
    tables = read_star(files[3])
    general, fsc, guinier = tables["general"], tables["fsc"], tables["guinier"]
    assert general["rlnUnfilteredMapHalf2"] == "a_half2.mrc"
    assert general["rlnMaskName"] == "m.mrc"
    assert float(general["rlnFinalResolution"]) == pytest.approx(result.resolution_angstrom, abs=1e-6)
    assert float(general["rlnBfactorUsedForSharpening"]) == pytest.approx(result.b_factor_angstrom2, abs=1e-5)
    assert float(general["rlnParticleBoxFractionSolventMask"]) == pytest.approx(MASK.size / MASK.sum(), abs=1e-5)
    assert float(general["rlnRandomiseFrom"]) == pytest.approx(EXTENT / result.curves.randomised_from, abs=1e-5)
    assert list(fsc) == [
        "rlnSpectralIndex",
        "rlnResolution",
        "rlnAngstromResolution",
        "rlnFourierShellCorrelationCorrected",
        "rlnFourierShellCorrelationParticleMaskFraction",
        "rlnFourierShellCorrelationUnmaskedMaps",
        "rlnFourierShellCorrelationMaskedMaps",
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
    ]
    corrected = fsc["rlnFourierShellCorrelationCorrected"].astype(float)
    np.testing.assert_allclose(corrected, result.curves.corrected, atol=1e-5)
    assert fsc["rlnAngstromResolution"][0] == "999.000000"
    assert float(guinier["rlnResolutionSquared"][20]) == pytest.approx(0.04)
    assert list(guinier)[1:] == [
        "rlnLogAmplitudesOriginal",
        "rlnLogAmplitudesWeighted",
        "rlnLogAmplitudesSharpened",
        "rlnLogAmplitudesIntercept",
    ]
    values = [float(y.text) for y in ElementTree.parse(files[2]).getroot().iter("y")]
    np.testing.assert_allclose(values, result.curves.corrected, atol=1e-6)


def test_without_a_mask_nothing_is_said_about_one(pair, tmp_path):
    result = postprocess(*pair, None, PIXEL)
    files = write_postprocessed(tmp_path / "p", result, SourceNames("a_half1.mrc", "a_half2.mrc"))
    assert [file.name for file in files] == ["p.mrc", "p_fsc.xml", "p.star"]
    tables = read_star(files[2])
    assert "rlnMaskName" not in tables["general"]
    assert len(tables["fsc"].columns) == 5


def test_the_summary_draws_the_curve_and_marks_the_resolution(pair):
    text = summary_text(postprocess(*pair, MASK, PIXEL, PostprocessSettings(b_factor=FitRange(20.0))))
    assert "final resolution (FSC 0.143)" in text
    assert "B-factor" in text
    marked = [line for line in text.splitlines() if "◄" in line]
    assert len(marked) == 1
    bars = [line.count("█") for line in text.splitlines() if "█" in line]
    assert bars[0] == 30
    assert bars[-1] < 10
