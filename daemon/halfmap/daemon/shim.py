"""The process between the daemon and a program: says who it is, starts the program, leaves nothing of it behind.

Run as ``python -I -S shim.py ATTEMPT_FOLDER``; it outlives the daemon. It imports little of the standard library and
nothing else, so that it starts at once and stays small; `halfmap.daemon.attempt_files` describes the files it reads and
writes.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EX_TEMPFAIL = 75
_PR_SET_CHILD_SUBREAPER = 36
_GRACE_S = 2.0
_STOP_S = 10.0
_REMOVE_S = 10.0
_LOOK_S = 0.1
_MARKERS = ("RELION_JOB_EXIT_SUCCESS", "RELION_JOB_EXIT_FAILURE", "RELION_JOB_EXIT_ABORTED")
_ABORTED_CODE = 2
_MB_PER_PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20


def main(folder: str) -> int:
    """Be the shim of one attempt."""
    with open(f"{folder}/spec.json", encoding="utf-8") as file:
        spec = json.load(file)
    _stand_alone()
    restart = int(os.environ.get("SLURM_RESTART_COUNT") or 0) if spec["slurm"] else 0
    if not _claim(folder, spec, restart):
        if spec["slurm"]:
            print("This attempt was started before; it is not started twice.", file=sys.stderr)
            return EX_TEMPFAIL
        return 0
    os.chdir(spec["project"])
    os.umask(spec["umask"])
    if refusal := _cards_in_use(spec):
        _write(folder, "exit.json", {"refused": refusal, "ended": time.time()})
        return 0
    return Watch(folder, spec, _command(spec, restart)).run(restart)


def _stand_alone() -> None:
    """Leave the terminal and the session of whoever started this, and become the parent of all orphans below."""
    if os.getsid(0) != os.getpid():
        try:
            os.setsid()
        except PermissionError:  # it leads a process group already, as under Slurm
            pass
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _claim(folder: str, spec: dict[str, Any], restart: int) -> bool:
    """Make the identity file; False if somebody was first."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    identity = {
        "uuid": spec["uuid"],
        "fenced": False,
        "process_id": os.getpid(),
        "start_time": int((_stat(os.getpid()) or [])[21]),
        "boot_id": boot,
        "host": socket.gethostname(),
        "restart": restart,
        "time": time.time(),
    }
    if restart and os.path.exists(f"{folder}/shim.json"):
        with open(f"{folder}/shim.json", encoding="utf-8") as file:
            if json.load(file).get("fenced"):
                return False
        return _link(folder, f"shim-{restart}.json", identity)
    return _link(folder, "shim.json", identity)


def _link(folder: str, name: str, content: dict[str, Any]) -> bool:
    temporary = _written(folder, name, content)
    try:
        os.link(temporary, f"{folder}/{name}")
    except FileExistsError:
        return False
    finally:
        os.unlink(temporary)
    _sync(folder)
    return True


def _written(folder: str, name: str, content: dict[str, Any]) -> str:
    temporary = f"{folder}/.{name}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _write(folder: str, name: str, content: dict[str, Any]) -> None:
    """Write a file whole. A full disk is waited for: this is the only word about how the attempt ended."""
    while True:
        try:
            os.replace(_written(folder, name, content), f"{folder}/{name}")
            _sync(folder)
            return
        except OSError:
            time.sleep(_GRACE_S)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cards_in_use(spec: dict[str, Any]) -> str:
    """Look once more whether the leased cards are free: a colleague may have been quicker."""
    if not spec["cards"]:
        return ""
    for path in spec["package_paths"]:
        sys.path.append(path)
    from halfmap.daemon import card_check as module  # noqa: PLC0415 (only where there are cards)

    return str(module.foreign_use(spec["cards"], spec["fake_nvml"], spec["uuid"], spec["memory_needed_mb"]))


def _command(spec: dict[str, Any], restart: int) -> list[str]:
    """What to start: after Slurm took the job back and started it again, it goes on from the last whole iteration."""
    if restart == 0 or not spec["continue_argv"]:
        return list(spec["argv"])
    for path in spec["package_paths"]:
        sys.path.append(path)
    from halfmap.contract import job_directory  # noqa: PLC0415

    iteration = job_directory.last_whole_iteration(spec["output_root"])
    if iteration is None:
        return list(spec["argv"])
    optimiser = str(job_directory.optimiser_file(spec["output_root"], iteration))
    return [optimiser if word == "{optimiser}" else word for word in spec["continue_argv"]]


