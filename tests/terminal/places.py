"""Where a program of the tests finds itself: an environment of its own, and the `halfmap` that is tested."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def halfmap(*words: str) -> list[str]:
    """Give the command line of the program under test."""
    installed = Path(sys.executable).with_name("halfmap")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "halfmap.commands"]
    return [*start, *words]


def environ_for(folder: Path, term: str = "xterm-256color", **more: str) -> Mapping[str, str]:
    """Give an environment whose home, and all that halfmap keeps, lies in a folder.

    Its path has to be short: a socket's address has at most 107 bytes.
    """
    for name in ("home", "run", "state"):
        folder.joinpath(name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "TERM": term,
        "HALFMAP_RUNTIME_DIR": str(folder / "run"),
        "HALFMAP_STATE_DIR": str(folder / "state"),
        "HALFMAP_CONFIG": str(folder / "daemon.toml"),
        **more,
    }
