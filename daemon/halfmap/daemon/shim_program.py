"""The program of an attempt while it runs: started with nothing that was not asked for, waited for, told to stop."""

from __future__ import annotations

import os
import resource
import signal
import time

from halfmap.daemon.descendants import descendants, peak_memory_kb, reaped, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STOPS = (signal.SIGTERM, signal.SIGINT)
AWAITED = (signal.SIGCHLD, *STOPS)
"""Signals that are to be blocked: they are taken one by one while waiting, so that none is lost or comes in between."""

_USUAL = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""A shell in the background lets what it starts ignore SIGINT and SIGQUIT: no program of ours inherits that."""

_STOP_S = 10.0
_AGAIN_S = 1.0
_FIRST_LOOK_S = 0.1
_LOOK_S = 10.0
_KB_PER_MB = 1024


class Program:
    """One run of a program.

    Parameters
    ----------
    spec
        The attempt's specification.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        self.told_to_stop = False
        self._spec = spec
        self._child = 0
        self._patient_until = float("inf")
        self._peak_kb = 0

    def run(self, argv: list[str]) -> dict[str, Any]:
        """Start it and wait until it has ended; its exit code, or the signal that killed it.

        Raises
        ------
        OSError
            If it cannot be started.
        """
        if signal.sigpending() & set(STOPS):
            self.told_to_stop = True
            return {"code": None, "signal": int(signal.SIGTERM)}
        self._child = self._start(argv)
        status = self._wait()
        return {"code": status, "signal": None} if status >= 0 else {"code": None, "signal": -status}

    def _start(self, argv: list[str]) -> int:
        """Start it, in a process group of its own: launchers signal their whole group."""
        names = (os.devnull, self._spec["standard_output"], self._spec["standard_error"])
        append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        files = [os.open(name, append if number else os.O_RDONLY, 0o666) for number, name in enumerate(names)]
        try:
            return os.posix_spawn(
                argv[0],
                argv,
                _environment(self._spec),
                file_actions=[(os.POSIX_SPAWN_DUP2, file, number) for number, file in enumerate(files)],
                setpgroup=0,
                setsigmask=(),
                setsigdef=_USUAL,
            )
        finally:
            for file in files:
                os.close(file)

    def _wait(self) -> int:
        """Wait until it has ended, and hand on what it is told; its exit code, or minus the signal."""
        pause = _FIRST_LOOK_S
        while True:
            heard = signal.sigtimedwait(AWAITED, max(0.0, min(pause, self._patient_until - time.monotonic())))
            if heard is not None and heard.si_signo in STOPS:
                self._stop()
            if (status := reaped(self._child)) is not None:
                return status
            if time.monotonic() >= self._patient_until:
                send(signal.SIGKILL, descendants())
                self._patient_until = time.monotonic() + _AGAIN_S
            if heard is None:
                self._peak_kb = max(self._peak_kb, peak_memory_kb())
                pause = min(2 * pause, _LOOK_S)

    def _stop(self) -> None:
        """Hand a request to stop on, once; some launchers ask back on SIGINT, so they get SIGTERM for either."""
        if not self.told_to_stop:
            self.told_to_stop = True
            self._patient_until = time.monotonic() + _STOP_S
            os.kill(self._child, signal.SIGTERM)  # not reaped yet, so the number is still its own

    def peak_memory_mb(self) -> float | None:
        """Largest memory of all its processes together as far as it was seen, at least that of the largest."""
        largest_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return round(max(self._peak_kb, largest_kb) / _KB_PER_MB, 1) or None


def _environment(spec: dict[str, Any]) -> dict[str, str]:
    environment = {**spec["environment"], "HALFMAP_ATTEMPT": spec["uuid"]}
    if spec["slurm"]:  # what the job has of the node is Slurm's to say
        environment |= {name: value for name, value in os.environ.items() if name.startswith("SLURM")}
        environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return environment
