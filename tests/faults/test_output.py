"""Places that results cannot or must not be written to."""

import errno
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from halfmap.contract import job_directory
from halfmap.contract.exit_codes import ExitCode
from halfmap.contract.progress import IterationFinished, PhaseProgress, RunAborted, RunFailed, read_progress
from halfmap.engine.errors import BadInput
from halfmap.engine.formats import run_files
from halfmap.engine.formats.whole_file import written_whole
from halfmap.engine.program import main
from halfmap.engine.refinement import iteration
from tests.faults.conftest import OPTIONS

Refused = Callable[..., str]
ROOT = Path("Refine3D/job002/run")


@pytest.fixture
def finished_iteration(project: Path) -> Path:
    assert main(OPTIONS) == ExitCode.SUCCESS
    return project


def test_a_run_that_is_there_already_is_not_overwritten(finished_iteration: Path, refused: Refused) -> None:
    told = refused()
    assert "finished up to iteration 1" in told
    assert "--continue Refine3D/job002/run_it001_optimiser.star" in told


def test_a_run_is_replaced_when_that_is_asked_for(finished_iteration: Path) -> None:
    old = ROOT.with_name("run_it007_data.star")
    old.write_text("left by a longer run")
    others = [ROOT.with_name(name) for name in ("run_ct5_it007_data.star", "run_notes.star", "run.out", "job.star")]
    for other in others:
        other.write_text("of another run, or a person's")
    assert main([*OPTIONS, "--overwrite"]) == ExitCode.SUCCESS
    assert all(other.exists() for other in others)
    assert not old.exists(), "no file of the old run may be taken for one of the new run"


def test_a_finished_run_is_not_overwritten(project: Path, refused: Refused) -> None:
    ROOT.parent.mkdir(parents=True)
    ROOT.with_name("run_class001.mrc").write_bytes(b"precious")
    assert "a finished run is there already" in refused()


def test_an_output_directory_that_cannot_be_made_is_refused(project: Path, refused: Refused) -> None:
    Path("Refine3D").write_text("a file where a directory should be")
    assert "cannot be made" in refused()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_refused(project: Path, refused: Refused) -> None:
    ROOT.parent.mkdir(parents=True)
    ROOT.parent.chmod(0o500)
    assert "may write to" in refused()


def test_a_full_disc_is_refused_before_the_start(
    project: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1 << 20})())
    assert "1 MB free" in refused()


@pytest.mark.slow
def test_a_disc_that_fills_up_ends_the_run_with_a_sentence_and_no_torn_file(project: Path) -> None:
    """The limit on the size of files stands in for a full disc: the first map does not fit."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))

    ran = subprocess.run(
        [sys.executable, "-m", "halfmap.engine", *OPTIONS],
        env={**os.environ, "NUMBA_CACHE_DIR": "", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == ExitCode.BAD_INPUT, ran.stderr
    assert "no space left" in ran.stderr
    assert "run_it000_half1_class001.mrc" in ran.stderr
    left = [path.name for path in ROOT.parent.iterdir()]
    assert not [name for name in left if name.endswith((".tmp", ".mrc"))], left


def test_an_iteration_that_cannot_be_written_ends_the_run_while_the_next_one_is_computed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends as it does when a disc is full at the start, and the last whole iteration is the one before."""
    write_model = run_files.write_model

    def write(path: Path, *more: object) -> None:
        if "it002_half2" in path.name:
            with written_whole(path):
                raise OSError(errno.ENOSPC, "No space left on device")
        write_model(path, *more)

    monkeypatch.setattr(run_files, "write_model", write)
    assert main([*OPTIONS, "--auto_iter_max", "9"]) == ExitCode.BAD_INPUT
    assert "run_it002_half2_model.star: no space left on the device" in capsys.readouterr().err
    assert job_directory.last_whole_iteration(str(ROOT)) == 1
    assert (ROOT.parent / "RELION_JOB_EXIT_FAILURE").exists()
    events = read_progress(job_directory.progress_file(ROOT))
    assert isinstance(events[-1], RunFailed)
    assert [event.iteration for event in events if isinstance(event, IterationFinished)] == [1]
    assert max(event.iteration for event in events if isinstance(event, PhaseProgress)) <= 3


def test_the_next_iteration_is_computed_while_one_is_written_and_an_abort_waits_for_it(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computes = Event()
    write_optimiser, estimate = run_files.write_optimiser, iteration.with_new_accuracies

    def write(path: Path, *more: object) -> None:
        if "it001" in path.name:
            assert computes.wait(30), "the next iteration has to begin before this one is written"
            (ROOT.parent / "RELION_JOB_ABORT_NOW").touch()
            time.sleep(1)
        write_optimiser(path, *more)

    def compute(*arguments: object) -> object:
        if arguments[2].iteration == 2:
            computes.set()
            time.sleep(0.6)
        return estimate(*arguments)

    monkeypatch.setattr(run_files, "write_optimiser", write)
    monkeypatch.setattr(iteration, "with_new_accuracies", compute)
    assert main([*OPTIONS, "--auto_iter_max", "9"]) == ExitCode.ABORTED
    assert job_directory.last_whole_iteration(str(ROOT)) == 1
    ended = read_progress(job_directory.progress_file(ROOT))[-1]
    assert isinstance(ended, RunAborted)
    assert ended.iteration == 1


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run_data.star"
    path.write_text("old")
    with pytest.raises(BadInput, match="no space left"), written_whole(path) as temporary:
        temporary.write_text("half of the new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_was_writing_is_removed_by_the_next_and_nothing_else(tmp_path):
    from halfmap.engine.setup.output import remove_unfinished

    gone = [".run_it002_half1_class001.mrc.8222.tmp", ".run_optimiser.star.1.tmp"]
    kept = ["run_it002_half1_class001.mrc", ".run_ct3_it002_data.star.8222.tmp", ".mine.8222.tmp", "run.out"]
    for name in (*gone, *kept):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)
