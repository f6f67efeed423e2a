"""Runs that are killed, stopped or fail on the way: what is left, and what continuing makes of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile

from halfmap.contract import job_directory
from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.progress import IterationFinished, RunAborted, RunFailed, read_progress
from halfmap.engine.program import main
from tests.faults.conftest import OPTIONS
from tests.mpi.conftest import command

ITERATIONS = 4
WORDS = [*OPTIONS, "--auto_iter_max", str(ITERATIONS)]
JOB = Path("Refine3D/job002")
# STAR files hold six digits, and the defocus at a particle's depth follows from the offset that a run starts with, so a
# continued run compares slightly different numbers (as RELION does): hardly a pose changes, and maps by a percent of
# their maximum at most where, as here, six particles make a half set.
SAME_MAPS = 0.02
SAME_POSES = 0.01  # degrees and Å


class Started:
    """A refinement in a session of its own, so that all its ranks can be killed at once."""

    def __init__(self, words: list[str], ranks: int = 1) -> None:
        self.process = subprocess.Popen(
            command(ranks, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, f"{path} did not appear"
            time.sleep(0.005)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        os.killpg(self.process.pid, number)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def start(project: Path) -> type[Started]:
    return Started


@pytest.fixture(scope="module")
def uninterrupted(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    job = tmp_path_factory.mktemp("whole")
    words = [*WORDS, "--o", f"{job}/run", "--pipeline_control", f"{job}/"]
    subprocess.run(command(1, words), cwd=tiny_project, check=True, capture_output=True)
    return job


def end_of(job: Path) -> tuple[np.ndarray, np.ndarray]:
    """The last map of half 1, and the poses."""
    last = f"run_it{ITERATIONS:03d}"
    poses = starfile.read(job / f"{last}_data.star")["particles"]
    names = ["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"]
    return mrcfile.read(job / f"{last}_half1_class001.mrc"), poses[names].to_numpy()


def assert_same_end(job: Path, uninterrupted: Path) -> None:
    (found, found_poses), (expected, expected_poses) = end_of(job), end_of(uninterrupted)
    assert np.abs(found - expected).max() <= SAME_MAPS * np.abs(expected).max()
    away = np.abs(found_poses - expected_poses).max(axis=1)
    assert np.sum(away > SAME_POSES) <= 1, "a pose is one of a grid: the same, or a whole step away"


@pytest.mark.parametrize(
    ("ranks", "moment_s"),
    [(1, 0.0), (3, 0.05), *(pytest.param(n, s, marks=pytest.mark.slow) for n in (1, 3) for s in (0.08, 0.14))],
)
def test_a_killed_run_loses_only_the_iteration_in_progress(
    start: type[Started], uninterrupted: Path, ranks: int, moment_s: float
) -> None:
    run = start(WORDS, ranks)
    run.wait_for(JOB / "run_it001_optimiser.star")
    time.sleep(moment_s)
    run.kill()
    last = job_directory.last_whole_iteration(str(JOB / "run"))
    assert 1 <= last <= ITERATIONS
    go_on = ["--continue", str(JOB / f"run_it{last:03d}_optimiser.star"), "--o", str(JOB / "run")]
    assert main([*go_on, "--auto_iter_max", str(ITERATIONS), "--pipeline_control", f"{JOB}/"]) == ExitCode.SUCCESS
    assert_same_end(JOB, uninterrupted)
    assert (JOB / "RELION_JOB_EXIT_SUCCESS").exists()
    finished = [event for event in read_progress(JOB / "run_progress.jsonl") if isinstance(event, IterationFinished)]
    assert [event.iteration for event in finished][-1] == ITERATIONS
    assert not list(JOB.glob(".*")), "no temporary file may be left"


def test_an_abort_file_ends_the_run_in_order(start: type[Started]) -> None:
    run = start([*WORDS, "--auto_iter_max", "99"])
    run.wait_for(JOB / "run_it001_optimiser.star")
    (JOB / "RELION_JOB_ABORT_NOW").touch()
    out, _ = run.process.communicate(timeout=30)
    assert run.process.returncode == ExitCode.ABORTED
    assert "RELION_JOB_ABORT_NOW was found" in out
    assert (JOB / "RELION_JOB_EXIT_ABORTED").exists()
    assert not (JOB / "RELION_JOB_EXIT_SUCCESS").exists()
    assert isinstance(read_progress(JOB / "run_progress.jsonl")[-1], RunAborted)


def test_an_abort_file_ends_all_ranks(start: type[Started]) -> None:
    run = start([*WORDS, "--auto_iter_max", "99"], 3)
    run.wait_for(JOB / "run_it001_optimiser.star")
    (JOB / "RELION_JOB_ABORT_NOW").touch()
    run.process.communicate(timeout=30)
    assert run.process.returncode == ExitCode.ABORTED
    assert (JOB / "RELION_JOB_EXIT_ABORTED").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_the_run_in_order(start: type[Started], number: signal.Signals) -> None:
    run = start([*WORDS, "--auto_iter_max", "99"])
    run.wait_for(JOB / "run_it001_optimiser.star")
    assert run.kill(number) == ExitCode.ABORTED
    assert (JOB / "RELION_JOB_EXIT_ABORTED").exists()


def wait_until_empty(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(folder.iterdir()), "copies are left on the scratch disc"


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("way", ["end", "SIGKILL"])
def test_copies_on_the_scratch_disc_are_removed(
    start: type[Started], tmp_path: Path, uninterrupted: Path, ranks: int, way: str
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = start([*WORDS, "--scratch_dir", str(scratch), "--keep_free_scratch", "0"], ranks)
    run.wait_for(JOB / "run_it001_optimiser.star")
    assert len(list(scratch.rglob("opticsgroup1_particle*.mrcs"))) == 12
    if way == "SIGKILL":
        run.kill()
    else:
        assert run.process.communicate(timeout=60)
        assert run.process.returncode == 0
        assert_same_end(JOB, uninterrupted)
    wait_until_empty(scratch)


def test_copies_are_removed_and_the_failure_told_when_the_run_fails(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("this rank's memory is gone")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("halfmap.engine.refinement.iteration.measure_changes", fail)
    assert main([*WORDS, "--scratch_dir", str(scratch), "--keep_free_scratch", "0"]) == ExitCode.FAILURE
    assert "RuntimeError: this rank's memory is gone" in capsys.readouterr().err
    wait_until_empty(scratch)
    assert (JOB / "RELION_JOB_EXIT_FAILURE").exists()
    assert isinstance(read_progress(JOB / "run_progress.jsonl")[-1], RunFailed)


def test_what_does_not_fit_on_the_scratch_disc_is_read_from_where_it_is(
    start: type[Started], tmp_path: Path, uninterrupted: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = start([*WORDS, "--scratch_dir", str(scratch), "--keep_free_scratch", "100000"])
    run.process.communicate(timeout=60)
    assert run.process.returncode == 0
    assert_same_end(JOB, uninterrupted)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_nothing_runs_on_after_a_rank_was_killed(start: type[Started], project: Path) -> None:
    run = start([*WORDS, "--auto_iter_max", "99"], 3)
    run.wait_for(JOB / "run_it001_optimiser.star")
    ranks = processes_in(project)
    assert len(ranks) >= 3
    os.kill(max(ranks), signal.SIGKILL)
    run.process.communicate(timeout=30)
    assert run.process.returncode != 0
    deadline = time.monotonic() + 10
    while processes_in(project) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes_in(project)


def processes_in(folder: Path) -> list[int]:
    """Engine processes that were started in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if b"halfmap.engine" in (entry / "cmdline").read_bytes() and (entry / "cwd").resolve() == folder.resolve():
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return [pid for pid in found if pid != os.getpid()]
