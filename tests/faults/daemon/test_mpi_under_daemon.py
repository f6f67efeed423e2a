"""Three real ranks under a real daemon, and something of it killed: what is left is counted from outside."""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from halfmap.daemon.cards import Card, CardProcess
from halfmap.daemon.client import STOP_MODES, JobState
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.project_lock import held
from tests.faults.daemon.harness import Bench, identity_of

pytestmark = pytest.mark.slow

NAME = "Refine3D/job001/"
MPIEXEC = Path(sys.executable).with_name("mpiexec")
LAUNCHER = """#!/bin/sh
echo "$HALFMAP_ATTEMPT $$" >> {ledger}
while [ $# -gt 0 ]; do [ "$1" = --pipeline_control ] && job=$2; shift; done
exec {mpiexec} -n 3 {python} -m mpi4py {ranks} "$job" {what} {beside}
"""
RANKS = """
import os, pathlib, signal, sys, time
from mpi4py import MPI

job, what, beside = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
rank = MPI.COMM_WORLD.Get_rank()
if "deaf" in what:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
if "daemonises" in what and rank == 2 and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", "600." + str(beside.stat().st_ino)], {})
    os._exit(0)
MPI.COMM_WORLD.Barrier()
(beside / f"up{rank}").touch()
while not (beside / "enough").exists():
    if "obeys" in what and (job / "RELION_JOB_ABORT_NOW").exists():
        break
    if "hangs" in what and (job / "RELION_JOB_ABORT_NOW").exists():
        if rank == 0:
            (job / "RELION_JOB_EXIT_ABORTED").touch()
            os._exit(0)
    time.sleep(0.02)
if (job / "RELION_JOB_ABORT_NOW").exists() and rank == 0:
    (job / "RELION_JOB_EXIT_ABORTED").touch()
MPI.COMM_WORLD.Barrier()
sys.exit(2 if (job / "RELION_JOB_ABORT_NOW").exists() and rank == 0 else 0)
"""


