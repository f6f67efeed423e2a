"""What fits into memory."""

import numpy as np
import pytest

from halfmap.engine.averaging.memory import (
    Load,
    cut_bytes,
    finishing_bytes,
    plan_load,
    series_bytes,
    slice_bytes,
    sums_bytes,
)
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.imaging.ctf import Microscope, TiltCtf
from halfmap.engine.particles.tilt_series import TiltSeries

SETTINGS = AverageSettings(128, 64)
ZEROS = np.zeros(40)
SERIES = TiltSeries("TS_01", 4.0, np.full(3, 900.0), -1.0, 1.0, np.tile(np.eye(3), (40, 1, 1)), np.zeros((40, 2)),
                    TiltCtf(*[ZEROS] * 7))  # fmt: skip
RECORDING = Recording(SERIES, Microscope(300.0, 2.7, 0.1), (), (1000, 900))
GB = 1 << 30


def held(load, settings=SETTINGS, halves=2):
    """What a load holds at most."""
    particle = 40 * (load.threads * cut_bytes(settings) + load.particles * slice_bytes(settings))
    return sums_bytes(settings) * halves + max(series_bytes(settings, RECORDING) + particle, finishing_bytes(settings))


def test_without_a_limit_all_threads_work():
    assert plan_load(SETTINGS, 2, [RECORDING], 4, None) == Load(4, 32)


def test_less_memory_is_fewer_particles_at_once_and_never_more_than_it_says():
    loads = [plan_load(SETTINGS, 2, [RECORDING], 8, gb) for gb in (0.7, 0.8, 0.9, 8.0)]
    assert [load.particles for load in loads] == sorted(load.particles for load in loads)
    assert loads[0].particles < loads[-1].particles == 64
    for gb, load in zip((0.7, 0.8, 0.9, 8.0), loads, strict=True):
        assert load.particles >= load.threads >= 1
        assert held(load) < gb * GB


def test_what_cannot_be_done_is_refused_with_what_is_needed():
    with pytest.raises(BadInput, match=r"--mem 0.5: \d\.\d+ GB are needed for a box of 128 px"):
        plan_load(SETTINGS, 2, [RECORDING], 8, 0.5)
