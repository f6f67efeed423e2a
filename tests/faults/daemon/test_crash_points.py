"""SIGKILL at every effect of the daemon: nothing is lost, nothing is done twice, nothing is claimed that is not so."""

import pytest

from tests.faults.daemon.sweep import points, swept

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("point", points())
def test_a_daemon_that_dies_there_keeps_all_promises(bench, point):
    assert swept(bench, point) == []
