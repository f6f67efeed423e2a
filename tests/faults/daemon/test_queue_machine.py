"""Random orders of requests, ends, crashes and changes of cards, each held against a plain model."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.daemon.queue_machine import QueueMachine


@pytest.mark.slow
def test_the_daemon_comes_to_what_its_model_comes_to():
    few = settings(
        max_examples=12,
        stateful_step_count=20,
        deadline=None,
        derandomize=True,
        # what fails takes seconds to come to rest, or to be found not to: it is told as it was found
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(QueueMachine, settings=few)
