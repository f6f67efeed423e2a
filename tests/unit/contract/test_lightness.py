import subprocess
import sys
from pathlib import Path

import halfmap.contract

FOLDER = Path(halfmap.contract.__file__).parent
MODULES = sorted(f"halfmap.contract.{path.stem}" for path in FOLDER.glob("*.py") if path.stem != "__init__")
HEAVY = ("numpy", "pandas", "starfile", "scipy", "numba", "mpi4py", "cupy", "mrcfile")


def test_importing_every_module_of_the_contract_leaves_heavy_packages_unloaded():
    assert "halfmap.contract.conversion" in MODULES
    program = (
        f"import importlib, sys; sys.path.insert(0, {str(FOLDER.parents[1])!r})\n"
        f"for name in {MODULES!r}: importlib.import_module(name)\n"
        f"print(sorted(set({HEAVY!r}) & sys.modules.keys()))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_namespace_has_no_init_file_that_would_hide_its_other_parts():
    assert not (FOLDER.parent / "__init__.py").exists()
