"""A real Slurm of one node: what is handed to it runs once, is followed in its words, and goes on when requeued."""

import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from halfmap.daemon.attempt_files import (
    Exit,
    Identity,
    Spec,
    attempt_folder,
    fence,
    read_exit,
    read_identity,
    write_spec,
)
from halfmap.daemon.slurm import Asked, OverSlurm, SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_states import SlurmJob, Standing, end_without_word, standing
from halfmap.daemon.slurm_words import Phase
from halfmap.daemon.state import AttemptState
from tests.slurm.cluster import CARDS, PARTITION, Cluster, cluster, missing_programs, processes_with, until

pytestmark = pytest.mark.slow

STARTS_PER_KILL = 4

RANK = """
import os, sys, time
from pathlib import Path
from mpi4py import MPI
world, ledger, go = MPI.COMM_WORLD, sys.argv[1], Path(sys.argv[2])
words = os.environ["HALFMAP_ATTEMPT"], os.environ.get("SLURM_RESTART_COUNT", "0"), world.rank, world.size, os.getpid()
file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(file, (" ".join(map(str, words)) + "\\n").encode())
world.Barrier()
end = time.monotonic() + 60
while not go.exists() and time.monotonic() < end:
    time.sleep(0.02)
"""

NOTE = """#!/bin/sh
echo "$HALFMAP_ATTEMPT ${SLURM_RESTART_COUNT:-0} $$" >> "$1"
sleep "$2"
"""


@pytest.fixture(scope="module")
def needed() -> None:
    """Slurm's programs; without them tests are skipped, or fail where that is asked for."""
    if missing := missing_programs():
        message = f"Slurm is not installed: no {', '.join(missing)} (apt-get install slurm-wlm munge)"
        if os.environ.get("CI") == "true" and os.environ.get("HALFMAP_SLURM") == "required":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="module")
def slurm(needed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("slurm")) as running:
        yield running


class Attempt:
    """An attempt with a program that waits until it is told to end."""

    def __init__(self, slurm: Cluster, project: Path) -> None:
        self.slurm, self.uuid = slurm, str(uuid4())
        self.queue = OverSlurm(slurm.environ)
        self.project = project / "it's a 100%j project"
        self.project.mkdir(exist_ok=True)
        self.folder = attempt_folder(self.project / f"Refine3D/job-{self.uuid}", 1)
        self.ledger, self._go = self.project / f"ledger-{self.uuid}", self.project / f"go-{self.uuid}"

    def start(self, ranks: int = 1, cards: int = 0, partition: str = PARTITION, seconds: int = 60) -> int | None:
        (self.project / "rank.py").write_text(RANK)
        (self.project / "note.sh").write_text(NOTE)
        (self.project / "note.sh").chmod(0o755)
        mpiexec = (str(Path(sys.executable).with_name("mpiexec")), "-n", f"{ranks}")
        command = (*mpiexec, sys.executable, "rank.py", str(self.ledger), str(self._go))
        note = (str(self.project / "note.sh"), str(self.ledger), f"{seconds}")
        self._write_spec(command if ranks > 1 else note)
        launcher = self.queue.asking(Asked(partition, ranks=ranks, cards=cards))
        return launcher.start(self.folder, self.spec).slurm_job

    def _write_spec(self, argv: tuple[str, ...]) -> None:
        self.spec = Spec(
            uuid=self.uuid,
            job=1,
            number=1,
            project=str(self.project),
            job_folder="Refine3D/job001/",
            output_root="Refine3D/job001/run",
            argv=argv,
            environment={"PATH": os.environ["PATH"], "HYDRA_LAUNCHER": "fork"},
            standard_output="run.out",
            standard_error="run.err",
            slurm=True,
        )
        write_spec(self.folder, self.spec)

    def end(self) -> None:
        self._go.touch()

    def job(self) -> SlurmJob | None:
        return self.queue.look([self.uuid]).get(self.uuid)

    def standing(self) -> Standing:
        return standing(self.job())

    def until_phase(self, phase: Phase, seconds: float = 30) -> None:
        until(lambda: self.standing().phase is phase, seconds, phase)

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.ledger.read_text().splitlines()] if self.ledger.exists() else []

    def until_lines(self, count: int) -> None:
        until(lambda: len(self.lines()) >= count, 30, f"{count} lines in the ledger")

    def identity(self) -> Identity | None:
        return read_identity(self.folder)

    def exit(self) -> Exit | None:
        return read_exit(self.folder)

    def submissions(self) -> list[str]:
        return self.slurm.call("squeue", "-h", "-t", "all", f"--name=hm-{self.uuid}", "-o", "%i").split()

    def processes(self) -> list[int]:
        return processes_with(f"HALFMAP_ATTEMPT={self.uuid}")


