"""Courses for charts: RELION's recorded run, and made-up ones."""

from pathlib import Path

import pytest

from halfmap.daemon.following import all_iterations
from halfmap.tui.job.course import Course, iterations_from


@pytest.fixture(scope="session")
def recorded(hiv_twin: Path) -> Course:
    """RELION's run with global searches first: 9 iterations, the last one joined; 36 px of 8.1 Å."""
    return _course(hiv_twin, "job006")


@pytest.fixture(scope="session")
def recorded_local(hiv_twin: Path) -> Course:
    """RELION's run with local searches from the beginning: 7 iterations."""
    return _course(hiv_twin, "job009")


def _course(root: Path, job: str) -> Course:
    return Course(f"Refine3D/{job}/", iterations_from(all_iterations(root / "Refine3D" / job)), 36, 8.1)
