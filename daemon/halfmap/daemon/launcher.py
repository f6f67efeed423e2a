"""Starting an attempt's shim: on this machine, or (see `halfmap.daemon.slurm`) in an allocation elsewhere."""

import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.attempt_files import Spec
from halfmap.daemon.processes import ATTEMPT

SHIM = Path(__file__).with_name("shim.py")
_PASSED = ("PATH", "LD_LIBRARY_PATH")
"""Python itself, and NVML, may be found through them alone."""


@dataclass(frozen=True, slots=True)
class Started:
    """What was started: a process here, or a job in Slurm."""

    process_id: int | None = None
    slurm_job: int | None = None


class Launcher(ABC):
    """Starts shims. Whether an attempt was started is told by its identity file, never by this."""

    @abstractmethod
    def start(self, folder: Path, spec: Spec) -> Started:
        """Start the shim of an attempt whose specification lies in a folder.

        Raises
        ------
        OSError
            If it cannot be started now.
        """


class OnThisMachine(Launcher):
    """Starts a shim in a session of its own, so that nothing that ends the daemon ends it. Any thread may."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []
        self._lock = threading.Lock()

    def start(self, folder: Path, spec: Spec) -> Started:
        """Start the shim; it is not waited for."""
        passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SHIM), str(folder)],
            cwd="/",
            env={**passed, ATTEMPT: spec.uuid},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        with self._lock:
            # whoever looks after an attempt may reap its shim; those that nobody did are reaped here
            self._started = [one for one in (*self._started, process) if one.poll() is None]
        return Started(process_id=process.pid)