class Watch:
    """One run of the program, from its start until nothing of it is left."""

    def __init__(self, folder: str, spec: dict[str, Any], argv: list[str]) -> None:
        self.folder, self.spec, self.argv = folder, spec, argv
        self.child = 0
        self.told_to_stop = False
        self.peak_mb = 0.0

    def run(self, restart: int) -> int:
        """Start the program, wait, clean up, and write how it ended."""
        if restart == 0:
            self._remove_markers()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        code: int | None = None
        killed_by: int | None = None
        problem = ""
        try:
            self.child = self._start()
            status = self._wait()
            code, killed_by = (status, None) if status >= 0 else (None, -status)
        except OSError as error:
            code, problem = 127, f"{error.filename or self.argv[0]}: {error.strerror}"
            self._complain(problem)
        left = self._remove_all()
        self._mark(code)
        end = {
            "code": code,
            "signal": killed_by,
            "problem": problem,
            "left": left,
            "told_to_stop": self.told_to_stop,
            "ended": time.time(),
            "peak_memory_mb": round(self.peak_mb, 1) or None,
        }
        _write(self.folder, "exit.json", end)
        return code if code is not None else 128 + (killed_by or 0)

    def _control(self, name: str) -> str:
        return os.path.join(self.spec["pipeline_control"], name)

    def _remove_markers(self) -> None:
        if self.spec["pipeline_control"]:
            for name in (*_MARKERS, "RELION_JOB_ABORT_NOW"):
                try:
                    os.unlink(self._control(name))
                except FileNotFoundError:
                    pass

    def _start(self) -> int:
        """Start the program with nothing but what the specification says."""
        append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        output, errors = (os.open(self.spec[name], append, 0o666) for name in ("standard_output", "standard_error"))
        nothing = os.open(os.devnull, os.O_RDONLY)
        environment = {**self.spec["environment"], "HALFMAP_ATTEMPT": self.spec["uuid"]}
        if self.spec["slurm"]:
            environment = {**{k: v for k, v in os.environ.items() if k.startswith("SLURM")}, **environment}
            environment["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        actions = [(os.POSIX_SPAWN_DUP2, old, new) for old, new in ((nothing, 0), (output, 1), (errors, 2))]
        try:
            return os.posix_spawn(
                self.argv[0],
                self.argv,
                environment,
                file_actions=actions,
                setsigmask=(),
                setsigdef=(signal.SIGHUP, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT),
            )
        finally:
            for descriptor in (output, errors, nothing):
                os.close(descriptor)

    def _stop(self, _number: int, _frame: object) -> None:
        """Hand a request to stop on, once; the clean-up follows when the program ends, or after a while."""
        if not self.told_to_stop and self.child:
            self.told_to_stop = True
            try:
                os.kill(self.child, signal.SIGTERM)
            except ProcessLookupError:
                pass
            signal.setitimer(signal.ITIMER_REAL, _STOP_S)
            signal.signal(signal.SIGALRM, self._stop_hard)

    def _stop_hard(self, _number: int, _frame: object) -> None:
        for pid in self._descendants():
            _kill(pid, signal.SIGKILL)
        signal.setitimer(signal.ITIMER_REAL, 1.0)

    def _wait(self) -> int:
        """Reap everything until the program itself has ended; its exit code, or minus the signal."""
        looked = 0.0
        while True:
            if time.monotonic() - looked > 1.0:
                self._measure()
                looked = time.monotonic()
            # a sleep that any child's end cuts short
            signal.sigtimedwait({signal.SIGCHLD}, 1.0)
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return 0
                if pid == 0:
                    break
                if pid == self.child:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    self.child = 0
                    return os.waitstatus_to_exitcode(status)

    def _measure(self) -> None:
        total = sum(int(fields[23]) for pid in self._descendants() if (fields := _stat(pid)))
        self.peak_mb = max(self.peak_mb, total * _MB_PER_PAGE)

    def _descendants(self) -> list[int]:
        """All processes below this one, whatever sessions they made for themselves."""
        parents = {
            int(name): int(fields[3]) for name in os.listdir("/proc") if name.isdecimal() and (fields := _stat(name))
        }
        found = {os.getpid()}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return sorted(found - {os.getpid()})

    def _remove_all(self) -> list[str]:
        """End what the program left: asked first, then made; returns what cannot be removed, in words."""
        began = time.monotonic()
        asked = False
        while True:
            _reap()
            left = self._descendants()
            if not left:
                return []
            waited = time.monotonic() - began
            if waited > _GRACE_S + _REMOVE_S:
                return [f"pid {pid} {(_stat(pid) or ['', '?'])[1]}" for pid in left]
            for pid in left:
                if waited > _GRACE_S:
                    _kill(pid, signal.SIGKILL)
                elif not asked:
                    _kill(pid, signal.SIGTERM)
            asked = True
            time.sleep(_LOOK_S)

    def _mark(self, code: int | None) -> None:
        """Leave RELION's marker if the program could not."""
        if not self.spec["pipeline_control"] or any(os.path.exists(self._control(name)) for name in _MARKERS):
            return
        aborted = code == _ABORTED_CODE or (self.told_to_stop and code != 0)
        name = _MARKERS[0] if code == 0 else _MARKERS[2] if aborted else _MARKERS[1]
        try:
            with open(self._control(name), "x", encoding="ascii"):
                pass
        except OSError:  # a full disk: the exit file tells the same, later
            pass

    def _complain(self, problem: str) -> None:
        try:
            with open(self.spec["standard_error"], "a", encoding="utf-8") as file:
                file.write(f"ERROR: \nthe program could not be started: {problem}\n")
        except OSError:
            pass


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _stat(pid: object) -> list[str] | None:
    """Fields of ``/proc/PID/stat``, counted from 0; None for a process that is gone or only waits to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            before, _, after = file.read().partition(" (")
    except OSError:
        return None
    command, _, rest = after.rpartition(") ")
    fields = [before, command, *rest.split()]
    return None if fields[2] in "ZX" else fields


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    sys.exit(main(sys.argv[1]))
