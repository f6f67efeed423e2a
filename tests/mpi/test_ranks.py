"""One, two, three and five ranks: the same half sets, the same maps; failures that end all ranks."""

import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile

from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.progress import IterationFinished, PhaseProgress, RunFailed, read_progress
from tests.faults.conftest import OPTIONS
from tests.mpi.conftest import MPIEXEC, Launch, command, environment

# Particles are aligned alike on whatever rank; only float64 sums are made in another order.
SAME_SUMS = 1e-5
ITERATIONS = ("--auto_iter_max", "3")


@pytest.fixture(scope="module")
def alone(launch: Launch, shared_project: Path) -> Path:
    launch(1, *ITERATIONS, job="Alone")
    return shared_project / "Alone"


def half_map(job: Path, half: int) -> np.ndarray:
    return mrcfile.read(job / f"run_it003_half{half}_class001.mrc")


def particles(job: Path) -> "starfile.DataBlock":
    return starfile.read(job / "run_it003_data.star")["particles"]


@pytest.mark.parametrize("ranks", [2, 3, pytest.param(5, marks=pytest.mark.slow)])
def test_ranks_share_the_work_and_give_the_same_answer(
    launch: Launch, shared_project: Path, alone: Path, ranks: int
) -> None:
    launch(ranks, *ITERATIONS, job=f"Ranks{ranks}")
    job = shared_project / f"Ranks{ranks}"
    assert (particles(job).rlnRandomSubset == particles(alone).rlnRandomSubset).all()
    for half in (1, 2):
        expected = half_map(alone, half)
        assert np.abs(half_map(job, half) - expected).max() <= SAME_SUMS * np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [("--j", "2"), ("--preread_images",), ("--pool", "1"), ("--deterministic",)],
    ids=" ".join,
)
def test_how_the_work_is_done_does_not_change_the_answer(
    launch: Launch, shared_project: Path, alone: Path, options: tuple[str, ...]
) -> None:
    job = "How" + "".join(options).strip("-")
    launch(3, *ITERATIONS, *options, job=job)
    expected = half_map(alone, 1)
    found = half_map(shared_project / job, 1)
    assert np.abs(found - expected).max() <= SAME_SUMS * np.abs(expected).max()


