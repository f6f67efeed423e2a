import io
import shlex
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from halfmap.commands import main
from halfmap.commands.demo import command as demo
from halfmap.commands.demo.running import last_words, run
from halfmap.commands.demo.view import COLUMNS, View, cells, view_on
from halfmap.contract.command_line import from_argv
from halfmap.contract.progress import IterationFinished, PhaseProgress, RunStarted
from halfmap.contract.refine_arguments import argument_problems, refusals
from halfmap.engine.simulation import Project, SimulationSettings, simulate

TINY = SimulationSettings(
    particles=20,
    box_px=16,
    pixel_size_angstrom=12.0,
    diameter_angstrom=160.0,
    tilt_range_deg=40.0,
    tilt_step_deg=20.0,
    snr=0.3,
    reference_resolution_angstrom=50.0,
)
FINISHED = IterationFinished(
    iteration=3,
    resolution_angstrom=21.34,
    resolution_fsc_143_angstrom=18.2,
    accuracy_rotation_deg=2.345,
    angular_step_deg=3.75,
    changes_orientations_deg=1.5,
    changes_offsets_angstrom=0.8,
    average_pmax=0.5,
    seconds={"expectation": 3.0, "maximization": 0.5, "fsc": None},
)
TELLS_AND_ENDS = """
import sys
from halfmap.contract.progress import IterationFinished, ProgressWriter
with ProgressWriter("job/run_progress.jsonl") as writer:
    for iteration in (1, 2):
        writer.write(IterationFinished(iteration=iteration))
print("to run.out")
"""
FAILS = """
import sys
print("noise\\nERROR: \\nthe reference is inverted", file=sys.stderr)
sys.exit(3)
"""
WAITS_FOR_THE_MARKER = """
import sys, time, pathlib
pathlib.Path("started").touch()
while not pathlib.Path("job/RELION_JOB_ABORT_NOW").exists():
    time.sleep(0.02)
pathlib.Path("stopped").touch()
sys.exit(2)
"""


class Remembers(View):
    def __init__(self):
        self.events = []

    def show(self, event):
        self.events.append(event)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job").mkdir()
    return tmp_path


def ran(program, folder, view=None):
    return run([sys.executable, "-c", program], folder, Path("job"), view or Remembers())


def test_the_events_of_a_run_are_shown_in_their_order_to_the_last(folder):
    view = Remembers()
    assert ran(TELLS_AND_ENDS, folder, view) == 0
    assert [event.iteration for event in view.events] == [1, 2]
    assert (folder / "job/run.out").read_text() == "to run.out\n"


def test_a_failure_keeps_its_exit_code_and_its_last_words(folder):
    assert ran(FAILS, folder) == 3
    assert last_words(folder / "job") == "ERROR: \nthe reference is inverted"


def test_a_run_that_was_killed_has_failed(folder):
    assert ran("import os; os.kill(os.getpid(), 9)", folder) == 1


def test_ctrl_c_stops_the_run_before_it_goes_on(folder):
    def interrupt_once_started():
        while not (folder / "started").exists():
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)

    # a shell that starts the tests in the background lets them ignore the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt_once_started).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ran(WAITS_FOR_THE_MARKER, folder)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (folder / "stopped").exists()
    assert not (folder / "job/RELION_JOB_ABORT_NOW").exists()


def test_an_iteration_is_written_with_units_and_what_is_not_known_as_a_dash():
    assert cells(FINISHED) == ("3", "21.3 Å", "18.2 Å", "2.35°", "3.75°", "1.5° 0.8 Å", "0.50", "3.5")
    unknown = cells(IterationFinished(iteration=1, converged=True))
    assert unknown == ("1 (final)", "–", "–", "–", "–", "– –", "–", "0.0")


def shown(terminal):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    started = RunStarted(version="1", argv=(), ranks=3, threads=1, host="here")
    with view_on(console) as view:
        for event in (started, PhaseProgress(iteration=3, phase="expectation", fraction=0.4, seconds=1), FINISHED):
            view.show(event)
        time.sleep(0.4 if terminal else 0)  # a live view draws itself four times a second
    return console.file.getvalue()


def test_elsewhere_than_on_a_terminal_there_is_one_line_for_each_iteration():
    lines = shown(terminal=False).splitlines()
    assert len(lines) == 2
    assert lines[0].split()[0] == COLUMNS[0]
    assert "21.3 Å" in lines[1]


def test_on_a_terminal_there_is_a_table_and_the_phase():
    text = shown(terminal=True)
    assert "iteration 3, expectation" in text
    assert "21.3 Å" in text


def test_the_engine_accepts_the_options_of_the_demonstration(tmp_path):
    words = demo.refine_words(Project(tmp_path), TINY, Path("Refine3D/job001"), 3)
    assert words[:3] == ["refine", "--nr_mpi", "3"]
    arguments = from_argv(words[3:])
    assert [*argument_problems(arguments), *refusals(arguments)] == []
    assert arguments.symmetry == "C6"


def test_the_commands_are_written_down_to_be_repeated(tmp_path):
    project, job = Project(tmp_path), Path("Refine3D/job001")
    demo.write_commands(project, TINY, job, demo.refine_words(project, TINY, job, 3))
    lines = [shlex.split(line, comments=True) for line in (tmp_path / "commands.sh").read_text().splitlines()]
    commands = [line for line in lines if line]
    assert commands[0][:3] == ["halfmap", "simulate", str(tmp_path)]
    assert "--snr" in commands[0]
    assert commands[3][:4] == ["halfmap", "refine", "--nr_mpi", "3"]
    assert [line[1:3] for line in commands[4:]] == [["score", "poses"], ["score", "maps"]]


def test_a_directory_that_exists_is_refused(tmp_path, capsys):
    (tmp_path / "mine").touch()
    assert main(["demo", str(tmp_path)]) == 3
    assert "is not empty" in capsys.readouterr().err


def test_what_was_never_simulated_cannot_be_kept(tmp_path, capsys):
    assert main(["demo", str(tmp_path), "--keep"]) == 3
    assert "simulation.json" in capsys.readouterr().err


def test_numbers_of_ranks_that_cannot_be_are_refused_before_anything_is_made(tmp_path, capsys):
    assert main(["demo", str(tmp_path / "new"), "--ranks", "4"]) == 3
    assert "an odd number from 3 on" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_refinement_that_fails_is_told_with_its_own_words(tmp_path, capsys):
    project = simulate(TINY, tmp_path)
    project.reference_file.unlink()
    assert main(["demo", str(tmp_path), "--keep", "--ranks", "1"]) == 3
    assert "Reference/reference.mrc: does not exist" in capsys.readouterr().err
    assert (tmp_path / "Refine3D/job001/RELION_JOB_EXIT_FAILURE").exists()


@pytest.mark.slow
def test_the_demonstration_ends_with_better_poses_than_it_began_with(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "SETTINGS", TINY)
    assert main(["demo", str(tmp_path / "new")]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "true error of angles" in line)
    after, before = (
        float(word.strip("(│°")) for word in row.split() if word.endswith("°") and word[0] in "(0123456789"
    )
    assert after < before / 2
    job = tmp_path / "new/Refine3D/job001"
    assert (job / "RELION_JOB_EXIT_SUCCESS").exists()
    assert str(job / "run_class001.mrc") in out
