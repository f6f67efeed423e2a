"""The process between the daemon and a program: says who it is, starts the program, leaves nothing of it behind.

Run as ``python -I -S shim.py ATTEMPT_FOLDER``; it outlives the daemon. It imports little of the standard library and of
this package, so that it starts at once and stays small; `halfmap.daemon.attempt_files` describes the files it reads and
writes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# at the end, so that nothing installed beside this package takes the place of the standard library
sys.path.append(os.path.abspath(__file__).removesuffix("/halfmap/daemon/shim.py"))

from halfmap.daemon import shim_files  # noqa: E402
from halfmap.daemon.descendants import remove_descendants  # noqa: E402
from halfmap.daemon.shim_program import AWAITED, Program  # noqa: E402

EX_TEMPFAIL = 75
_CANNOT_START = 127
_PR_SET_CHILD_SUBREAPER = 36


def main(folder: str) -> int:
    """Be the shim of one attempt; returns an exit status, which only Slurm reads."""
    _stand_alone()
    spec = shim_files.read(f"{folder}/spec.json")
    restart = int(os.environ.get("SLURM_RESTART_COUNT") or 0) if spec["slurm"] else 0
    if not shim_files.may_start(folder, restart):
        return _not_twice(spec)
    # before the claim: what an earlier attempt left must never be taken for the end of this one
    shim_files.remove_markers(spec, restart)
    if not shim_files.claim(folder, spec["uuid"], restart):
        return _not_twice(spec)
    end = _attempt(spec, restart)
    shim_files.write_exit(folder, {**end, "ended": time.time()})
    code = end.get("code")
    return 128 + (end.get("signal") or 0) if code is None else int(code)


def _stand_alone() -> None:
    """Leave the terminal and the session of whoever started this, and become the parent of all orphans below."""
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent may have it ignored, which loses exit codes
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    try:
        os.setsid()
    except PermissionError:  # it leads a session, or a group as under Slurm, already
        pass
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _not_twice(spec: dict[str, Any]) -> int:
    if not spec["slurm"]:
        return 0
    print("halfmap: this attempt was started before, or must not start any more; nothing was done.", file=sys.stderr)
    return EX_TEMPFAIL


def _attempt(spec: dict[str, Any], restart: int) -> dict[str, Any]:
    """Run the program, clean up after it, and tell how it ended."""
    program = Program(spec)
    try:
        os.chdir(spec["project"])
        os.umask(spec["umask"])
        sys.path += spec["package_paths"]
        if refusal := _cards_in_use(spec):
            return {"refused": refusal}
        end = program.run(_command(spec, restart))
    except OSError as error:
        end = {"code": _CANNOT_START, "problem": f"{error.filename or spec['argv'][0]}: {error.strerror}"}
    except Exception as error:  # whatever it is: the attempt has to end, and to say why
        end = {"code": _CANNOT_START, "problem": f"{type(error).__name__}: {error}"}
    end["left"] = remove_descendants()
    end["told_to_stop"] = program.told_to_stop
    end["peak_memory_mb"] = program.peak_memory_mb()
    shim_files.leave_words(spec, end)
    return end


def _cards_in_use(spec: dict[str, Any]) -> str:
    """Look once more whether the leased cards are free: a colleague may have been quicker."""
    if not spec["cards"]:
        return ""
    try:
        from halfmap.daemon.card_check import foreign_use  # noqa: PLC0415 (only where there are cards)

        return foreign_use(spec["cards"], spec["fake_nvml"], spec["uuid"], spec["memory_needed_mb"])
    except Exception as error:  # cards that cannot be looked at are not used
        return f"its cards cannot be looked at: {type(error).__name__}: {error}"


def _command(spec: dict[str, Any], restart: int) -> list[str]:
    """What to start: after Slurm took the job back and started it again, it goes on from the last whole iteration.

    A job without iterations goes on by itself.
    """
    if restart == 0 or not spec["continue_argv"]:
        return list(spec["argv"])
    if not any("{optimiser}" in word for word in spec["continue_argv"]):
        return list(spec["continue_argv"])
    from halfmap.contract import job_directory  # noqa: PLC0415 (only then)

    iteration = job_directory.last_whole_iteration(spec["output_root"])
    if iteration is None:
        return list(spec["argv"])
    optimiser = str(job_directory.optimiser_file(spec["output_root"], iteration))
    return [word.replace("{optimiser}", optimiser) for word in spec["continue_argv"]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