@pytest.mark.slow
def test_sums_combined_through_disc_are_those_of_the_network_and_leave_no_file(
    launch: Launch, shared_project: Path, alone: Path
) -> None:
    words = [word for word in OPTIONS if word != "--dont_combine_weights_via_disc"]
    ran = subprocess.run(
        command(5, [*words, *ITERATIONS, "--o", "Disc/run", "--pipeline_control", "Disc/"]),
        cwd=shared_project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found, expected = half_map(shared_project / "Disc", 2), half_map(alone, 2)
    assert np.abs(found - expected).max() <= SAME_SUMS * np.abs(expected).max()
    assert not list((shared_project / "Disc").glob(".*")), "hidden files of the exchange must be gone"


@pytest.mark.slow
def test_deterministic_runs_give_the_same_bits(launch: Launch, shared_project: Path) -> None:
    for job in ("Bits1", "Bits2"):
        launch(5, *ITERATIONS, "--deterministic", "--j", "2", "--pool", "1", job=job)
    for half in (1, 2):
        first, second = (half_map(shared_project / job, half) for job in ("Bits1", "Bits2"))
        assert first.tobytes() == second.tobytes()


def test_an_even_number_of_ranks_above_two_is_refused(launch: Launch, shared_project: Path) -> None:
    ran = launch(4, job="Even", check=False)
    assert ran.returncode != 0
    assert "4 ranks cannot be shared out" in ran.stderr
    assert not (shared_project / "Even").exists()


def test_a_launcher_that_does_not_belong_to_the_library_is_refused_on_the_first_line(
    launch: Launch, shared_project: Path
) -> None:
    ran = launch(1, job="Mixed", check=False, HALFMAP_NRANKS="3")
    assert ran.returncode == ExitCode.LAUNCH_MISMATCH
    assert "asked for 3 ranks, but MPI reports 1" in ran.stderr
    assert not (shared_project / "Mixed").exists()


def test_bad_input_is_told_once_by_all_ranks_together(launch: Launch) -> None:
    ran = launch(3, "--sym", "X9", job="Told", check=False)
    assert ran.returncode != 0
    assert ran.stderr.count("--sym is 'X9'") == 1


def launch_altered(program: str, folder: Path, project: Path, *more: str, job: str) -> subprocess.CompletedProcess[str]:
    """Run a program text that alters the engine and then calls it, on three ranks; `folder` holds the text."""
    script = folder / "altered.py"
    script.write_text(program)
    words = [*OPTIONS, *more, "--o", f"{job}/run", "--pipeline_control", f"{job}/"]
    return subprocess.run(
        [str(MPIEXEC), "-n", "3", sys.executable, "-m", "mpi4py", str(script), *words],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


FAILING_PROGRAM = """
import sys
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.program import main
from mpi4py import MPI

def fail(*arguments):
    raise RuntimeError("this rank's memory is gone")

if MPI.COMM_WORLD.rank == 2:
    CpuBackend.scores = CpuBackend.correlations = fail
sys.exit(main(sys.argv[1:]))
"""


def test_one_rank_that_fails_ends_all_with_its_message(shared_project: Path, tmp_path: Path) -> None:
    start = time.monotonic()
    ran = launch_altered(FAILING_PROGRAM, tmp_path, shared_project, job="Fails")
    assert ran.returncode != 0
    assert "rank 2: RuntimeError: this rank's memory is gone" in ran.stderr
    assert (shared_project / "Fails" / "RELION_JOB_EXIT_FAILURE").exists()
    assert isinstance(read_progress(shared_project / "Fails" / "run_progress.jsonl")[-1], RunFailed)
    assert time.monotonic() - start < 60, "the other ranks must not wait"


SLOW_PROGRAM = """
import sys, time
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.program import main
from mpi4py import MPI

scores = CpuBackend.scores
def slow_scores(*arguments):
    time.sleep(0.5)
    return scores(*arguments)

if MPI.COMM_WORLD.rank == 1:
    CpuBackend.scores = slow_scores
before = time.process_time(), time.monotonic()
code = main(sys.argv[1:])
print(f"\\nrank {MPI.COMM_WORLD.rank} used {(time.process_time() - before[0]) / (time.monotonic() - before[1]):.3f}")
sys.exit(code)
"""


def test_ranks_that_wait_sleep(shared_project: Path, tmp_path: Path) -> None:
    ran = launch_altered(SLOW_PROGRAM, tmp_path, shared_project, "--auto_iter_max", "2", job="Sleeps")
    assert ran.returncode == 0, ran.stderr
    used = {int(line.split()[1]): float(line.split()[3]) for line in ran.stdout.split("\n") if " used " in line}
    assert used[0] < 0.5, f"the leader spins: {used}"
    assert used[2] < 0.5, f"a worker that waits for its half's partner spins: {used}"


@pytest.mark.parametrize("options", [(), ("--deterministic",)], ids=" ".join)
def test_the_leader_hears_of_all_particles_and_of_nothing_twice(
    launch: Launch, shared_project: Path, options: tuple[str, ...]
) -> None:
    job = "Hears" + "".join(options).strip("-")
    launch(3, "--auto_iter_max", "2", "--pool", "1", *options, job=job)
    events = read_progress(shared_project / job / "run_progress.jsonl")
    told = [event for event in events if isinstance(event, PhaseProgress) and event.phase == "expectation"]
    assert [event.iteration for event in told if event.fraction == 1] == [1, 2]
    assert max(event.fraction for event in told) == 1


COUNTING_PROGRAM = """
import sys, time
from threadpoolctl import threadpool_info
from halfmap.engine.program import main
from halfmap.engine.reporting.run_log import RunLog
from mpi4py import MPI

phase, widest = RunLog.phase, [0]
def counted(self, *words):
    widest[0] = max(widest[0], *(pool["num_threads"] for pool in threadpool_info()))
    return phase(self, *words)
RunLog.phase = counted

before = time.process_time(), time.monotonic()
code = main(sys.argv[1:])
used = (time.process_time() - before[0]) / (time.monotonic() - before[1])
print(f"\\nrank {MPI.COMM_WORLD.rank} used {used:.3f} widest {widest[0]}")
sys.exit(code)
"""


def test_a_rank_uses_no_more_cores_than_it_has_threads(shared_project: Path, tmp_path: Path) -> None:
    """Products are made in the threads that ask for them; reading ahead and writing take next to nothing."""
    ran = launch_altered(COUNTING_PROGRAM, tmp_path, shared_project, *ITERATIONS, "--j", "1", job="Cores")
    assert ran.returncode == 0, ran.stderr
    told = [line.split() for line in ran.stdout.split("\n") if " widest " in line]
    assert sorted(words[1] for words in told) == ["0", "1", "2"]
    assert max(float(words[3]) for words in told) < 1.15
    assert max(int(words[5]) for words in told) <= 1, "a product is shared out over threads of its own"


def test_every_iteration_leaves_a_record(alone: Path) -> None:
    finished = [event for event in read_progress(alone / "run_progress.jsonl") if isinstance(event, IterationFinished)]
    assert [event.iteration for event in finished] == [1, 2, 3]