def until(happens: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"it did not happen within {seconds} s"
        time.sleep(0.02)


class Ranks:
    """A running job of three ranks."""

    def __init__(self, bench: Bench, what: str) -> None:
        self.bench = bench
        self.beside = bench.root / "beside"
        self.beside.mkdir(exist_ok=True)
        self.words = (str(self.beside), f"600.{self.beside.stat().st_ino}")
        (self.beside / "ranks.py").write_text(RANKS)
        text = LAUNCHER.format(
            ledger=bench.ledger, mpiexec=MPIEXEC, python=sys.executable, ranks=self.beside / "ranks.py",
            what=what, beside=self.beside,
        )  # fmt: skip
        (bench.root / "program").write_text(text)
        self.job = 0

    def start(self) -> "Ranks":
        self.bench.start()
        self.bench.watch()
        self.job = self.bench.submit()
        self.bench.wait_for(self.job, JobState.RUNNING)
        return self.is_up()

    def is_up(self) -> "Ranks":
        until(lambda: all((self.beside / f"up{rank}").exists() for rank in range(3)))
        return self

    @property
    def shim(self) -> int:
        return int(identity_of(self.bench, NAME)["process_id"])

    @property
    def mpiexec(self) -> int:
        return int(self.bench.starts()[-1][1])

    def rank(self, number: int) -> int:
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                entries = path.read_bytes().split(b"\0")
                mark = f"HALFMAP_ATTEMPT={self.bench.starts()[-1][0]}".encode()
                if mark in entries and f"PMI_RANK={number}".encode() in entries:
                    return int(path.parent.name)
        raise AssertionError(f"there is no rank {number}")

    def left(self) -> dict[int, str]:
        """What exists of it, found by its words and not by marks, sessions or descent."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").split("\0")
                if any(word in self.words for word in words) and not _is_zombie(path.parent):
                    found[int(path.parent.name)] = " ".join(words)
        return found

    def stopped(self, mode: str = "abort") -> JobState:
        self.bench.ask(lambda client: client.stop(self.job, mode, f"stop {mode}"))
        return self.bench.ended(self.job).state

    def nothing_is_left(self) -> None:
        """Neither of the ranks nor of the shim, once the job is said to have ended."""
        assert self.left() == {}
        assert self.bench.violations() == []

    def end(self) -> None:
        for pid in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(") ")[2][0] == "Z"


@pytest.fixture
def ranks(bench):
    made = []

    def make(what: str) -> Ranks:
        made.append(Ranks(bench, what))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_ranks_that_are_left_alone_finish(ranks):
    one = ranks("works").start()
    (one.beside / "enough").touch()
    row = one.bench.ended(one.job)
    assert (row.state, row.reason) == (JobState.FINISHED, "")
    one.nothing_is_left()


@pytest.mark.parametrize("mode", STOP_MODES[1:])
@pytest.mark.parametrize("what", ["obeys", "deaf"])
def test_a_stop_leaves_nothing(ranks, mode, what):
    one = ranks(what).start()
    assert one.stopped(mode) is JobState.ABORTED
    one.nothing_is_left()


def test_a_harder_stop_replaces_a_gentler_one(ranks):
    one = ranks("deaf").start()
    one.bench.ask(lambda client: client.stop(one.job, "after_iteration", "gently"))
    time.sleep(1)
    assert one.bench.row(one.job).state is JobState.STOPPING
    assert len(one.left()) >= 3, "no iteration has ended"
    assert one.stopped("kill") is JobState.ABORTED
    one.nothing_is_left()


@pytest.mark.parametrize("mode", STOP_MODES[1:])
@pytest.mark.parametrize("what", ["obeys", "deaf"])
def test_ranks_without_their_shim_are_followed_and_can_be_stopped(ranks, mode, what):
    one = ranks(what).start()
    os.kill(one.shim, signal.SIGKILL)
    time.sleep(1)
    assert one.bench.row(one.job).state is JobState.RUNNING
    assert one.stopped(mode) is JobState.ABORTED
    one.nothing_is_left()


def test_ranks_without_their_shim_may_finish(ranks):
    one = ranks("works").start()
    os.kill(one.shim, signal.SIGKILL)
    time.sleep(0.5)
    (one.bench.project / NAME / "RELION_JOB_EXIT_SUCCESS").touch()
    (one.beside / "enough").touch()
    assert one.bench.ended(one.job).state is JobState.FINISHED
    until(lambda: not one.left(), 5)


def test_a_rank_that_hangs_after_the_job_said_it_ended_is_removed_without_a_shim_too(ranks):
    one = ranks("hangs-deaf").start()
    os.kill(one.shim, signal.SIGKILL)
    assert one.stopped("abort") is JobState.ABORTED
    until(lambda: not one.left(), 5)


def test_a_grandchild_that_hid_before_the_shim_was_killed_is_removed_by_a_stop(ranks):
    """It has neither mark nor session nor parent of the attempt; the daemon saw it while the shim held it."""
    one = ranks("works-daemonises").start()
    hidden = f"600.{one.beside.stat().st_ino}"
    until(lambda: any(hidden in words for words in one.left().values()))
    time.sleep(0.6)  # a look of the daemon
    os.kill(one.shim, signal.SIGKILL)
    time.sleep(0.7)
    assert any(hidden in words for words in one.left().values())
    assert one.stopped("terminate") is JobState.ABORTED
    until(lambda: not one.left(), 5)


def test_a_killed_mpiexec_is_a_failure_that_is_told(ranks):
    one = ranks("works").start()
    os.kill(one.mpiexec, signal.SIGKILL)
    row = one.bench.ended(one.job)
    assert (row.state, row.reason) == (JobState.FAILED, "killed by SIGKILL")
    one.nothing_is_left()


@pytest.mark.parametrize("number", range(3))
def test_a_killed_rank_is_a_failure_that_is_told(ranks, number):
    one = ranks("works").start()
    os.kill(one.rank(number), signal.SIGKILL)
    row = one.bench.ended(one.job)
    assert row.state is JobState.FAILED
    assert "9" in row.reason or "SIGKILL" in row.reason
    one.nothing_is_left()


@pytest.mark.parametrize("has_shim", [True, False])
def test_a_rank_that_is_held_is_removed_by_a_stop(ranks, has_shim):
    one = ranks("obeys").start()
    os.kill(one.rank(1), signal.SIGSTOP)
    if not has_shim:
        os.kill(one.shim, signal.SIGKILL)
    assert one.stopped("abort") is JobState.ABORTED
    one.nothing_is_left()


def test_a_shim_that_is_held_does_not_keep_a_stop(ranks):
    one = ranks("deaf").start()
    os.kill(one.shim, signal.SIGSTOP)
    assert one.stopped("terminate") is JobState.ABORTED
    one.nothing_is_left()


@pytest.mark.parametrize("seconds", [0.0, 0.3, 0.6, 1.0])
def test_a_stop_goes_on_after_the_daemon_was_killed_on_the_ladder(ranks, seconds):
    one = ranks("deaf").start()
    one.bench.ask(lambda client: client.stop(one.job, "abort", "the stop"))
    time.sleep(seconds)
    one.bench.kill()
    one.bench.start()
    assert one.bench.ended(one.job).state is JobState.ABORTED
    one.nothing_is_left()


def test_everything_but_the_ranks_is_killed_and_a_later_daemon_stops_them(ranks):
    one = ranks("deaf").start()
    one.bench.kill()
    os.kill(one.shim, signal.SIGKILL)
    one.bench.start()
    assert one.bench.row(one.job).state is JobState.RUNNING
    assert one.stopped("terminate") is JobState.ABORTED
    one.nothing_is_left()


def test_a_card_that_is_taken_between_the_lease_and_the_start_starts_nothing(bench_with_cards):
    """The start waits for RELION's lock, with its card leased, while a colleague starts on that card."""
    bench = bench_with_cards
    fake = bench.root / "cards.json"
    bench.start()
    bench.watch()
    job = bench.submit(cards=2, hold=True)
    bench.wait_for(job, JobState.HELD)
    anna = CardProcess(4711, "anna", "cryosparc", 11.2 * 1024)
    with held(bench.project):
        bench.ask(lambda client: client.release(job, "release"))
        until(lambda: bench.table("SELECT 1 FROM lease"), 4)
        write_fake(fake, [Card("GPU-0", 0, "", 24576.0), Card("GPU-1", 1, "", 24576.0, 11468.8, processes=(anna,))])
    until(lambda: bench.table("SELECT 1 FROM attempt WHERE state = 'not_started'"))
    row = bench.wait_for(job, JobState.QUEUED)
    assert "card 1 used by anna, pid 4711 cryosparc, 11.2 GB" in row.reason
    [first] = bench.table("SELECT * FROM attempt")
    assert "anna" in first["reason"]
    assert json.loads((bench.project / NAME / "halfmap/attempt-001/exit.json").read_text())["refused"]
    assert bench.starts() == []
    assert bench.table("SELECT * FROM lease") == []
    write_fake(fake, 2)
    assert bench.ended(job).state is JobState.FINISHED
    assert [line[0] != first["uuid"] for line in bench.starts()] == [True]
    assert bench.violations() == []
