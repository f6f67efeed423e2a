import io
import os
import shlex
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from halfmap.commands import main
from halfmap.commands.demo import command as demo
from halfmap.commands.demo.running import last_words, own_daemon, run
from halfmap.commands.demo.view import COLUMNS, View, cells, view_on
from halfmap.contract.conversion import launch_problems
from halfmap.contract.progress import IterationFinished, PhaseProgress, RunStarted
from halfmap.contract.refine3d import job_from_values
from halfmap.daemon.client import Launch, Submission
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


class Remembers(View):
    def __init__(self):
        self.events = []

    def show(self, event):
        self.events.append(event)


PROGRAM = """#!{python}
import os, pathlib, sys, time
words = sys.argv[1:]
job = pathlib.Path(words[words.index("--pipeline_control") + 1])
{body}
"""
TELLS_AND_ENDS = """
from halfmap.contract.progress import IterationFinished, ProgressWriter
with ProgressWriter(job / "run_progress.jsonl") as writer:
    for iteration in (1, 2):
        writer.write(IterationFinished(iteration=iteration))
print("to run.out", os.environ["CUDA_VISIBLE_DEVICES"])
"""
FAILS = """
print("noise\\nERROR: \\nthe reference is inverted", file=sys.stderr)
sys.exit(3)
"""
WAITS_FOR_THE_MARKER = """
(job / "started").touch()
while not (job / "RELION_JOB_ABORT_NOW").exists():
    time.sleep(0.02)
(job / "stopped").touch()
sys.exit(2)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return simulate(TINY, tmp_path_factory.mktemp("tiny") / "project")


@pytest.fixture
def ran(tiny, tmp_path):
    """Runs a program in the engine's place, through a daemon of its own."""
    project = Project(tmp_path / "project")
    shutil.copytree(tiny.root, project.root)
    settings = tmp_path / "program"

    def run_it(body, view=None):
        settings.write_text(PROGRAM.format(python=sys.executable, body=body))
        settings.chmod(0o755)
        submission = Submission(
            project=str(project.root), options=demo.refine_options(project, TINY, 3), launch=Launch(cards=2)
        )
        with own_daemon(os.environ, 2, launcher=(str(settings),)) as environ:
            return run(environ, submission, view or Remembers()), project.root

    return run_it


def test_the_events_of_a_run_are_shown_in_their_order_to_the_last(ran):
    view = Remembers()
    ended, root = ran(TELLS_AND_ENDS, view)
    assert ended.row.state == "finished"
    assert ended.cards == ("GPU-0", "GPU-1")
    assert [event.iteration for event in view.events] == [1, 2]
    assert (root / "Refine3D/job001/run.out").read_text() == "to run.out GPU-0,GPU-1\n"


def test_a_failure_keeps_its_last_words(ran):
    ended, root = ran(FAILS)
    assert (ended.row.state, "exit code 3" in ended.row.reason) == ("failed", True)
    assert last_words(root / "Refine3D/job001") == "ERROR: \nthe reference is inverted"


def test_a_run_that_was_killed_has_failed(ran):
    ended, _ = ran("os.kill(os.getpid(), 9)")
    assert (ended.row.state, ended.row.reason) == ("failed", "killed by SIGKILL")


def test_ctrl_c_stops_the_run_before_it_goes_on(ran, tmp_path):
    job = tmp_path / "project/Refine3D/job001"

    def interrupt_once_started():
        while not (job / "started").exists():
            time.sleep(0.02)
        signal.raise_signal(signal.SIGINT)

    # a shell that starts the tests in the background lets them ignore the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt_once_started, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ran(WAITS_FOR_THE_MARKER)
    finally:
        signal.signal(signal.SIGINT, before)
    assert (job / "stopped").exists()
    assert (job / "RELION_JOB_EXIT_ABORTED").exists()


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
    job, unreadable = job_from_values(demo.refine_options(Project(tmp_path), TINY, 3))
    assert unreadable == []
    assert launch_problems(job) == []
    assert (job.sym_name, job.nr_mpi) == ("C6", 3)


def test_the_commands_are_written_down_to_be_repeated(tmp_path):
    project, job = Project(tmp_path), Path("Refine3D/job001")
    demo.write_commands(project, TINY, job, demo.refine_options(project, TINY, 3))
    lines = [shlex.split(line, comments=True) for line in (tmp_path / "commands.sh").read_text().splitlines()]
    commands = [line for line in lines if line]
    assert commands[0][:3] == ["halfmap", "simulate", str(tmp_path)]
    assert "--snr" in commands[0]
    assert commands[4][:3] == ["halfmap", "submit", "--set"]
    assert "sym_name=C6" in commands[4]
    assert [line[1:3] for line in commands[5:]] == [["score", "poses"], ["score", "maps"]]


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
    assert "Reference/reference.mrc" in capsys.readouterr().err


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
