"""The files of an attempt as its shim handles them, without the libraries that `halfmap.daemon.attempt_files` needs."""

# without pathlib too: it starts in a few milliseconds

from __future__ import annotations

import contextlib
import json
import os
import time

from halfmap.daemon.descendants import START_TIME, stat_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DISK_S = 2.0
_SUCCESS, _FAILURE, _ABORTED = _EXITS = (
    "RELION_JOB_EXIT_SUCCESS",
    "RELION_JOB_EXIT_FAILURE",
    "RELION_JOB_EXIT_ABORTED",
)
_ABORT_NOW = "RELION_JOB_ABORT_NOW"
_ABORTED_CODE = 2


def read(path: str) -> dict[str, Any]:
    """Read a file of JSON."""
    with open(path, encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
    return content


def may_start(folder: str, restart: int) -> bool:
    """Whether an attempt has yet to start: for the first time, or again after Slurm took it back."""
    try:
        first = read(f"{folder}/shim.json")
    except FileNotFoundError:
        return True
    if first["fenced"] or restart <= first["restart"] or os.path.exists(_again(folder, restart)):
        return False
    try:
        return read(f"{folder}/exit.json").get("code") != 0
    except FileNotFoundError:
        return True


def _again(folder: str, restart: int) -> str:
    return f"{folder}/shim-{restart}.json"


def claim(folder: str, uuid: str, restart: int) -> bool:
    """Make the identity file, exclusively; False if somebody was first, and nothing must be started."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    identity = {
        "uuid": uuid,
        "fenced": False,
        "process_id": os.getpid(),
        "start_time": int((stat_of(os.getpid()) or [])[START_TIME]),
        "boot_id": boot,
        "host": os.uname().nodename,
        "restart": restart,
        "time": time.time(),
    }
    # the first name also if Slurm starts it again: a daemon that finds none may still fence the attempt
    if _link(f"{folder}/shim.json", identity):
        return True
    if not may_start(folder, restart) or not _link(_again(folder, restart), identity):
        return False
    with contextlib.suppress(FileNotFoundError):  # Slurm ended it before it took it back; that was not its end
        os.rename(f"{folder}/exit.json", f"{folder}/exit-{restart - 1}.json")
    return True


def _link(path: str, content: dict[str, Any]) -> bool:
    temporary = f"{path}.{os.uname().nodename}.{os.getpid()}"
    try:
        _write(temporary, content)
        os.link(temporary, path)
    except FileExistsError:
        # a file server can do it, lose its answer, and be asked again
        return os.stat(temporary).st_nlink > 1
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    _sync(os.path.dirname(path))
    return True


def write_exit(folder: str, end: dict[str, Any]) -> None:
    """Write how it ended. A full disk is waited for, as this is the only word about it; a deleted folder is not."""
    temporary = f"{folder}/.exit.json.{os.getpid()}"
    while os.path.isdir(folder):
        try:
            _write(temporary, end)
            os.replace(temporary, f"{folder}/exit.json")
            _sync(folder)
        except OSError:
            time.sleep(_DISK_S)
        else:
            return


def _write(path: str, content: dict[str, Any]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _marker(spec: dict[str, Any], name: str) -> str:
    return os.path.join(spec["project"], spec["pipeline_control"], name)


def remove_markers(spec: dict[str, Any], restart: int) -> None:
    """Remove what an earlier attempt left. A request to end stays when Slurm starts the same attempt again."""
    for name in _EXITS if restart else (*_EXITS, _ABORT_NOW):
        with contextlib.suppress(FileNotFoundError):
            if spec["pipeline_control"]:
                os.unlink(_marker(spec, name))


def leave_words(spec: dict[str, Any], end: dict[str, Any]) -> None:
    """Leave RELION's marker if the program could not, and say where people look why it could not be started."""
    name = _SUCCESS if end["code"] == 0 else _FAILURE
    if end["code"] == _ABORTED_CODE or (end["told_to_stop"] and end["code"] != 0):
        name = _ABORTED
    with contextlib.suppress(OSError):  # a full disk: the exit file tells the same, later
        if spec["pipeline_control"] and not any(os.path.exists(_marker(spec, exit_)) for exit_ in _EXITS):
            open(_marker(spec, name), "x", encoding="ascii").close()
        if problem := end.get("problem"):
            with open(os.path.join(spec["project"], spec["standard_error"]), "a", encoding="utf-8") as file:
                file.write(f"ERROR: \nhalfmap: the program could not be started: {problem}\n")
