"""Disks that are full, cannot be written, hang or give back garbage: nothing new is started, and nothing is lost."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halfmap.daemon.client import Client, JobQuery, JobState, Refused
from tests.faults.daemon.harness import Bench

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(bench: Bench):
    """A file system of its own for the store, of 2 MB."""
    state = bench.root / "state"
    state.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(state)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield state
    bench.kill()
    subprocess.run(["umount", "--lazy", str(state)], check=True)


def fill(folder: Path) -> Path:
    """Take the last byte of a disk."""
    path = folder / "filling"
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return path


def submitted_until_refused(bench: Bench, folder: Path) -> list:
    """Submit held jobs until the disk is full; the database has some room in its files still."""
    taken: list = []
    for number in range(500):
        fill(folder)
        try:
            taken.append(bench.submit(f"held {number}", hold=True))
        except Refused as refused:
            return taken if refused.refusal.code == "unavailable" else [refused.refusal.message]
    raise AssertionError("a full disk was never noticed")


def mode(bench: Bench) -> str:
    return bench.ask(lambda client: client.status()).mode


def listed(bench: Bench) -> dict[int, JobState]:
    page = bench.ask(lambda client: client.jobs(JobQuery(limit=500)))
    return {row.job: row.state for row in page.jobs}


def wait_until(holds, what: str, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_a_full_disk_keeps_jobs_from_starting_and_neither_ends_those_that_run_nor_hides_them(bench, small_disk):
    bench.program(rounds=30)
    bench.start()
    bench.watch()
    running = bench.submit("the first")
    name = bench.wait_for(running, JobState.RUNNING).name
    taken = submitted_until_refused(bench, small_disk)
    assert mode(bench) == "paused"
    assert listed(bench).keys() == {running, *taken}
    wait_until((bench.project / name / "RELION_JOB_EXIT_SUCCESS").exists, "the running job was ended")
    assert not bench.is_dead()
    (small_disk / "filling").unlink()
    assert bench.wait_for(running, JobState.FINISHED).attempt == 1
    late = bench.submit("late")
    assert bench.ended(late).state is JobState.FINISHED
    assert mode(bench) == "ok"
    assert bench.violations() == []
    assert bench.kills == 0


def test_a_daemon_that_dies_on_a_full_disk_is_started_again_and_shows_what_it_knows(bench, small_disk):
    bench.start()
    bench.watch()
    first = bench.submit("the first")
    assert bench.ended(first).state is JobState.FINISHED
    bench.kill()
    fill(small_disk)
    bench.start()
    assert not bench.is_dead(), (bench.root / "daemon.out").read_text()
    assert listed(bench)[first] is JobState.FINISHED
    (small_disk / "filling").unlink()
    bench.kill()
    bench.start()
    assert bench.ended(bench.submit("late")).state is JobState.FINISHED
    assert bench.violations() == []


def test_a_daemon_that_was_ended_and_is_started_on_a_full_disk_shows_what_it_knows(bench, small_disk):
    bench.start()
    bench.watch()
    first = bench.submit("the first")
    assert bench.ended(first).state is JobState.FINISHED
    bench.kill(signal.SIGTERM)
    fill(small_disk)
    bench.start()
    assert not bench.is_dead(), (bench.root / "daemon.out").read_text()
    assert mode(bench) == "paused"
    assert listed(bench) == {first: JobState.FINISHED}


def test_a_store_that_can_only_be_read_is_shown_and_nothing_is_started(bench, small_disk):
    bench.start()
    bench.watch()
    first = bench.submit("the first")
    assert bench.ended(first).state is JobState.FINISHED
    waits = bench.submit("the second", hold=True)
    bench.kill()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    bench.start()
    assert not bench.is_dead(), (bench.root / "daemon.out").read_text()
    assert mode(bench) == "paused"
    assert listed(bench) == {first: JobState.FINISHED, waits: JobState.HELD}
    with pytest.raises(Refused) as refused:
        bench.submit("the third")
    assert refused.value.refusal.code == "unavailable"
    bench.kill()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    bench.start()
    bench.ask(lambda client: client.release(waits, "release"))
    assert bench.ended(waits).state is JobState.FINISHED
    assert bench.violations() == []


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7, 0.99])
def test_a_journal_that_was_cut_off_starts_nothing_a_second_time(bench, kept):
    bench.start()
    bench.watch()
    jobs = [bench.submit(f"job {number}") for number in range(3)]
    for job in jobs:
        bench.ended(job)
    bench.kill()
    journal = bench.root / "state/store.sqlite-wal"
    os.truncate(journal, int(journal.stat().st_size * kept))
    bench.start()
    assert not bench.is_dead(), (bench.root / "daemon.out").read_text()
    if mode(bench) == "recovery":
        rebuild(bench)
        bench.start()
    bench.watch()
    # those that the store forgot are found where they are, and those that it knows come to the same end
    wait_until(lambda: len(bench.starts()) >= 3 and all(state.has_ended for state in listed(bench).values()), "no end")
    assert len({line[0] for line in bench.starts()}) == len(bench.starts())
    assert set(listed(bench).values()) == {JobState.FINISHED}


def rebuild(bench: Bench) -> str:
    bench.kill()
    command = [sys.executable, "-c", "import sys; from halfmap.commands import main; sys.exit(main())"]
    done = subprocess.run(
        [*command, "rebuild", str(bench.project)], env=bench.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_store_of_garbage_is_left_as_it_is_and_restored_from_the_job_folders(bench):
    bench.program(rounds=60)
    bench.start()
    bench.watch()
    bench.program(rounds=2)
    done = bench.submit("done")
    bench.ended(done)
    bench.program(rounds=60)
    runs = bench.submit("runs")
    name = bench.wait_for(runs, JobState.RUNNING).name
    waits = bench.submit("waits", hold=True)
    bench.kill()
    store = bench.root / "state/store.sqlite"
    for beside in store.parent.glob("store.sqlite-*"):
        beside.unlink()
    store.write_bytes(b"garbage " * 5000)
    before = digest(store)
    bench.start()
    status = bench.ask(lambda client: client.status())
    assert status.mode == "recovery"
    assert "rebuild" in status.reason
    with pytest.raises(Refused):
        bench.submit("meanwhile")
    assert digest(store) == before
    assert name in rebuild(bench)
    assert [digest(path) for path in store.parent.glob("store-unreadable-*.sqlite")] == [before]
    bench.start()
    found = listed(bench)
    assert len(found) == 3
    assert sorted(found.values()) == [JobState.FINISHED, JobState.HELD, JobState.RUNNING]
    row = bench.ask(lambda client: client.find(name, None))
    assert bench.ended(row.job).state is JobState.FINISHED
    assert bench.violations() == []
    assert waits


def test_a_second_daemon_says_that_one_runs_and_ends(bench):
    bench.start()
    second = subprocess.run(
        [sys.executable, "-m", "halfmap.daemon"], env=bench.environ, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert str(bench.process.pid) in second.stderr
    assert mode(bench) == "ok"


def test_a_lock_of_somebody_else_is_waited_for_and_told(bench):
    bench.start()
    bench.watch()
    lock = bench.project / ".relion_lock"
    lock.mkdir()
    (lock / "lock_default_pipeline.star").write_text("RELION's GUI\n")
    job = bench.submit("the key")
    row = bench.row(job)
    assert row.state is JobState.PREPARING
    assert ".relion_lock" in row.reason
    shutil.rmtree(lock)
    assert bench.ended(job).state is JobState.FINISHED
    assert bench.violations() == []


def test_a_project_whose_files_do_not_answer_stops_that_project_alone(bench, simulated):
    toml = bench.root / "daemon.toml"
    toml.write_text(toml.read_text().replace("[ticks]\n", "[ticks]\nhung_s = 0.5\n"))
    other = bench.root / "other"
    shutil.copytree(simulated, other)
    bench.start()
    bench.watch()
    bench.ask(lambda client: client.watch(str(other), "the other"))
    pipeline = other / "default_pipeline.star"
    real = pipeline.read_bytes()
    pipeline.unlink()
    os.mkfifo(pipeline)  # whoever opens it waits, like a file of a server that is gone
    wait_until(lambda: trouble(bench, other) != "", "nobody noticed")
    assert "has not answered" in trouble(bench, other)
    assert trouble(bench, bench.project) == ""
    assert bench.ended(bench.submit("the key")).state is JobState.FINISHED
    pipeline.rename(pipeline.with_name("fifo"))
    pipeline.write_bytes(real)
    os.close(os.open(pipeline.with_name("fifo"), os.O_WRONLY | os.O_NONBLOCK))
    wait_until(lambda: trouble(bench, other) == "", "it answers again, and nobody noticed")


def trouble(bench: Bench, project: Path) -> str:
    async def story(client: Client) -> str:
        return next(row.trouble for row in await client.projects() if row.project == str(project))

    return bench.ask(story)
