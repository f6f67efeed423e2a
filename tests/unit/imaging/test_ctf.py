"""The contrast transfer function, against the textbook formula and known numbers."""

import math

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import Microscope, TiltCtf, ctf_phase, ctf_values, dose_weight

TITAN = Microscope(300.0, 2.7, 0.1)


def tilts(**changes):
    values = {
        "defocus_u_angstrom": 30000.0,
        "defocus_v_angstrom": 30000.0,
        "defocus_angle_deg": 0.0,
        "phase_shift_deg": 0.0,
        "dose": 0.0,
        "bfactor_angstrom2": 0.0,
        "scale": 1.0,
    } | changes
    return TiltCtf(**{name: np.array([value]) for name, value in values.items()})


def at(*frequencies):
    fx, fy = np.array(frequencies, float).T
    return fx, fy


def textbook(u, azimuth_deg, defocus_u, defocus_v, angle_deg, shift_deg=0.0, scope=TITAN):
    """sin(πλ·δ(azimuth)·u² − ½πCsλ³u⁴ + phase shift + asin Q0), with δ = mean + ½ difference·cos 2(azimuth − angle)."""
    wavelength = 12.2643247 / math.sqrt(scope.voltage_kv * 1e3 * (1 + 0.978466e-6 * scope.voltage_kv * 1e3))
    mean, difference = (defocus_u + defocus_v) / 2, defocus_u - defocus_v
    defocus = mean + difference / 2 * math.cos(2 * math.radians(azimuth_deg - angle_deg))
    spherical = math.pi / 2 * scope.spherical_aberration_mm * 1e7 * wavelength**3 * u**4
    contrast = math.asin(scope.amplitude_contrast)
    return math.sin(math.pi * wavelength * defocus * u**2 - spherical + math.radians(shift_deg) + contrast)


# published values, in Å
@pytest.mark.parametrize(("kilovolt", "angstrom"), [(300, 0.019687), (200, 0.025079), (120, 0.033492)])
def test_the_wavelength_of_electrons_is_known(kilovolt, angstrom):
    assert Microscope(kilovolt, 2.7, 0.1).wavelength_angstrom == pytest.approx(angstrom, abs=1e-6)


# trap 11: sign −sin γ, the azimuth of astigmatism, Q0 through the arc tangent
@pytest.mark.parametrize("u", [0.01, 0.03, 0.055])
@pytest.mark.parametrize("azimuth_deg", [0, 30, 90, -45])
@pytest.mark.parametrize("angle_deg", [0.0, 30.0, -60.0])
def test_the_ctf_agrees_with_the_textbook(u, azimuth_deg, angle_deg):
    azimuth = math.radians(azimuth_deg)
    some = tilts(defocus_u_angstrom=32000.0, defocus_v_angstrom=27000.0, defocus_angle_deg=angle_deg)
    found = ctf_values(some, TITAN, *at((u * math.cos(azimuth), u * math.sin(azimuth))))
    assert found[0, 0] == pytest.approx(textbook(u, azimuth_deg, 32000, 27000, angle_deg), abs=1e-9)


# trap 11
def test_defocus_u_counts_along_its_own_azimuth():
    some = tilts(defocus_u_angstrom=32000.0, defocus_v_angstrom=27000.0, defocus_angle_deg=90.0)
    along_x, along_y = ctf_values(some, TITAN, *at((0.02, 0), (0, 0.02)))[0]
    assert along_x == pytest.approx(textbook(0.02, 0, 27000, 27000, 0), abs=1e-9)
    assert along_y == pytest.approx(textbook(0.02, 0, 32000, 32000, 0), abs=1e-9)


def test_a_phase_plate_shifts_the_phase():
    found = ctf_values(tilts(phase_shift_deg=90.0), TITAN, *at((0.02, 0.01)))
    assert found[0, 0] == pytest.approx(textbook(math.hypot(0.02, 0.01), 0, 30000, 30000, 0, 90.0), abs=1e-9)


# trap 11
def test_at_the_origin_the_ctf_is_the_amplitude_contrast():
    assert ctf_values(tilts(), TITAN, *at((0, 0)))[0, 0] == pytest.approx(0.1)


