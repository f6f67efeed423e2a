"""The plain implementation of the backend, for tests that compare with it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PLAIN = Path(__file__).resolve().parents[1] / "reference" / "plain.py"


@pytest.fixture(scope="session")
def plain() -> ModuleType:
    """The module tests/reference/plain.py, which stands in no package."""
    spec = importlib.util.spec_from_file_location("plain_reference", PLAIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
