"""The files of an attempt, ``JOB/halfmap/attempt-001/``: what was to be started, who it is, how it ended.

The identity decides whether an attempt was started: it is made exclusively, by the shim that is about to start the
program, or by a daemon that wants the attempt never to start. Whoever comes second knows.
"""

import os
import re
import secrets
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from halfmap.contract.whole_file import sync_folder, write_whole

SPEC, IDENTITY, EXIT = "spec.json", "shim.json", "exit.json"
_AGAIN = re.compile(r"shim-([0-9]{1,6})\.json", re.ASCII)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Spec(_File):
    """What is to be started.

    Attributes
    ----------
    project
        Working directory, absolute; the other paths are relative to it.
    argv, environment
        Complete: nothing is looked up or added, but ``HALFMAP_ATTEMPT``.
    standard_output, standard_error
        Files that are appended to.
    pipeline_control
        Folder of RELION's markers; "" for none.
    cards
        UUIDs of the leased cards, looked at once more before the program is started.
    memory_needed_mb
        Free memory that each of them must have.
    continue_argv
        Started instead when Slurm starts the attempt again; the word ``{optimiser}`` stands for the last whole
        iteration's file.
    package_paths
        Where the shim finds what it imports for that, or for looking at cards.
    """

    uuid: str
    job: int
    number: int
    project: str
    job_folder: str
    output_root: str
    argv: tuple[str, ...]
    environment: dict[str, str]
    standard_output: str
    standard_error: str
    pipeline_control: str = ""
    cards: tuple[str, ...] = ()
    fake_nvml: str = ""
    memory_needed_mb: float = 0.0
    umask: int = 0o022
    slurm: bool = False
    continue_argv: tuple[str, ...] = ()
    package_paths: tuple[str, ...] = ()


class Identity(_File):
    """Who an attempt's shim is; a pid alone would be another process's after a while.

    Attributes
    ----------
    fenced
        Whether a daemon made this file, so that the attempt never starts.
    start_time
        In clock ticks after boot, from ``/proc/PID/stat``.
    restart
        How often Slurm had started the attempt before.
    """

    uuid: str
    fenced: bool = False
    process_id: int = 0
    start_time: int = 0
    boot_id: str = ""
    host: str = ""
    restart: int = 0
    time: float = 0.0


class Exit(_File):
    """How an attempt ended, by its shim.

    Attributes
    ----------
    code, signal
        Exit code of the program, or the number of the signal that killed it.
    refused
        Why it was not started at all; "" if it was.
    problem
        Why the program could not be started; "" if it could.
    left
        Processes that could not be removed, in words.
    ended
        Seconds since the epoch.
    told_to_stop
        Whether the shim got SIGTERM.
    peak_memory_mb
        Largest memory of all its processes together, as far as it was seen.
    """

    code: int | None = None
    signal: int | None = None
    refused: str = ""
    problem: str = ""
    left: tuple[str, ...] = ()
    told_to_stop: bool = False
    ended: float = 0.0
    peak_memory_mb: float | None = None


def attempt_folder(job_folder: Path, number: int) -> Path:
    """Name an attempt's folder."""
    return job_folder / "halfmap" / f"attempt-{number:03d}"


def write_spec(folder: Path, spec: Spec) -> None:
    """Write what is to be started; makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / SPEC, spec.model_dump_json(indent=1))
    # the folder itself has to outlive a power cut too, or a claim in it is forgotten
    sync_folder(folder.parent)
    sync_folder(folder.parent.parent)


def read_spec(folder: Path) -> Spec:
    """Read what was to be started.

    Raises
    ------
    OSError, ValueError
        If it is not there, or no such file.
    """
    return Spec.model_validate_json((folder / SPEC).read_text(encoding="utf-8"))


def fence(folder: Path, uuid: str) -> bool:
    """See to it that an attempt never starts; False if it was claimed before."""
    return claim(folder, Identity(uuid=uuid, fenced=True, time=time.time()))


def claim(folder: Path, identity: Identity) -> bool:
    """Make the identity, unless there is one: of all who try, one succeeds."""
    temporary = folder / f".{IDENTITY}.{secrets.token_hex(4)}"
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(identity.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        # a link is made whole or not at all, and never over another file; a rename would replace it
        os.link(temporary, folder / IDENTITY)
        sync_folder(folder)
    except FileExistsError:
        # a file server can do it, lose its answer, and be asked again
        return temporary.stat().st_nlink > 1
    finally:
        temporary.unlink(missing_ok=True)
    return True


def read_identity(folder: Path) -> Identity | None:
    """Read who the attempt is, the latest if Slurm has started it again; None if nobody has claimed it.

    A file that is there and cannot be read is somebody's all the same, of whom nothing is known: nobody who is alive.
    """
    restarts = {int(found[1]): path for path in folder.glob("shim-*.json") if (found := _AGAIN.fullmatch(path.name))}
    try:
        text = (restarts[max(restarts)] if restarts else folder / IDENTITY).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Identity.model_validate_json(text)
    except ValidationError:
        return Identity(uuid="")


def read_exit(folder: Path) -> Exit | None:
    """Read how it ended; None if nothing was written, or not yet."""
    try:
        return Exit.model_validate_json((folder / EXIT).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_exit(folder: Path, exit_: Exit) -> None:
    """Write how it ended."""
    write_whole(folder / EXIT, exit_.model_dump_json())
