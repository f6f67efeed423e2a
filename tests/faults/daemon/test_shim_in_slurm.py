"""The shim as a batch script starts it: again after Slurm took the job back, never twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from halfmap import contract
from halfmap.contract.job_directory import Marker, iteration_files
from halfmap.daemon.attempt_files import fence
from halfmap.daemon.launcher import SHIM
from tests.faults.daemon.shim_run import JOB, ShimRun, shell

PACKAGES = (str(Path(contract.__file__).parents[2]),)


@pytest.fixture
def attempt(tmp_path):
    made = []

    def make(script: str, *again: str) -> ShimRun:
        more = {"slurm": True, "continue_argv": again, "package_paths": PACKAGES}
        made.append(ShimRun(tmp_path, shell(script), **more))
        return made[-1]

    yield make
    for run in made:
        run.sweep()


def start(run: ShimRun, restart: int) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "SLURM_RESTART_COUNT": f"{restart}", "SLURM_JOB_ID": "5"}
    argv = [sys.executable, "-I", "-S", str(SHIM), str(run.folder)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=30)


def ledger(run: ShimRun) -> list[str]:
    path = run.job / "ledger"
    return path.read_text().splitlines() if path.exists() else []


def test_what_slurm_took_back_goes_on_from_the_last_whole_iteration_once(attempt):
    script = f'echo "$SLURM_JOB_ID $0" >> {JOB}ledger; exit 2'
    run = attempt(script, "/bin/sh", "-c", script, "{optimiser}")
    assert start(run, 0).returncode == 2
    for number, files in ((3, 7), (4, 5)):  # of the latter not all was written
        for path in iteration_files(f"{run.job}/run", number)[:files]:
            path.write_text("whole")
    assert start(run, 1).returncode == 2
    assert ledger(run) == ["5 /bin/sh", f"5 {JOB}run_it003_optimiser.star"]
    assert run.identity.restart == 1
    assert json.loads((run.folder / "exit-0.json").read_text())["code"] == 2


def test_what_has_no_iterations_is_told_to_go_on_with_what_it_left(attempt):
    script = f"echo $0 $1 >> {JOB}ledger; exit 2"
    run = attempt(script, "/bin/sh", "-c", script, "program", "--only_do_unfinished")
    for restart in (0, 1):
        assert start(run, restart).returncode == 2
    assert ledger(run) == ["/bin/sh", "program --only_do_unfinished"]


@pytest.mark.parametrize("restart", [0, 1])
def test_a_second_start_with_the_same_count_does_nothing(attempt, restart):
    run = attempt(f"echo started >> {JOB}ledger; exit 2")
    for count in range(restart + 1):
        assert start(run, count).returncode == 2
    before = (ledger(run), run.markers(), run.identity, run.exit)
    second = start(run, restart)
    assert second.returncode == 75
    assert "started before" in second.stderr
    assert (ledger(run), run.markers(), run.identity, run.exit) == before


def test_without_a_whole_iteration_it_starts_over(attempt):
    run = attempt(f"echo over >> {JOB}ledger; exit 2", "/bin/false", "{optimiser}")
    start(run, 0)
    assert start(run, 1).returncode == 2
    assert ledger(run) == ["over", "over"]


def test_a_request_to_end_holds_when_slurm_starts_again(attempt):
    run = attempt("exit 2")
    start(run, 0)
    (run.job / Marker.ABORT_NOW).touch()
    start(run, 1)
    assert run.markers() == {"EXIT_ABORTED", "ABORT_NOW"}


@pytest.mark.parametrize("before", ["fenced", "finished"])
def test_what_was_fenced_or_has_finished_is_not_started_again(attempt, before):
    run = attempt(f"echo started >> {JOB}ledger")
    if before == "fenced":
        assert fence(run.folder, run.uuid)
    else:
        assert start(run, 0).returncode == 0
    ran = ledger(run)
    assert start(run, 1).returncode == 75
    assert ledger(run) == ran


def test_a_later_start_that_comes_first_cannot_be_fenced(attempt):
    run = attempt("exit 0")
    assert start(run, 2).returncode == 0
    assert not fence(run.folder, run.uuid)
    assert start(run, 1).returncode == 75
