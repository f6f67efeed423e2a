"""Copies of the particles' stacks on a scratch disc, removed when the run ends, however it ends."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.errors import BadInput

FOLDER = "relion_volatile"
_GIB = 1024**3


@dataclass(frozen=True)
class ScratchSettings:
    """How the scratch disc is used.

    Parameters
    ----------
    directory
        Where the folder of copies is made.
    keep_free_gb
        Space that stays free, in GiB.
    reuse, keep
        Use copies that are there already; leave them behind.
    """

    directory: Path
    keep_free_gb: float
    reuse: bool
    keep: bool

    @property
    def folder(self) -> Path:
        """Folder of the copies: RELION's name where they outlive the run, one of this run's own otherwise."""
        base = self.directory / FOLDER
        return base if self.reuse or self.keep else base / f"halfmap-{os.getpid()}"


def copy_name(optics_group: int, number: int) -> str:
    """Name of a copied stack, as RELION names it: the n-th particle of its optics group."""
    return f"opticsgroup{optics_group}_particle{number}.mrcs"


def name_of_volume(optics_group: int, number: int, of_ctf: bool) -> str:
    """Name of a copied volume or CTF volume, as RELION names it."""
    return f"opticsgroup{optics_group}_particle{'_ctf' if of_ctf else ''}{number}.mrc"


def copy_stacks(
    files: Sequence[Path], names: Sequence[str], particles: Iterable[int], folder: Path, settings: ScratchSettings
) -> dict[int, Path]:
    """Copy stacks until the disc is full enough; the others are read from where they are.

    Parameters
    ----------
    files, names
        Stack of each particle, and the name of its copy.
    particles
        Particles to copy.
    folder
        Folder of the copies.
    settings
        What to keep free, and whether to trust copies that exist.

    Returns
    -------
    Copies by particle.
    """
    copies: dict[int, Path] = {}
    for particle in particles:
        target = folder / names[particle]
        size = files[particle].stat().st_size
        if settings.reuse and target.exists() and target.stat().st_size == size:
            copies[particle] = target
            continue
        if shutil.disk_usage(folder).free - size < settings.keep_free_gb * _GIB:
            break
        partial = target.with_suffix(".partial")
        shutil.copyfile(files[particle], partial)
        partial.replace(target)
        copies[particle] = target
    return copies


def make_folder(settings: ScratchSettings) -> Path:
    """Make the folder of copies.

    Raises
    ------
    BadInput
        If the scratch directory is missing or cannot be written.
    """
    if not settings.directory.is_dir():
        raise BadInput(f"--scratch_dir {settings.directory}: no such directory on this machine.")
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--scratch_dir {settings.directory}: cannot be written ({error.strerror}).") from error
    return settings.folder


class Guard:
    """A small process that removes a folder when this process has gone, even by SIGKILL.

    It waits at the end of a pipe: when the last writer is gone it reads the end of file.

    Parameters
    ----------
    folder
        Folder to remove, and its parent if that is empty then.
    """

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _GUARD_PROGRAM, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """Let it remove the folder now, and wait until it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


_GUARD_PROGRAM = """
import os, shutil, signal, sys
for name in ("SIGTERM", "SIGINT", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
sys.stdin.buffer.read()
shutil.rmtree(sys.argv[1], ignore_errors=True)
try:
    os.rmdir(os.path.dirname(sys.argv[1]))
except OSError:
    pass
"""
