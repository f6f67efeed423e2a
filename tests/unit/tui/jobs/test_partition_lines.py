from halfmap.daemon.client import HostRow, PartitionRow
from halfmap.tui.text.card_cells import partition_lines

HOST = HostRow(host="head", cores=8, cores_leased=0, memory_mb=1000, memory_leased_mb=0)
GPU = PartitionRow(
    name="gpu",
    is_default=True,
    time_limit="2-00:00:00",
    nodes=3,
    cores=192,
    cores_free=96,
    generic_resources=("gpu:a100:4",),
)


def test_a_partition_tells_what_is_free_what_it_has_and_how_long_a_job_may_run():
    (line,) = partition_lines(HOST.model_copy(update={"partitions": (GPU,)}))
    assert line == "slurm:gpu (default)   cores free 96/192   3 nodes   gpu:a100:4   limit 2-00:00:00"


def test_a_partition_that_is_down_and_a_slurm_that_does_not_answer_say_so_harmlessly():
    down = GPU.model_copy(update={"is_up": False, "name": "g\x1bpu"})
    told = partition_lines(HOST.model_copy(update={"partitions": (down,), "slurm_problem": "no\x07 answer"}))
    assert "down" in told[0]
    assert told[1].startswith("Slurm: no")
    assert not any("\x1b" in line or "\x07" in line for line in told)


def test_without_slurm_nothing_is_told():
    assert partition_lines(HOST) == ()
