import os
import sys
from pathlib import Path

import pytest

from halfmap.commands import main, refine
from halfmap.engine import program

LAUNCHER_VARIABLES = ("HALFMAP_NRANKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch):
    for name in LAUNCHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def started(monkeypatch):
    """What would have been started, in place of starting it."""
    calls = []

    def execve(path, argv, environment):
        calls.append(("exec", path, argv, environment))
        raise SystemExit(0)

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(program, "main", lambda words: calls.append(("engine", words)) or 0)
    return calls


@pytest.fixture
def python_with_mpiexec(monkeypatch, tmp_path):
    (tmp_path / "mpiexec").write_text("")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return tmp_path


def test_without_ranks_the_engine_gets_all_words(started):
    assert main(["refine", "--i", "p.star", "--o", "run"]) == 0
    assert main(["refine", "--nr_mpi", "1", "--o", "run"]) == 0
    assert started == [("engine", ["--i", "p.star", "--o", "run"]), ("engine", ["--o", "run"])]


def test_with_ranks_this_process_becomes_the_launcher_beside_its_python(started, python_with_mpiexec):
    with pytest.raises(SystemExit):
        main(["refine", "--o", "a b", "--nr_mpi", "5", "--ctf"])
    ((_, path, argv, environment),) = started
    python = f"{python_with_mpiexec}/python"
    assert path == f"{python_with_mpiexec}/mpiexec"
    assert argv == [path, "-n", "5", python, "-m", "mpi4py", "-m", "halfmap.engine", "--o", "a b", "--ctf"]
    assert environment["HALFMAP_NRANKS"] == "5"
    assert environment.items() >= os.environ.items()


def test_under_a_launcher_no_other_one_is_started(started, monkeypatch):
    monkeypatch.setenv("PMI_SIZE", "3")
    assert main(["refine", "--nr_mpi", "3", "--o", "run"]) == 0
    assert started == [("engine", ["--o", "run"])]


def test_a_launcher_on_the_path_is_used_and_named(started, monkeypatch, tmp_path, capsys):
    (tmp_path / "bin").mkdir()
    launcher = tmp_path / "bin" / "mpiexec"
    launcher.write_text("")
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(SystemExit):
        main(["refine", "--nr_mpi", "2"])
    assert started[0][1] == str(launcher)
    assert str(launcher) in capsys.readouterr().err


def test_a_missing_launcher_is_told_with_what_to_do(started, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["refine", "--nr_mpi", "3"]) == 3
    assert "install the package mpich" in capsys.readouterr().err
    assert not started


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["4"], "an odd number from 3 on"),
        (["0"], "needs a number of processes"),
        (["three"], "not 'three'"),
        ([], "needs a number of processes"),
    ],
)
def test_numbers_of_ranks_that_cannot_be_are_refused(started, capsys, words, complaint):
    assert main(["refine", "--o", "run", "--nr_mpi", *words]) == 3
    assert complaint in capsys.readouterr().err
    assert not started


def test_the_help_is_the_engines_and_this_option(capsys):
    assert main(["refine", "--help"]) == 0
    text = capsys.readouterr().out
    assert "--auto_refine" in text
    assert "--nr_mpi N" in text


def test_the_launcher_of_this_environment_is_found():
    assert Path(refine.mpiexec()).name == "mpiexec"
