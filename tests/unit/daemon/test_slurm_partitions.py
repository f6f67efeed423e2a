import asyncio

import pytest

from halfmap.daemon.clock import SystemClock
from halfmap.daemon.lanes import Lanes
from halfmap.daemon.records import PartitionRow
from halfmap.daemon.slurm_partitions import SlurmPartitions, read_partitions

ANSWER = """gpu*|up|2-00:00:00|2|96/32/0/128|gpu:a100:4
gpu*|up|2-00:00:00|1|0/64/0/64|gpu:h100:8
long|down|infinite|4|0/0/256/256|(null)
a line of a wrapper
"""


def test_a_partition_is_told_once_whatever_kinds_of_nodes_it_has():
    gpu, long = read_partitions(ANSWER)
    assert gpu == PartitionRow(
        name="gpu",
        is_default=True,
        is_up=True,
        time_limit="2-00:00:00",
        nodes=3,
        cores=192,
        cores_free=96,
        generic_resources=("gpu:a100:4", "gpu:h100:8"),
    )
    assert (long.name, long.is_up, long.cores_free, long.generic_resources) == ("long", False, 0, ())


def asked(tmp_path, script: str) -> SlurmPartitions:
    """Ask a sinfo that is a script."""
    program = tmp_path / "sinfo"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)

    async def ask() -> SlurmPartitions:
        partitions = SlurmPartitions({"PATH": f"{tmp_path}:/usr/bin:/bin"}, Lanes(), SystemClock())
        partitions.refresh()
        await partitions.settled()
        partitions.refresh()  # too soon: nothing is asked
        return partitions

    return asyncio.run(ask())


def test_slurm_is_asked_on_the_path_of_the_daemon_and_not_again_at_once(tmp_path):
    found = asked(tmp_path, f"echo x >> {tmp_path}/calls; printf 'gpu*|up|1:00|1|0/8/0/8|(null)\\n'")
    assert [row.name for row in found.rows] == ["gpu"]
    assert (tmp_path / "calls").read_text() == "x\n"


def test_a_controller_that_does_not_answer_is_told_in_slurms_words(tmp_path):
    found = asked(tmp_path, "echo 'sinfo: error: Unable to contact slurm controller' >&2; exit 1")
    assert found.rows == ()
    assert "Unable to contact slurm controller" in found.problem


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_without_slurm_there_are_no_partitions_and_no_problem(path):
    async def ask() -> SlurmPartitions:
        partitions = SlurmPartitions({"PATH": path}, Lanes(), SystemClock())
        partitions.refresh()
        await partitions.settled()
        return partitions

    found = asyncio.run(ask())
    assert (found.rows, found.problem) == ((), "")
