"""Shared by all tests: shape checks on, stray namespace files refused, reference data found, time measured fairly.

With -n 2 (pytest-xdist) two processes share the files of tests; the order of files is set here.
"""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
            "averaging",
            "backend.compared",
            "backend.comparisons",
            "backend.cuda_device",
            "backend.device",
            "backend.interface",
            "backend.matrix_backend",
            "backend.on_cpu",
            "backend.shift_mixture",
            "backend.slice_reader",
            "centring",
            "extraction",
            "formats",
            "fourier",
            "imaging",
            "particles",
            "postprocessing",
            "ranks",
            "refinement",
            "run",
            "sampling",
            "scoring",
            "setup",
            "simulation",
            "splitting",
        )
    ],
    # an int may stand where a float is asked for, as for mypy
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

FIRST = ("tests/golden/", "tests/programs/", "tests/faults/", "tests/mpi/")
"""Long files: whoever is done with one takes on shorter ones."""
TOGETHER = ("tests/faults/daemon/test_shim.py", "tests/slurm/", "tests/terminal/", "tests/bench/")
"""They measure times of processes, or bring up what there can be only one of: one process runs them at the very end."""


def _place(nodeid: str) -> int:
    """Place of a test in the order: long files, short ones, then those that stay together, the benchmark at last."""
    late = (place for place, start in enumerate(TOGETHER, start=2) if nodeid.startswith(start))
    return next(late, 0 if nodeid.startswith(FIRST) else 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a process file after file, in order, so that what a file's tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "together" if nodeid.startswith(TOGETHER) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False
    return ByFile(config, log)


def leave_out_what_is_there() -> None:
    """Leave what is in memory out of searches for garbage, each of which takes longer than a test after thousands."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def _without_what_earlier_tests_left() -> None:
    """Let a test be as fast in a long run as by itself."""
    leave_out_what_is_there()


@pytest.fixture
def undisturbed() -> Iterator[None]:
    """Run a test that measures time as the program runs: without a tracer, and without this process's past."""
    tracer = sys.gettrace()
    leave_out_what_is_there()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


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


@pytest.fixture(scope="session")
def tiny_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated project that is refined in a second or two: 12 particles of 16 px, 5 tilts, C2. Not to be changed."""
    from halfmap.engine.simulation import SimulationSettings, simulate

    settings = SimulationSettings(
        particles=12,
        tomograms=2,
        symmetry="C2",
        diameter_angstrom=130,
        box_px=16,
        pixel_size_angstrom=10,
        tilt_range_deg=40,
        tilt_step_deg=20,
        snr=1.0,
        seed=3,
    )
    return simulate(settings, tmp_path_factory.mktemp("tiny") / "project").root
