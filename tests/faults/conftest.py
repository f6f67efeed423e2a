"""A tiny project that a test may spoil, and a refinement of it that is expected to be refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from halfmap.contract.exit_codes import ExitCode
from halfmap.engine.program import main

PARTICLES = "Extract/job001/particles.star"
TOMOGRAMS = "tomograms.star"
STACK = "Extract/job001/Subtomograms/TS_01/1_stack2d.mrcs"
REFERENCE = "Reference/reference.mrc"

OPTIONS = (
    "--auto_refine --split_random_halves --ios Extract/job001/optimisation_set.star --ref Reference/reference.mrc "
    "--ini_high 50 --ctf --particle_diameter 130 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 1 "
    "--offset_range 1 --offset_step 2 --sym C2 --low_resol_join_halves 40 --norm --scale --random_seed 1 --pool 4 "
    "--dont_combine_weights_via_disc --o Refine3D/job002/run --pipeline_control Refine3D/job002/ --auto_iter_max 1"
).split()


@pytest.fixture
def project(tiny_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny project, which is the working directory."""
    copy = tmp_path / "project"
    shutil.copytree(tiny_project, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def refused(project: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a refinement that must be refused; return what it says, after checking that it left nothing behind."""

    def run(*more: str, without: str = "", code: int = ExitCode.BAD_INPUT) -> str:
        words = [*OPTIONS, *more]
        if without:
            start = words.index(without)
            stop = next((i for i in range(start + 1, len(words)) if words[i].startswith("--")), len(words))
            del words[start:stop]
        before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        assert main(words) == code
        after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
        new = {path.name for path in set(after) - set(before)}
        assert new <= {"RELION_JOB_EXIT_FAILURE"}, "a refused run must write nothing but its marker"
        assert all(after[path] == content for path, content in before.items()), "nothing may be changed"
        told = capsys.readouterr().err
        assert "ERROR: " in told
        assert "Traceback" not in told
        return told

    return run
