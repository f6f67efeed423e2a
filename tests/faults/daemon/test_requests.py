"""Requests of clients to a real daemon: each key is done once and answered each time; hostile words are words."""

import time
import uuid

import pytest

from halfmap.daemon.client import JobState, Refused
from halfmap.engine.simulation import simulate
from tests.faults.daemon.harness import TINY, new_bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    made = new_bench(folder / "bench", simulate(TINY, folder / "simulated").root)
    made.start()
    made.watch()
    yield made
    made.end()


def key() -> str:
    return f"{uuid.uuid4()}"


def test_a_submission_that_is_repeated_is_one_job(bench):
    jobs = {bench.submit("one key", hold=True) for _ in range(3)}
    assert len(jobs) == 1


def test_every_request_about_a_waiting_job_may_be_repeated(bench):
    job = bench.submit(hold=True)
    for _ in range(2):
        assert bench.ask(lambda client: client.prioritise(job, 7, "p")).priority == 7
    held = bench.submit(hold=True)
    for _ in range(2):
        assert bench.ask(lambda client: client.stop(held, "abort", "s")).state is JobState.ABORTED


def test_a_key_of_another_request_is_refused(bench):
    job = bench.submit("of a submission", hold=True)
    with pytest.raises(Refused, match="was used for something else"):
        bench.ask(lambda client: client.release(job, "of a submission"))


def test_a_job_does_not_begin_before_its_time(bench):
    begin = time.time() + 1.5
    job = bench.submit(begin=begin)
    assert bench.wait_for(job, JobState.QUEUED).reason.startswith("not before")
    row = bench.wait_for(job, JobState.RUNNING, JobState.FINISHED)
    assert begin <= row.started < begin + 2


def test_a_child_waits_for_its_parent_and_another_job_does_not(bench):
    parent = bench.submit(hold=True)
    name = bench.row(parent).name
    child = bench.submit(after=(name,))
    bench.wait_for(child, JobState.QUEUED)
    until = time.monotonic() + 5
    while not (reason := bench.row(child).reason) and time.monotonic() < until:
        time.sleep(0.02)
    assert reason == f"waits for {name.strip('/').rpartition('/')[2]}"
    assert bench.ended(bench.submit()).state is JobState.FINISHED
    bench.ask(lambda client: client.release(parent, key()))
    assert bench.ended(child).state is JobState.FINISHED


@pytest.mark.parametrize(
    "alias",
    ["../x", "a;rm -rf b", "$(id)", "a\nb", "\x1b]0;x\x07", "job7"],
    ids=["dots", "semicolon", "shell", "newline", "escape", "job"],
)
def test_hostile_names_are_refused_and_make_nothing(bench, alias):
    before = sorted(path.name for path in (bench.project / "Refine3D").iterdir())
    with pytest.raises(Refused):
        bench.submit(alias=alias)
    assert sorted(path.name for path in (bench.project / "Refine3D").iterdir()) == before


def test_options_are_words_and_never_a_command(bench):
    with pytest.raises(Refused):
        bench.ask(lambda client: client.submit(_with(bench, "; touch /tmp/halfmap-hostile"), key()))


def _with(bench, other: str):
    from halfmap.daemon.client import Submission

    return Submission(project=str(bench.project), options={"other_args": other})


def test_what_is_dropped_into_the_inbox_is_queued_once(bench):
    from halfmap.contract.job_star import write_job_star
    from halfmap.contract.refine3d import Refine3D

    inbox = bench.project / "halfmap/inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    options = {
        "in_optimisation": "Extract/job001/optimisation_set.star",
        "fn_ref": "Reference/reference.mrc",
        "nr_mpi": 2,
    }
    write_job_star(
        Refine3D.model_validate({**options, "sym_name": "C6", "particle_diameter": 160.0}), inbox / "mine.star"
    )
    until = time.monotonic() + 15
    while not (inbox / "accepted/mine.json").exists():
        assert time.monotonic() < until, list(inbox.rglob("*"))
        time.sleep(0.05)
    assert not (inbox / "mine.star").exists()


def test_half_a_file_in_the_inbox_is_told_to_be_no_job(bench):
    inbox = bench.project / "halfmap/inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "half.star").write_text("\ndata_job\n\n_rlnJobTypeLabel relion.refi")
    until = time.monotonic() + 20
    while not (inbox / "rejected/half.txt").exists():
        assert time.monotonic() < until, list(inbox.rglob("*"))
        time.sleep(0.1)
