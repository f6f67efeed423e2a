"""The daemon and a real Slurm: jobs handed over, followed to their end, stopped in the queue and while they run."""

from collections.abc import Iterator

import pytest

from halfmap.daemon.client import JobState, Launch, Submission
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, Bench, new_bench, with_mark
from tests.slurm.cluster import cluster, missing_programs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_programs()), reason="Slurm is not installed (slurm-wlm, munge)"),
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("slurm")
    with cluster(folder / "cluster") as running:
        made = new_bench(folder / "bench", simulate(TINY, folder / "simulated").root)
        made.environ["SLURM_CONF"] = running.environ["SLURM_CONF"]
        settings = made.root / "daemon.toml"
        settings.write_text(settings.read_text().replace("[ticks]", "[ticks]\nslurm_s = 0.5"))
        made.start()
        made.watch()
        yield made
        made.end()


def test_a_job_goes_through_slurm_to_its_end(bench):
    row = bench.ended(bench.submit(place="slurm"), seconds=60)
    assert row.state is JobState.FINISHED, row.reason
    assert (bench.project / row.name / "RELION_JOB_EXIT_SUCCESS").exists()
    assert bench.violations() == []


def test_a_partition_that_is_not_there_holds_the_job_with_slurms_words(bench):
    job = bench.submit(place="slurm:nowhere")
    row = bench.wait_for(job, JobState.HELD, seconds=60)
    assert "partition" in row.reason.lower()
    bench.ask(lambda client: client.stop(job, "abort", "no more"))


def test_a_running_job_is_stopped_and_leaves_nothing(bench):
    # the harness writes the settings anew with the program
    text = (bench.root / "daemon.toml").read_text()
    bench.program(rounds=1200)
    (bench.root / "daemon.toml").write_text(text)
    job = bench.submit(place="slurm")
    bench.wait_for(job, JobState.RUNNING, seconds=60)
    bench.ask(lambda client: client.stop(job, "abort", "stop it"))
    assert bench.ended(job, seconds=60).state is JobState.ABORTED
    assert with_mark(bench.starts()[-1][0]) == []
    assert bench.violations() == []


def test_a_job_in_slurm_survives_the_daemon(bench):
    job = bench.submit(place="slurm")
    bench.wait_for(job, JobState.RUNNING, seconds=60)
    bench.kill()
    bench.start()
    assert bench.row(job).state is JobState.RUNNING
    bench.ask(lambda client: client.stop(job, "kill", "end it"))
    assert bench.ended(job, seconds=90).state is JobState.ABORTED
    assert bench.violations() == []


# the harness's ledger does not know the programs of other jobs than refinements: nothing that reads it comes after this
def test_an_extraction_goes_through_slurm_to_its_end(bench):
    options = {"use_direct_entries": "Yes", "in_particles": "picks.star", "in_tomograms": "tomograms.star",
               "box_size": "16", "nr_threads": "2"}  # fmt: skip
    asked = Submission(project=str(bench.project), kind="relion.pseudosubtomo", options=options,
                       launch=Launch(place="slurm"))  # fmt: skip
    row = bench.ended(bench.ask(lambda client: client.submit(asked, "extract")).job, seconds=60)
    assert (row.state, row.kind) == (JobState.FINISHED, "relion.pseudosubtomo"), row.reason
    assert (bench.project / row.name / "particles.star").is_file()