@pytest.fixture
def attempt(slurm: Cluster, tmp_path: Path) -> Iterator[Attempt]:
    one = Attempt(slurm, tmp_path)
    yield one
    one.queue.cancel(one.uuid)
    until(lambda: not one.processes(), 20, "the end of all processes")


def test_three_ranks_run_in_the_allocation_and_how_they_ended_is_written_down(attempt):
    assert attempt.start(ranks=3, cards=2) is not None
    attempt.until_lines(3)
    assert sorted((rank, size) for _, _, rank, size, _ in attempt.lines()) == [("0", "3"), ("1", "3"), ("2", "3")]
    found = attempt.standing()
    assert found == Standing(Phase.RUNNING, "runs in Slurm, on localhost")
    attempt.end()
    attempt.until_phase(Phase.ENDED)
    job, exit_ = attempt.job(), attempt.exit()
    assert (job and job.state, exit_ and exit_.code) == ("COMPLETED", 0)
    assert exit_ is not None
    assert exit_.left == ()
    assert (attempt.folder / "slurm.out").read_text() == ""


def test_a_client_that_died_between_sbatch_and_writing_the_number_down_gets_the_same_number(attempt):
    first = attempt.start()
    assert first == attempt.start() == OverSlurm(attempt.slurm.environ).find(attempt.uuid)
    attempt.until_lines(1)
    assert attempt.start() == first
    assert attempt.submissions() == [str(first)]


def test_a_job_that_ran_and_left_slurms_memory_is_not_run_again(attempt):
    attempt.folder.mkdir(parents=True)
    assert fence(attempt.folder, attempt.uuid)
    assert attempt.start() is None
    assert attempt.submissions() == []


def test_an_attempt_that_was_fenced_off_while_it_waited_starts_nothing(attempt):
    attempt.slurm.call("scontrol", "update", f"PartitionName={PARTITION}", "State=DOWN")
    try:
        attempt.start()
        until(lambda: "the partition is down (PartitionDown)" in attempt.standing().words, what="the reason")
        assert fence(attempt.folder, attempt.uuid)
    finally:
        attempt.slurm.call("scontrol", "update", f"PartitionName={PARTITION}", "State=UP")
    attempt.until_phase(Phase.ENDED)
    assert attempt.lines() == []
    assert "must not start any more" in (attempt.folder / "slurm.out").read_text()


def test_a_job_says_why_it_waits_and_starts_when_there_is_room(slurm, tmp_path, attempt):
    first = Attempt(slurm, tmp_path)
    first.start(cards=CARDS)
    first.until_lines(1)
    attempt.start(cards=1)
    until(lambda: "are in use (Resources)" in attempt.standing().words, what="the reason")
    first.queue.cancel(first.uuid)
    attempt.until_lines(1)


def test_a_cancelled_job_leaves_no_process_and_is_told_as_cancelled(attempt):
    attempt.start(ranks=3)
    attempt.until_lines(3)
    assert len(attempt.processes()) >= 3
    attempt.queue.cancel(attempt.uuid)
    attempt.until_phase(Phase.ENDED)
    assert attempt.processes() == []
    end = end_without_word(attempt.job(), has_started=True, silent_s=60)
    assert end is not None
    assert end[0] is AttemptState.ABORTED


def test_a_signal_reaches_the_shim_which_ends_the_ranks_and_says_so(attempt):
    attempt.start(ranks=3)
    attempt.until_lines(3)
    attempt.queue.signal(attempt.uuid, "TERM")
    until(attempt.exit, what="exit.json")
    exit_ = attempt.exit()
    assert exit_ is not None
    assert exit_.told_to_stop
    attempt.until_phase(Phase.ENDED)
    assert attempt.processes() == []


