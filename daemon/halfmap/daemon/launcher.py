"""Starting an attempt's shim: on this machine, or (see `halfmap.daemon.slurm`) in an allocation elsewhere."""

import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.attempt_files import Spec
from halfmap.daemon.processes import ATTEMPT

SHIM = Path(__file__).with_name("shim.py")


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
    """Starts a shim in a session of its own, so that nothing that ends the daemon ends it."""

    def start(self, folder: Path, spec: Spec) -> Started:
        """Start the shim; it is not waited for."""
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SHIM), str(folder)],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", ATTEMPT: spec.uuid},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # whoever looks after the attempt reaps it; Popen must not complain that nobody waited
        process.returncode = 0
        return Started(process_id=process.pid)
