"""SIGKILL of the daemon at random moments; `make faults` does it a thousand times."""

import pytest

from tests.faults.daemon.customer import kill_under_requests
from tests.faults.daemon.random_kills import kill_at_random


@pytest.mark.slow
def test_a_daemon_that_is_killed_again_and_again_loses_nothing_and_starts_nothing_twice(bench):
    assert kill_at_random(bench, kills=25, seed=1) == []


@pytest.mark.slow
def test_a_daemon_that_is_killed_amid_requests_answers_them_all_and_once(bench_with_cards):
    assert kill_under_requests(bench_with_cards, kills=25, seed=2) == []
