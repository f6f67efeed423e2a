"""Each fault once; `make faults` does each several times."""

import os

import pytest

from tests.faults.daemon.cases import CASES, NEEDS_CARDS, NEEDS_ROOT
from tests.faults.daemon.harness import new_bench

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_no_promise_is_broken_when(case, tmp_path, simulated):
    if case in NEEDS_ROOT and os.getuid() != 0:
        pytest.skip("mounting a small disk needs root")
    bench = new_bench(tmp_path / "bench", simulated, cards=2 if case in NEEDS_CARDS else 0)
    try:
        assert case(bench) == [], bench.log()
    finally:
        bench.end()