def test_the_phase_is_what_the_sine_is_taken_of():
    frequencies = at((0.02, 0.01), (0.05, 0))
    np.testing.assert_allclose(
        -np.sin(ctf_phase(tilts(), TITAN, *frequencies)), ctf_values(tilts(), TITAN, *frequencies), atol=1e-12
    )


# trap 12: N_e(0.1 1/Å) = 14.14 e/Å², and after N_e the amplitude is down to e^−½
def test_after_the_critical_exposure_the_amplitude_is_down_to_the_root_of_one_over_e():
    critical = 0.245 * 0.1**-1.665 + 2.81
    assert critical == pytest.approx(14.14, abs=0.005)
    assert dose_weight(np.array([[14.14]]), np.array([0.1]))[0, 0] == pytest.approx(0.6065, abs=1e-4)
    assert dose_weight(np.array([[critical]]), np.array([0.1]))[0, 0] == pytest.approx(math.exp(-0.5))


# trap 12
def test_dose_takes_nothing_away_at_the_origin_and_more_at_high_frequencies():
    found = dose_weight(np.array([[0.0], [50.0]]), np.array([0.0, 0.05, 0.2]))
    assert found[0].tolist() == [1, 1, 1]
    assert found[1, 0] == 1
    assert found[1, 1] > found[1, 2] > 0


def test_dose_and_scale_multiply_the_ctf():
    frequencies = at((0.03, 0.01))
    plain = ctf_values(tilts(), TITAN, *frequencies)
    found = ctf_values(tilts(dose=20.0, scale=0.8), TITAN, *frequencies)
    u = math.hypot(0.03, 0.01)
    expected = plain * 0.8 * math.exp(-20 / (2 * (0.245 * u**-1.665 + 2.81)))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# trap 14: with a negative dose a B-factor takes the dose filter's place
def test_a_b_factor_counts_only_where_there_is_no_dose():
    frequencies = at((0.03, 0.0))
    plain = ctf_values(tilts(), TITAN, *frequencies)
    by_bfactor = ctf_values(tilts(dose=-1.0, bfactor_angstrom2=200.0), TITAN, *frequencies)
    np.testing.assert_allclose(by_bfactor, plain * math.exp(-200 / 4 * 0.03**2), rtol=1e-9)
    np.testing.assert_allclose(ctf_values(tilts(bfactor_angstrom2=200.0), TITAN, *frequencies), plain)


def test_before_the_first_peak_the_ctf_can_be_left_intact():
    # πλδu² reaches π/2 − asin 0.1 at u = 0.0281 1/Å, whatever comes after stays as it is
    inside, beyond = at((0.0, 0.0), (0.02, 0.0)), at((0.035, 0.0), (0.05, 0.01))
    assert ctf_values(tilts(), TITAN, *inside, intact_first_peak=True).tolist() == [[1, 1]]
    with_peak, without = (ctf_values(tilts(), TITAN, *beyond, intact_first_peak=flag) for flag in (True, False))
    np.testing.assert_array_equal(with_peak, without)
    damped = ctf_values(tilts(dose=-1.0, bfactor_angstrom2=200.0), TITAN, *inside, intact_first_peak=True)
    np.testing.assert_allclose(damped, [[1, math.exp(-0.02)]])


# trap 54
def test_values_near_zero_are_moved_away_from_it_keeping_their_sign():
    tiny = ctf_values(tilts(scale=1e-12), TITAN, *at((0.0, 0.0)))
    negative = ctf_values(tilts(scale=-1e-12), TITAN, *at((0.0, 0.0)))
    assert (tiny[0, 0], negative[0, 0]) == (1e-8, -1e-8)


def test_each_tilt_image_has_its_own_parameters():
    both = TiltCtf(
        *(
            np.array(pair)
            for pair in ([2e4, 3e4], [2e4, 3e4], [0.0, 0.0], [0.0, 0.0], [0.0, 9.0], [0.0, 0.0], [1.0, 0.5])
        )
    )
    found = ctf_values(both, TITAN, *at((0.02, 0.0), (0.03, 0.0)))
    first = ctf_values(tilts(defocus_u_angstrom=2e4, defocus_v_angstrom=2e4), TITAN, *at((0.02, 0.0), (0.03, 0.0)))
    second = ctf_values(tilts(dose=9.0, scale=0.5), TITAN, *at((0.02, 0.0), (0.03, 0.0)))
    np.testing.assert_allclose(found, np.concatenate([first, second]))
