import numpy as np
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.simulation.settings import SimulationSettings, given


def test_all_problems_are_told_at_once():
    with pytest.raises(BadInput) as refused:
        SimulationSettings(pixel_size_angstrom=-1, tomograms=0, symmetry="Q3", hand=0)
    told = str(refused.value)
    assert len(refused.value.problems) == 5  # optics groups do not fit to 0 tomograms either
    for word in ("pixel_size_angstrom is -1", "0 tomograms", "'Q3'", "hand is 0"):
        assert word in told


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"snr": float("nan")}, "snr is nan"),
        ({"snr": 0.0}, "snr is 0"),
        ({"box_px": 33}, "boxes of 33 px"),
        ({"box_px": 32, "extraction_box_px": 24}, "the second no smaller"),
        ({"diameter_angstrom": 300.0}, "does not fit"),
        ({"tilt_range_deg": 90.0}, "below 90°"),
        ({"optics_groups": 2, "tomograms": 1}, "optics_groups is 2"),
        ({"particles": 1, "tomograms": 2}, "each needs one at least"),
        ({"defocus_max_angstrom": 20000.0}, "below defocus_min_angstrom"),
        ({"image_size_px": 101}, "must be even"),
        ({"pick_error_angstrom": -2.0}, "must not be negative"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(changes, complaint):
    with pytest.raises(BadInput, match=complaint):
        SimulationSettings(**changes)


def test_no_noise_at_all_can_be_asked_for():
    assert SimulationSettings(snr=np.inf).snr == np.inf


def test_particles_are_shared_out_evenly():
    assert SimulationSettings(particles=11, tomograms=3).particles_per_tomogram == (4, 4, 3)


def test_only_what_differs_from_the_defaults_was_given():
    assert given(SimulationSettings()) == {}
    assert given(SimulationSettings(box_px=40, half_sets=True, snr=0.05)) == {"box_px": 40, "half_sets": True}


def test_what_is_left_at_0_follows_from_the_rest():
    settings = SimulationSettings(box_px=40, pixel_size_angstrom=6, diameter_angstrom=200)
    assert (settings.extraction_px, settings.sigma_angstrom, settings.distance_angstrom) == (80, 3, 150)
    assert SimulationSettings(spacing_angstrom=99).distance_angstrom == 99
