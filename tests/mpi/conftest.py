"""Refinements of the tiny project as processes of their own, under the MPI launcher of this environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import OPTIONS

MPIEXEC = Path(sys.executable).parent / "mpiexec"
Launch = Callable[..., subprocess.CompletedProcess[str]]


def command(ranks: int, words: list[str], program: list[str] | None = None) -> list[str]:
    """Command line of a run; one rank is started without a launcher."""
    python = [sys.executable, "-m", *([] if ranks == 1 else ["mpi4py", "-m"])]
    engine = [*python, *(program or ["halfmap.engine"]), *words]
    return engine if ranks == 1 else [str(MPIEXEC), "-n", str(ranks), *engine]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more}


@pytest.fixture(scope="session")
def shared_project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tiny project; tests write into job folders of their own."""
    copy = tmp_path_factory.mktemp("mpi") / "project"
    shutil.copytree(tiny_project, copy)
    return copy


@pytest.fixture(scope="session")
def launch(shared_project: Path) -> Launch:
    """Run with a number of ranks; `job` names the folder of the results."""

    def run(ranks: int, *more: str, job: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        words = [*OPTIONS, *more, "--o", f"{job}/run", "--pipeline_control", f"{job}/"]
        ran = subprocess.run(
            command(ranks, words),
            cwd=shared_project,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not check or ran.returncode == 0, ran.stderr
        return ran

    return run
