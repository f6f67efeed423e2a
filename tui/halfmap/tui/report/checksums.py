"""Which bytes went in and came out: sizes and SHA-256 of files, read in chunks."""

import hashlib
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from halfmap.tui.report.patience import told_if_long

_CHUNK = 2**22
_AGAIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was looked at.

    Attributes
    ----------
    role
        What it is to the job.
    path
        As the job names it.
    bytes, changed, sha256
        None, and empty, if it could not be read.
    trouble
        Why not.
    """

    role: str
    path: str
    bytes: int | None = None
    changed: float | None = None
    sha256: str = ""
    trouble: str = ""


def check(role: str, path: str, project: Path, tell: Callable[[str], None]) -> Checked:
    """Read a file and add up what it holds.

    Parameters
    ----------
    role, path
        See `Checked`; the path may be relative to the project.
    project
        Where relative paths begin.
    tell
        Called with a sentence when it takes long.
    """
    try:
        with told_if_long(tell, f"{path}: reading"):
            return _read(role, path, project / path, tell)
    except OSError as error:
        return Checked(role, path, trouble=f"cannot be read: {error.strerror or error}")
    except ValueError as error:
        return Checked(role, path, trouble=f"cannot be read: {error}")


def _read(role: str, path: str, there: Path, tell: Callable[[str], None]) -> Checked:
    status = there.stat()
    if not stat.S_ISREG(status.st_mode):
        return Checked(role, path, trouble="is no file")
    found, told_at = hashlib.sha256(), time.monotonic()
    with there.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            if time.monotonic() - told_at > _AGAIN_S:
                told_at = time.monotonic()
                tell(f"{path}: {100 * file.tell() // max(status.st_size, 1)} % of {status.st_size / 1e9:.1f} GB read")
    return Checked(role, path, status.st_size, status.st_mtime, found.hexdigest())
