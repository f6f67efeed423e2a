"""Sums that are kept."""

import numpy as np
import pytest

from halfmap.engine.averaging import partial
from halfmap.engine.averaging.partial import PartialSums, SumsKeeper
from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.fourier.backprojector import Accumulator

GEOMETRY = AverageSettings(8, 8).geometry
SUMS = {half: Accumulator(GEOMETRY, np.random.default_rng(half).random(GEOMETRY.shape)) for half in (1, 2)}
PARTIAL = PartialSums(("TS_01", "TS_03"), SUMS)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(partial, "KEEP_INTERVAL_S", 0.0)


def keeper(tmp_path, **record):
    return SumsKeeper(tmp_path / "temp" / "sums.npz", {"settings": "a", **record})


def test_sums_come_back_to_the_bit(tmp_path):
    keeper(tmp_path).keep(PARTIAL)
    found = keeper(tmp_path).kept(GEOMETRY)
    assert found.tomograms == PARTIAL.tomograms
    assert found.sums.keys() == SUMS.keys()
    for half, accumulator in SUMS.items():
        assert np.array_equal(found.sums[half].sums, accumulator.sums)


def test_nothing_is_kept_before_its_time_and_nothing_is_left_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(partial, "KEEP_INTERVAL_S", 100.0)
    patient = keeper(tmp_path)
    patient.keep(PARTIAL)
    assert patient.kept(GEOMETRY) is None
    patient.remove()
    monkeypatch.setattr(partial, "KEEP_INTERVAL_S", 0.0)
    patient.keep(PARTIAL)
    patient.remove()
    assert not list(tmp_path.iterdir())


def test_sums_of_other_input_are_refused_by_name(tmp_path):
    keeper(tmp_path, particles="1234").keep(PARTIAL)
    with pytest.raises(BadInput, match="particles was 1234 and is 5678"):
        keeper(tmp_path, particles="5678").kept(GEOMETRY)
    with pytest.raises(BadInput, match="motion was not there and is 1"):
        keeper(tmp_path, particles="1234", motion="1").kept(GEOMETRY)
