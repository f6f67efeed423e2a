"""Shared by all tests: shape checks on, stray namespace files refused, reference data found."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

REPOSITORY = Path(__file__).resolve().parent.parent

for part in ("engine", "daemon", "tui"):
    stray = REPOSITORY / part / "halfmap" / "__init__.py"
    if stray.exists():
        raise RuntimeError(f"{stray} hides the other parts of the namespace halfmap; delete it.")

# Array annotations are checked at every call. Compiled kernels are left out: numba needs the bare functions.
install_import_hook(
    [
        f"halfmap.engine.{part}"
        for part in (
            "backend.interface",
            "backend.on_cpu",
            "formats",
            "fourier",
            "imaging",
            "particles",
            "ranks",
            "refinement",
            "reporting",
            "run",
            "sampling",
            "scoring",
            "setup",
            "simulation",
        )
    ],
    # an int may stand where a float is asked for, as for mypy
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)


def data_directory() -> Path:
    """Reference data beside the repository, or where HALFMAP_DATA says."""
    return Path(os.environ.get("HALFMAP_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def hiv_twin() -> Path:
    """The hiv-twin data set with RELION's own results; without it tests are skipped, but not in CI."""
    root = data_directory() / "hiv-twin"
    if not root.is_dir():
        message = f"the reference data set is not at {root} (set HALFMAP_DATA)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return root
