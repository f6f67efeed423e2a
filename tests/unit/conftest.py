"""What the backends are compared with and played by."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def loaded(name: str) -> ModuleType:
    """A module of tests/reference, which stands in no package."""
    spec = importlib.util.spec_from_file_location(f"reference_{name}", REFERENCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    """The backend's arithmetic as plainly as possible."""
    return loaded("plain")


@pytest.fixture(scope="session")
def played_card() -> ModuleType:
    """A card that is played by a processor."""
    return loaded("card")


@pytest.fixture(scope="session")
def kernels(tmp_path_factory, played_card):
    """The kernels of cards, compiled for this processor."""
    if shutil.which("g++") is None:
        pytest.skip("no C++ compiler is installed")
    return played_card.compile_kernels(tmp_path_factory.mktemp("kernels"))
