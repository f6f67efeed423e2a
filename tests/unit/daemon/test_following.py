"""Following a job through its files: halfmap's events, RELION's files, and jobs that both had."""

import os
import shutil
import time
from pathlib import Path

import pytest

from halfmap.contract.job_directory import Marker
from halfmap.contract.progress import (
    IterationFinished,
    PhaseProgress,
    ProgressWriter,
    RunFailed,
    RunFinished,
    RunStarted,
)
from halfmap.daemon import run_text
from halfmap.daemon.following import Follower, all_iterations
from halfmap.daemon.run_text import GrowingText, Place, last_error, place_after

LOCAL_RUN = "Refine3D/job009"
STARTED = RunStarted(version="0.1.0", argv=(), ranks=3, threads=1, host="h", box_size_px=24)
EMPTY_BAR = '000/??? sec ~~(,_,">' + " " * 58 + "[oo]"


def bar(dots: int, end: str = "") -> str:
    return f'\r0.47/1.93 min {"." * dots}~~(,_,">{" " * (60 - dots)}[oo]{end}'


def write(folder: Path, *events) -> None:
    with ProgressWriter(folder / "run_progress.jsonl") as writer:
        for event in events:
            writer.write(event)


def numbers(look) -> list[int]:
    return [record["iteration"] for record in look.iterations]


