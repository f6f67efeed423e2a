from pathlib import Path

import pytest

from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, new_bench


@pytest.fixture(scope="session")
def simulated(tmp_path_factory) -> Path:
    return simulate(TINY, tmp_path_factory.mktemp("simulated") / "project").root


@pytest.fixture
def bench(tmp_path, simulated):
    made = new_bench(tmp_path / "bench", simulated)
    yield made
    made.end()


@pytest.fixture
def bench_with_cards(tmp_path, simulated):
    made = new_bench(tmp_path / "bench", simulated, cards=2)
    yield made
    made.end()
