"""Compiled kernels are kept: a second run compiles nothing, wherever the program may keep them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.faults.conftest import OPTIONS

pytestmark = pytest.mark.slow

COUNTING_PROGRAM = """
import sys
from numba.core import event
from halfmap.engine.program import main

with event.install_recorder("numba:compile") as recorder:
    code = main(sys.argv[1:])
compiled = [happened.data["dispatcher"].__name__ for _, happened in recorder.buffer if happened.is_start]
print(f"\\ncompiled {len(compiled)}: {compiled}")
sys.exit(code)
"""


def compiled_by_a_run(project: Path, out: Path, **variables: str) -> int:
    """Refine in a process of its own, and count the kernels that it compiles."""
    program = out.with_suffix(".py")
    program.write_text(COUNTING_PROGRAM)
    # not traced: a copy of the program would count as more of it that no other test runs
    given = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    kept = {name: value for name, value in given.items() if name != "NUMBA_CACHE_DIR"}
    ran = subprocess.run(
        [sys.executable, str(program), *OPTIONS, "--o", f"{out}/run", "--pipeline_control", f"{out}/"],
        cwd=project,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.rpartition("compiled ")[2].split(":")[0])


def test_a_second_run_compiles_nothing(tiny_project: Path, tmp_path: Path) -> None:
    kept = str(tmp_path / "kernels")
    assert compiled_by_a_run(tiny_project, tmp_path / "first", NUMBA_CACHE_DIR=kept) > 0
    assert compiled_by_a_run(tiny_project, tmp_path / "second", NUMBA_CACHE_DIR=kept) == 0


def test_kernels_are_kept_in_the_users_folder_where_the_program_cannot_be_written(
    tiny_project: Path, tmp_path: Path
) -> None:
    """A file in the place of a folder stands in for a folder that cannot be written, which root would write to."""
    installed = tmp_path / "installed"
    shutil.copytree(REPOSITORY / "engine", installed, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (installed / "halfmap/engine/backend/kernels/__pycache__").touch()
    where = {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert compiled_by_a_run(tiny_project, tmp_path / "first", **where) > 0
    assert compiled_by_a_run(tiny_project, tmp_path / "second", **where) == 0
