"""Runs that cannot be continued as asked."""

import shutil
from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.program import main
from tests.faults.conftest import OPTIONS
from tests.faults.test_bad_input import edit

JOB = Path("Refine3D/job002")
CONTINUE = ["--continue", "Refine3D/job002/run_it001_optimiser.star", "--o", "Refine3D/job002/run"]


@pytest.fixture
def refused_to_continue(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    assert main(OPTIONS) == ExitCode.SUCCESS
    capsys.readouterr()

    def run(*words: str) -> str:
        assert main([*(words or CONTINUE), "--auto_iter_max", "2"]) == ExitCode.BAD_INPUT
        told = capsys.readouterr().err
        assert "Traceback" not in told
        return told

    return run


def spoil_model() -> None:
    edit(str(JOB / "run_it001_half2_model.star"), "data_model_general", "data_model_special")


def spoil_sampling() -> None:
    edit(str(JOB / "run_it001_sampling.star"), "_rlnHealpixOrder ", "_rlnHealpixDisorder ")


def spoil_map() -> None:
    with mrcfile.new(JOB / "run_it001_half1_class001.mrc", overwrite=True) as mrc:
        mrc.set_data(np.ones((20, 20, 20), np.float32))
        mrc.voxel_size = 10


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "its optimiser file is missing": (lambda: (JOB / "run_it001_optimiser.star").unlink(), "does not exist"),
    "its model file is missing": (lambda: (JOB / "run_it001_half2_model.star").unlink(), "half2_model.star"),
    "its model file is spoilt": (spoil_model, "no list data_model_general"),
    "its sampling file is spoilt": (spoil_sampling, "rlnHealpixOrder"),
    "its map is missing": (lambda: (JOB / "run_it001_half1_class001.mrc").unlink(), "half1_class001.mrc"),
    "its map has another box": (spoil_map, "do not belong together"),
    "its particles are missing": (lambda: (JOB / "run_it001_data.star").unlink(), "run_it001_data.star"),
    "its particles are cut short": (
        lambda: (JOB / "run_it001_data.star").write_text((JOB / "run_it001_data.star").read_text()[:2500]),
        "run_it001_data.star",
    ),
    "its stacks are gone": (lambda: shutil.rmtree("Extract/job001/Subtomograms"), "_stack2d.mrcs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_is_not_continued_when(refused_to_continue: Callable[..., str], fault: str) -> None:
    spoil, phrase = FAULTS[fault]
    spoil()
    assert phrase in refused_to_continue()


def test_a_final_optimiser_file_cannot_be_continued(refused_to_continue: Callable[..., str]) -> None:
    text = (JOB / "run_it001_optimiser.star").read_text()
    lines = [line for line in text.split("\n") if not line.startswith("_rlnModelStarFile2")]
    (JOB / "run_optimiser.star").write_text("\n".join(lines))
    told = refused_to_continue("--continue", str(JOB / "run_optimiser.star"), "--o", str(JOB / "run"))
    assert "no model of half set 2" in told


def test_options_of_the_start_are_not_read_again_but_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(OPTIONS) == ExitCode.SUCCESS
    words = [*CONTINUE, "--sym", "C6", "--auto_iter_max", "2"]
    assert main(words) == ExitCode.SUCCESS
    assert "--sym is not read with --continue" in capsys.readouterr().err
    assert "C2" in (JOB / "run_it002_sampling.star").read_text(), "the run keeps its symmetry"
