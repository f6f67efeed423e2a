"""The daemon as a process: alone by its lock, on a local disk, with a terminal or without one."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from halfmap.daemon.file_system import kind_of
from halfmap.daemon.places import BadPlace, Places, make_private, places
from halfmap.daemon.settings import BadSettings, read_settings
from halfmap.daemon.single import AlreadyRuns, Lock, is_held

_START_S = 20.0
_LOOK_S = 0.05


class CannotStart(Exception):
    """The daemon cannot be started; the message says why and what to change."""


def prepare(where: Places) -> None:
    """Make the daemon's folders, and see that the store is on a disk of this machine.

    Raises
    ------
    CannotStart
        If a folder cannot be trusted, or the state folder is on a network file system.
    """
    try:
        make_private(where.runtime)
        make_private(where.state)
    except BadPlace as error:
        raise CannotStart(str(error)) from None
    found = kind_of(where.state)
    if found.is_network:
        raise CannotStart(
            f"{where.state} is on {found.name}, a network file system, where the store is not safe; set "
            "HALFMAP_STATE_DIR to a folder on a disk of this machine, such as /var/tmp/halfmap."
        )


def serve(environ: Mapping[str, str]) -> int:
    """Be the daemon, until it is told to end; returns its exit status."""
    from halfmap.daemon.running import run  # noqa: PLC0415 (whoever only starts the daemon does not load all of it)

    where = places(environ)
    try:
        prepare(where)
        lock = Lock(where.lock, where.socket)
        settings = read_settings(where.config)
    except (CannotStart, AlreadyRuns, BadSettings) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    try:
        return asyncio.run(run(where, settings, environ))
    finally:
        lock.release()


def start(environ: Mapping[str, str]) -> int:
    """Start the daemon away from this terminal, wait until it answers, and return its pid.

    Raises
    ------
    CannotStart
        If it ends at once, or does not answer in time; with its last words.
    """
    where = places(environ)
    prepare(where)
    words = where.state / "daemon.out"
    with words.open("ab") as output:
        before = output.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "halfmap.daemon"],
            cwd="/",
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if answers(where):
            return process.pid
        if process.poll() is not None:
            raise CannotStart(_last_words(words, before) or f"it ended with {process.returncode}; see {where.log}.")
        time.sleep(_LOOK_S)
    raise CannotStart(f"it does not answer after {_START_S:.0f} s; see {where.log}.")


def answers(where: Places) -> bool:
    """Whether a daemon holds the lock and its socket takes a connection."""
    import socket  # noqa: PLC0415

    if not is_held(where.lock):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(where.socket))
        return True
    return False


def _last_words(path: Path, start_at: int) -> str:
    with path.open("rb") as file:
        file.seek(start_at)
        return file.read()[-4000:].decode(errors="replace").strip().removeprefix("ERROR: ")


def main() -> None:
    """Be the daemon (``python -m halfmap.daemon``)."""
    # threads that wait for a dead file server do not keep the process: all of them are daemon threads
    sys.exit(serve(os.environ))
