"""Three real MPI ranks below a real shim, and something is killed: what is left is counted, the end is the truth."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from halfmap.contract.job_directory import Marker
from halfmap.daemon.ends import classify
from halfmap.daemon.processes import ProcessSeen, is_alive, kill_all
from halfmap.daemon.records import StopMode
from halfmap.daemon.settings import Patience
from halfmap.daemon.state import AttemptState
from halfmap.daemon.stop_steps import Facts, Step, next_step
from tests.faults.daemon.shim_run import ShimRun, wait_until

pytestmark = pytest.mark.slow

MPIEXEC = str(Path(sys.executable).with_name("mpiexec"))
RANKS = 3
PATIENCE = Patience(abort_s=0.5, terminate_s=3, kill_s=3)
PROGRAM = """
import os, pathlib, signal, sys, time
from mpi4py import MPI

what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
rank = MPI.COMM_WORLD.Get_rank()
if what == "deaf":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
if what == "daemonises" and rank == 2 and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3):
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
        os.closerange(3, 1024)
        os.execve("/bin/sleep", ["sleep", "987." + str(folder.stat().st_ino)], {})
    os._exit(0)
MPI.COMM_WORLD.Barrier()
(folder / f"up{rank}").touch()
while not (folder / "enough").exists():
    time.sleep(0.02)
MPI.COMM_WORLD.Barrier()
"""


class Ranks(ShimRun):
    """An attempt with three ranks; `what` tells them what to do."""

    def __init__(self, root: Path, what: str) -> None:
        self.beside = root / "beside"
        self.beside.mkdir()
        script = self.beside / "ranks.py"
        script.write_text(PROGRAM)
        self.words = (str(script), f"987.{self.beside.stat().st_ino}")
        program = (sys.executable, "-m", "mpi4py", str(script), what, str(self.beside))
        super().__init__(root, (MPIEXEC, "-n", f"{RANKS}", *program))

    def wait_for_ranks(self) -> "Ranks":
        wait_until(lambda: all((self.beside / f"up{rank}").exists() for rank in range(RANKS)))
        return self

    def has_shim(self) -> bool:
        return self.identity is not None and is_alive(self.identity)

    def let_end(self) -> None:
        (self.beside / "enough").touch()

    def ranks(self) -> dict[int, ProcessSeen]:
        found = {one.rank: one for one in self.processes() if one.rank is not None and one.command.startswith("python")}
        assert found.keys() == set(range(RANKS))
        return found

    def launcher(self) -> int:
        return next(one.pid for one in self.processes() if one.parent == self.pid)

    def left(self) -> list[str]:
        """What exists of it, found by its words and not by what is being tested."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = path.read_bytes().decode(errors="replace").split("\0")
                if any(word in self.words for word in words):
                    found.append(" ".join(words))
        return found

    def end(self) -> tuple[AttemptState, str]:
        """How it ended, by its shim, which ends too."""
        wait_until(lambda: self.exit is not None and not self.has_shim())
        exit_ = self.exit
        assert exit_ is not None
        assert exit_.left == ()
        found = classify(exit_, frozenset(Marker(f"RELION_JOB_{name}") for name in self.markers()), False, False)
        assert found is not None
        return found

    def stop(self, mode: StopMode) -> list[Step]:
        """Climb the ladder until nothing is left; the steps taken."""
        taken: list[tuple[Step, float]] = []
        while processes := self.processes():
            now = time.monotonic()
            step = next_step(Facts(mode, tuple((one, now - when) for one, when in taken)), PATIENCE)
            if step is not Step.WAIT:
                taken.append((step, now))
            shim = [one for one in processes if one.pid == self.pid]
            if step is Step.TERMINATE:
                kill_all(shim or processes, signal.SIGTERM)
            elif step is Step.KILL:
                kill_all([one for one in processes if one not in shim] or shim, signal.SIGKILL)
            assert step is not Step.LEFT_OVER
            time.sleep(0.05)
        return [step for step, _ in taken]


@pytest.fixture
def ranks(tmp_path: Path) -> Iterator[Callable[[str], Ranks]]:
    """Make an attempt; what is left of it is killed at the end."""
    made = []

    def make(what: str) -> Ranks:
        made.append(Ranks(tmp_path, what))
        return made[-1]

    yield make
    for one in made:
        one.sweep()


def start(one: Ranks) -> Ranks:
    one.start()
    return one.wait_for_ranks()


def test_ranks_that_are_left_alone_finish(ranks):
    one = start(ranks("works"))
    one.let_end()
    assert one.end() == (AttemptState.FINISHED, "")
    assert one.left() == []
    assert one.markers() == {"EXIT_SUCCESS"}


def test_a_killed_daemon_harms_no_rank(ranks):
    one = ranks("works")
    code = (
        "import os, sys; from pathlib import Path; from halfmap.daemon.attempt_files import read_spec; "
        "from halfmap.daemon.launcher import OnThisMachine; folder = Path(sys.argv[1]); "
        "print(OnThisMachine().start(folder, read_spec(folder)).process_id, flush=True); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", code, str(one.folder)]
    daemon = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert daemon.returncode == -signal.SIGKILL
    one.pid = int(daemon.stdout)
    one.wait_for_ranks()
    assert one.has_shim()
    assert one.ranks()
    one.let_end()
    assert one.end() == (AttemptState.FINISHED, "")
    assert one.left() == []


def test_a_killed_shim_leaves_ranks_that_are_found_and_removed(ranks):
    one = start(ranks("works"))
    os.kill(one.pid, signal.SIGKILL)
    wait_until(lambda: not one.has_shim())
    assert one.ranks(), "they go on, and can be followed"
    one.stop("kill")
    assert one.left() == []
    assert one.exit is None
    assert classify(None, frozenset(), False, False)[0] is AttemptState.LOST


def test_a_killed_mpiexec_takes_its_ranks_with_it(ranks):
    one = start(ranks("works"))
    os.kill(one.launcher(), signal.SIGKILL)
    assert one.end() == (AttemptState.FAILED, "killed by SIGKILL")
    assert one.left() == []
    assert one.markers() == {"EXIT_FAILURE"}


@pytest.mark.parametrize("rank", range(RANKS))
def test_a_killed_rank_ends_all(ranks, rank):
    one = start(ranks("works"))
    os.kill(one.ranks()[rank].pid, signal.SIGKILL)
    state, reason = one.end()
    assert state is AttemptState.FAILED
    assert "9" in reason or "SIGKILL" in reason
    assert one.left() == []


@pytest.mark.parametrize("mode", ["terminate", "kill"])
def test_a_rank_that_is_held_is_removed_by_a_stop(ranks, mode):
    one = start(ranks("works"))
    os.kill(one.ranks()[1].pid, signal.SIGSTOP)
    assert one.stop(mode)[0] is Step(mode)
    state, _ = one.end()
    assert state is (AttemptState.ABORTED if mode == "terminate" else AttemptState.FAILED)
    assert one.left() == []


def test_ranks_that_ignore_every_request_are_removed(ranks):
    one = start(ranks("deaf"))
    assert one.stop("abort")[:2] == [Step.ABORT, Step.TERMINATE]
    assert one.end() == (AttemptState.ABORTED, "stopped on request")
    assert one.left() == []
    assert one.markers() == {"EXIT_ABORTED"}


def test_a_grandchild_that_made_itself_a_daemon_is_removed(ranks):
    one = start(ranks("daemonises"))
    wait_until(lambda: any(words.startswith("sleep") for words in one.left()))  # without its mark, in its own session
    one.let_end()
    assert one.end() == (AttemptState.FINISHED, "")
    assert one.left() == []