class Project:
    """A job of RELION's that is written piece by piece, with times as if it were running."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.source, self.folder, self.now = source, folder, 1_700_000_000.0

    def write(self, *patterns: str) -> None:
        """Write some of the recorded files, now."""
        self.now += 100
        for pattern in patterns:
            for path in self.source.glob(pattern):
                shutil.copyfile(path, self.folder / path.name)
                os.utime(self.folder / path.name, (self.now, self.now))

    def write_iteration(self, number: int) -> None:
        self.write(f"run_it{number:03d}_*model.star", f"run_it{number:03d}_optimiser.star")
        self.now -= 100
        self.write(f"run_it{number:03d}_sampling.star")

    def write_joined(self) -> None:
        self.write("run_model.star", "run_optimiser.star", "run_sampling.star")

    def mark_as_halfmaps(self, number: int) -> None:
        optimiser = self.folder / f"run_it{number:03d}_optimiser.star"
        first, rest = optimiser.read_text().split("\n", 1)
        optimiser.write_text(first + " (written by halfmap)\n" + rest)
        os.utime(optimiser, (self.now, self.now))

    def say(self, text: str) -> None:
        with (self.folder / "run.out").open("a", newline="") as file:
            file.write(text)


@pytest.fixture
def relion_job(hiv_twin: Path, tmp_path: Path) -> Project:
    return Project(hiv_twin / LOCAL_RUN, tmp_path)


def test_an_empty_folder_shows_nothing(tmp_path):
    look = Follower(tmp_path).look()
    assert (look.iterations, look.latest, look.iteration, look.phase) == ((), None, None, "")
    assert Follower(tmp_path / "not there").look() == look
    assert all_iterations(tmp_path / "not there") == []


def test_events_of_the_engine_are_followed(tmp_path):
    follower = Follower(tmp_path)
    write(tmp_path, STARTED, PhaseProgress(iteration=1, phase="expectation", fraction=0.25, seconds=3))
    look = follower.look()
    assert (look.iteration, look.phase, look.fraction, look.sequence) == (1, "expectation", 0.25, 2)
    assert look.run.box_size_px == 24
    write(tmp_path, IterationFinished(iteration=1, resolution_angstrom=20.0, fsc=(1.0, 0.5), memory_mb=(240, 300)))
    look = follower.look()
    assert numbers(look) == [1]
    assert (look.iteration, look.phase, look.latest["resolution_angstrom"]) == (2, "", 20.0)
    assert numbers(follower.look()) == []
    write(tmp_path, RunFinished())
    assert follower.look().iteration == 1


def test_every_record_has_the_fields_of_the_contract(tmp_path, hiv_twin):
    write(tmp_path, STARTED, IterationFinished(iteration=1))
    fields = set(IterationFinished.model_fields)
    for folder in (tmp_path, hiv_twin / LOCAL_RUN):
        assert all(set(record) == fields for record in all_iterations(folder))


def test_a_run_that_goes_back_forgets_what_came_after(tmp_path):
    write(tmp_path, STARTED, *(IterationFinished(iteration=n, resolution_angstrom=9) for n in (1, 2, 3)))
    follower = Follower(tmp_path)
    follower.look()
    write(tmp_path, STARTED.model_copy(update={"continued_from_iteration": 1}))
    follower.look()
    write(tmp_path, IterationFinished(iteration=2, resolution_angstrom=8))
    assert numbers(follower.look()) == [2]
    assert [record["resolution_angstrom"] for record in all_iterations(tmp_path)] == [9, 8]
    assert follower.look().latest["iteration"] == 2


def test_an_engines_failure_is_told_until_it_runs_again(tmp_path):
    write(tmp_path, STARTED, RunFailed(message="the disk is full", exit_code=3))
    follower = Follower(tmp_path)
    assert follower.look().error == "the disk is full"
    write(tmp_path, STARTED)
    assert follower.look().error == ""


def test_seconds_per_iteration_are_learned(tmp_path, monkeypatch):
    from halfmap.contract import progress

    times = iter([0, 10, 30, 60, 1000])
    start = progress._now()
    monkeypatch.setattr(progress, "_now", lambda: start)
    with ProgressWriter(
        tmp_path / "run_progress.jsonl", now=lambda: start.fromtimestamp(next(times), start.tzinfo)
    ) as writer:
        writer.write(STARTED)
        for number in (1, 2, 3):
            writer.write(IterationFinished(iteration=number))
    look = Follower(tmp_path).look()
    assert look.step_seconds == 25
    assert look.ends_about == 85


def test_relions_iterations_appear_one_by_one(relion_job):
    follower = Follower(relion_job.folder)
    relion_job.say("RELION version: 5.0.1 \n Auto-refine: Iteration= 1\n Expectation iteration 1\n" + EMPTY_BAR)
    relion_job.write_iteration(0)
    look = follower.look()
    assert (numbers(look), look.iteration, look.phase, look.fraction) == ([], 1, "expectation", 0.0)
    relion_job.say(bar(30))
    assert follower.look().fraction == 0.5
    relion_job.write_iteration(1)
    look = follower.look()
    assert numbers(look) == [1]
    assert look.newest_iteration == 1
    assert look.latest["resolution_angstrom"] == pytest.approx(19.44)
    relion_job.say("\n Auto-refine: Iteration= 2\n")
    relion_job.write("run_it002_optimiser.star", "run_it002_sampling.star", "run_it002_half1*")
    assert numbers(follower.look()) == []
    relion_job.write("run_it002_half2*")
    look = follower.look()
    assert (numbers(look), look.iteration, look.run, look.sequence) == ([2], 2, None, 0)


def test_the_joined_iteration_of_relion_comes_last_and_ends_the_run(relion_job):
    follower = Follower(relion_job.folder)
    for number in range(7):
        relion_job.write_iteration(number)
    assert numbers(follower.look()) == [1, 2, 3, 4, 5, 6]
    relion_job.write_joined()
    look = follower.look()
    assert (numbers(look), look.latest["converged"], look.iteration) == ([7], True, 7)
    assert (look.phase, look.ends_about, look.step_seconds) == ("", None, 100.0)


def test_iterations_left_from_a_longer_run_are_left_out(relion_job):
    for number in range(7):
        relion_job.write_iteration(number)
    relion_job.write_joined()
    follower = Follower(relion_job.folder)
    assert follower.look().latest["iteration"] == 7
    relion_job.say(" Auto-refine: Iteration= 5\n")
    relion_job.write_iteration(4)
    look = follower.look()
    assert look.latest["iteration"] == 4
    assert [record["iteration"] for record in all_iterations(relion_job.folder)] == [1, 2, 3, 4]
    relion_job.write_iteration(5)
    os.utime(relion_job.folder)
    assert numbers(follower.look()) == [5]


def test_recorded_runs_have_all_their_iterations(hiv_twin):
    for job, last in (("Refine3D/job006", 9), ("Refine3D/job009", 7)):
        found = all_iterations(hiv_twin / job)
        assert [record["iteration"] for record in found] == list(range(1, last + 1))
        assert [record["converged"] for record in found] == [False] * (last - 1) + [True]
    assert Follower(hiv_twin / LOCAL_RUN).look().markers == {Marker.SUCCESS}


def test_a_run_of_relion_that_halfmap_continues_is_one_run(relion_job):
    for number in range(3):
        relion_job.write_iteration(number)
    write(relion_job.folder, STARTED.model_copy(update={"continued_from_iteration": 2}))
    write(relion_job.folder, IterationFinished(iteration=3, resolution_angstrom=15.0))
    found = all_iterations(relion_job.folder)
    assert [record["iteration"] for record in found] == [1, 2, 3]
    assert found[1]["resolution_angstrom"] == pytest.approx(17.152942)


def test_a_run_of_halfmap_that_relion_continues_is_one_run(relion_job):
    events = [IterationFinished(iteration=number, coarse_size_px=9) for number in (1, 2, 3, 4)]
    write(relion_job.folder, STARTED, *events)
    for number in (1, 2, 3, 4):
        relion_job.write_iteration(number)
        relion_job.mark_as_halfmaps(number)
    assert all_iterations(relion_job.folder)[-1]["iteration"] == 4
    relion_job.say(" Auto-refine: Iteration= 3\n")
    relion_job.write_iteration(2)
    follower = Follower(relion_job.folder)
    look = follower.look()
    assert look.latest["iteration"] == 2
    relion_job.write_iteration(3)
    assert numbers(follower.look()) == [3]
    found = all_iterations(relion_job.folder)
    assert [(record["iteration"], record["coarse_size_px"]) for record in found] == [(1, 9), (2, None), (3, None)]


def test_files_of_halfmap_wait_for_their_event(relion_job):
    relion_job.write_iteration(1)
    relion_job.mark_as_halfmaps(1)
    write(relion_job.folder, STARTED)
    follower = Follower(relion_job.folder)
    assert numbers(follower.look()) == []
    write(relion_job.folder, IterationFinished(iteration=1, coarse_size_px=9))
    assert [record["coarse_size_px"] for record in follower.look().iterations] == [9]
    (relion_job.folder / "run_progress.jsonl").unlink()
    assert [record["coarse_size_px"] for record in all_iterations(relion_job.folder)] == [None]


def test_a_long_output_is_never_read_whole(tmp_path, monkeypatch):
    read = []
    original = run_text._end_of
    monkeypatch.setattr(run_text, "_end_of", lambda *where: read.append(len(text := original(*where))) or text)
    output = tmp_path / "run.out"
    with output.open("wb") as file:
        file.truncate(100 << 20)
    with output.open("ab") as file:
        file.write(b"\n Auto-refine: Iteration= 12\n Maximization...\n")
    follower = Follower(tmp_path)
    look = follower.look()
    assert (look.iteration, look.phase) == (12, "maximization")
    for _ in range(5):
        follower.look()
    assert len(read) == 1
    assert sum(read) < 200_000


@pytest.mark.usefixtures("undisturbed")
def test_a_look_at_an_idle_job_is_cheap(hiv_twin):
    follower = Follower(hiv_twin / LOCAL_RUN)
    follower.look()
    took = []
    for _ in range(20):
        began = time.perf_counter()
        follower.look()
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < 1e-3


def test_a_bar_that_comes_in_pieces_is_read(tmp_path):
    output = tmp_path / "run.out"
    text = " Expectation iteration 3\n" + EMPTY_BAR + bar(15) + bar(45) + bar(60, "\n") + " Maximization...\n"
    for size in (1, 7, 64):
        output.write_text("")
        growing = GrowingText(output)
        fractions = set()
        for start in range(0, len(text), size):
            with output.open("a", newline="") as file:
                file.write(text[start : start + size])
            growing.look()
            fractions.add(growing.place.fraction)
        assert fractions <= {None, 0.0, 0.25, 0.75, 1.0}
        assert growing.place == Place(None, "maximization", None, "Maximization...")
        output.unlink()


def test_a_bar_never_goes_beyond_one():
    assert place_after(Place(), bar(60).replace("." * 60, "." * 71)).fraction == 1.0


def test_a_new_run_in_the_same_output_begins_anew():
    place = place_after(Place(7, "fsc", 0.5), "RELION version: 5.0.1 \n")
    assert (place.iteration, place.phase, place.fraction) == (None, None, None)


def test_a_replaced_output_is_read_from_its_beginning(tmp_path):
    output = tmp_path / "run.out"
    output.write_text(" Auto-refine: Iteration= 4\n" * 9)
    growing = GrowingText(output)
    growing.look()
    output.write_text(" Auto-refine: Iteration= 1\n")
    growing.look()
    assert growing.place.iteration == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ""),
        ("a warning\n", ""),
        ("in: x.cpp, line 3\nERROR: \nFile a.star does not exist\n=== Backtrace  ===\nmain\n==================\n", ""),
        ("ERROR: first\nmore\n=== \nERROR: \nthe disk is full\nmake room\n", "the disk is full\nmake room"),
        ("ERROR: \nlost\nAbort(3) on node 2 (rank 2 in comm 0)\n", "lost"),
    ],
)
def test_the_last_error_is_found(tmp_path, text, message):
    (tmp_path / "run.err").write_text(text)
    expected = message or ("File a.star does not exist" if "exist" in text else "")
    assert last_error(tmp_path / "run.err") == expected
    assert Follower(tmp_path).look().error == expected


def test_a_relion_error_block_that_ends_in_a_second_one_tells_the_message(tmp_path):
    block = "in: x.cpp, line 3\nERROR: \nFile a.star does not exist\n=== Backtrace  ===\nmain\n==================\n"
    (tmp_path / "run.err").write_text(block + "ERROR: \nFile a.star does not exist\nMPI_ABORT was invoked on rank 1\n")
    assert last_error(tmp_path / "run.err") == "File a.star does not exist"


def test_markers_are_seen(tmp_path):
    (tmp_path / "RELION_JOB_ABORT_NOW").touch()
    (tmp_path / "RELION_JOB_EXIT_ABORTED").touch()
    assert Follower(tmp_path).look().markers == {Marker.ABORT_NOW, Marker.ABORTED}
