"""One attempt without a daemon: a shim that is started as the daemon starts it, and what is seen of it from outside."""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from halfmap.daemon.attempt_files import Exit, Identity, Spec, attempt_folder, read_exit, read_identity, write_spec
from halfmap.daemon.launcher import OnThisMachine
from halfmap.daemon.processes import ProcessSeen, kill_all, processes_of

JOB = "Refine3D/job001/"


def wait_until(happens: Callable[[], object], seconds: float = 20.0, what: str = "") -> None:
    until = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < until, what or f"{happens} did not happen within {seconds} s"
        time.sleep(0.01)


class ShimRun:
    """One attempt.

    Attributes
    ----------
    pid
        Of the shim, which is a child of the test.
    """

    def __init__(self, root: Path, argv: tuple[str, ...], **more: object) -> None:
        self.uuid = f"{uuid.uuid4()}"
        self.project = root / "project"
        self.job = self.project / JOB
        self.folder = attempt_folder(self.job, 1)
        self.job.mkdir(parents=True, exist_ok=True)
        fields: dict[str, object] = {
            "uuid": self.uuid,
            "job": 1,
            "number": 1,
            "project": str(self.project),
            "job_folder": JOB,
            "output_root": f"{JOB}run",
            "argv": argv,
            "environment": {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
            "standard_output": f"{JOB}run.out",
            "standard_error": f"{JOB}run.err",
            "pipeline_control": JOB,
        }
        self.spec = Spec.model_validate(fields | more)
        write_spec(self.folder, self.spec)
        self.pid = 0

    def start(self) -> "ShimRun":
        """Start the shim as the daemon does, and do not wait."""
        started = OnThisMachine().start(self.folder, self.spec).process_id
        assert started is not None
        self.pid = started
        return self

    def wait(self, seconds: float = 20.0) -> int:
        """Wait for the shim's end; its exit status, or minus its signal."""
        until = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < until, f"the shim still runs: {self.processes()}"
            time.sleep(0.005)

    @property
    def exit(self) -> Exit | None:
        return read_exit(self.folder)

    @property
    def identity(self) -> Identity | None:
        return read_identity(self.folder)

    @property
    def out(self) -> str:
        path = self.project / self.spec.standard_output
        return path.read_text() if path.exists() else ""

    @property
    def err(self) -> str:
        path = self.project / self.spec.standard_error
        return path.read_text() if path.exists() else ""

    def markers(self) -> set[str]:
        return {path.name.removeprefix("RELION_JOB_") for path in self.job.glob("RELION_JOB_*")}

    def processes(self) -> list[ProcessSeen]:
        """Everything of the attempt that lives, the shim among it."""
        return processes_of(self.uuid, self.pid)

    def others(self) -> list[ProcessSeen]:
        return [process for process in self.processes() if process.pid != self.pid]

    def is_up(self, lines: int = 1) -> bool:
        """Whether the program has said so many times that it is up."""
        return self.out.count("up\n") >= lines

    def sweep(self) -> None:
        """Leave nothing behind, whatever the test found."""
        kill_all(self.processes(), signal.SIGKILL)


def shell(text: str) -> tuple[str, ...]:
    """Give a program that the test spells out."""
    return ("/bin/sh", "-c", text)


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def alive(pid: int) -> bool:
    """Whether a process that is not ours exists and has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state not in "ZX"