def test_a_job_that_is_queued_again_goes_on_as_its_next_start(attempt):
    number = attempt.start(ranks=3)
    attempt.until_lines(3)
    attempt.slurm.call("scontrol", "requeue", f"{number}")
    attempt.until_phase(Phase.WAITING)
    assert "to go on from its last whole iteration" in attempt.standing().words
    until(lambda: not attempt.processes(), what="the end of the first start")
    time.sleep(2)  # Slurm refuses a start in the second in which it ended the last one, hence its own two minutes
    attempt.slurm.call("scontrol", "update", f"JobId={number}", "StartTime=now")
    attempt.until_lines(6)
    assert [line[1] for line in attempt.lines()] == ["0"] * 3 + ["1"] * 3
    job, identity = attempt.job(), attempt.identity()
    assert (job and job.restarts, job and job.id) == (1, number)
    assert (identity and identity.restart) == 1
    attempt.end()
    attempt.until_phase(Phase.ENDED)
    exit_ = attempt.exit()
    assert exit_ is not None
    assert exit_.code == 0


def test_a_held_job_says_what_lets_it_go_on(attempt):
    attempt.slurm.call("scontrol", "update", f"PartitionName={PARTITION}", "State=DOWN")
    try:
        number = attempt.start()
        attempt.slurm.call("scontrol", "hold", f"{number}")
    finally:
        attempt.slurm.call("scontrol", "update", f"PartitionName={PARTITION}", "State=UP")
    until(lambda: attempt.standing().phase is Phase.STUCK, what="the hold")
    assert "hold" in attempt.standing().words
    attempt.slurm.call("scontrol", "release", f"{number}")
    attempt.until_lines(1)


@pytest.mark.parametrize(
    ("wish", "said"), [({"partition": "nope"}, "partition"), ({"cards": 99}, "node configuration")]
)
def test_what_slurm_refuses_is_told_in_its_words(attempt, wish, said):
    with pytest.raises(SlurmRefused, match=said):
        attempt.start(**wish)


@pytest.mark.parametrize(("delay", "seconds"), [(0.0, 6), (0.4, 2), (0.8, 6), (1.2, 2)])
def test_a_controller_killed_right_after_starts_makes_no_attempt_start_twice_and_loses_none(
    needed, tmp_path, delay, seconds
):
    # a cluster for each kill: it gives two jobs one number, and takes the node out of service for it
    with cluster(tmp_path / "slurm") as slurm:
        attempts = [Attempt(slurm, tmp_path) for _ in range(STARTS_PER_KILL)]
        for attempt in attempts:
            attempt.start(seconds=seconds)
            time.sleep(0.2)
        until(lambda: any(attempt.lines() for attempt in attempts), what="a start")
        time.sleep(delay)
        slurm.restart_controller()
        for attempt in attempts:
            until(partial(_asked_for_again, attempt, seconds), what="Slurm's answer")
            assert len(attempt.submissions()) <= 1
        slurm.until_in_service()
        # Slurm has forgotten some that run, and starts some a second time: the shims of these start nothing
        until(lambda: all(attempt.lines() or attempt.standing().may_run for attempt in attempts), what="every attempt")
        until(lambda: slurm.undrain() or all(map(_is_settled, attempts)), what="the end in Slurm")
        until(lambda: not any(attempt.processes() for attempt in attempts), what="the end of all processes")
        starts = [tuple(line[:2]) for attempt in attempts for line in attempt.lines()]
        assert len(starts) == len(set(starts))


def _is_settled(attempt: Attempt) -> bool:
    return attempt.standing().phase in (Phase.ENDED, Phase.UNSEEN, Phase.STUCK)


def _asked_for_again(attempt: Attempt, seconds: int) -> bool:
    try:
        attempt.start(seconds=seconds)
    except SlurmUnavailable:
        return False
    return True


def test_without_its_controller_nothing_is_known_and_nothing_taken_for_gone(needed, tmp_path):
    with cluster(tmp_path / "slurm") as slurm:
        attempt = Attempt(slurm, tmp_path)
        attempt.start()
        attempt.until_lines(1)
        slurm.kill_controller()
        with pytest.raises(SlurmUnavailable, match="slurm"):
            attempt.job()
        assert attempt.processes()
