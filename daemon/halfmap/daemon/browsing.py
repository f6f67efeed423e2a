"""Completing a path that somebody types into a form; blocks on the file system."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from halfmap.contract.job_star import can_stand_in_star
from halfmap.daemon.inspection import PathRow

MOST_ROWS = 200

_CHOICE = re.compile(r"\{([^{}]*)\}")
_DIGITS = re.compile(r"([0-9]+)")


def completions(project: Path, text: str, pattern: str) -> list[PathRow]:
    """Complete the last component of what was typed.

    Parameters
    ----------
    project
        Absolute; a relative text is looked up in it, and not outside of it.
    text
        Names of folders end with a slash. A name that begins with a dot is found only if the dot was typed.
    pattern
        Such as ``*.star`` or ``*.{spi,vol,mrc}``; files of other names are left out. Empty for all.

    Returns
    -------
    list of PathRow
        At most `MOST_ROWS`, folders first, numbers in names by their size; none for a folder that cannot be read. Names
        that cannot stand in a ``job.star`` are left out.
    """
    typed, slash, stem = text.rpartition("/")
    folder = _folder(project, typed + slash)
    if folder is None:
        return []
    try:
        with os.scandir(folder) as entries:
            fitting = [
                (not is_folder, natural(entry.name), entry)
                for entry in entries
                if _is_meant(entry.name, stem)
                for is_folder in [_is_folder(entry)]
                if is_folder or fits(entry.name, pattern)
            ]
    except (OSError, ValueError):
        return []
    fitting.sort(key=lambda one: one[:2])
    return [_row(typed + slash, entry, not is_file) for is_file, _, entry in fitting[:MOST_ROWS]]


def fits(name: str, pattern: str) -> bool:
    """Whether a name fits a pattern; one choice such as ``{spi,vol,mrc}`` may stand in it."""
    return not pattern or any(fnmatchcase(name, one) for one in _spelled_out(pattern))


def _spelled_out(pattern: str) -> Iterator[str]:
    found = _CHOICE.search(pattern)
    choices = found[1].split(",") if found else [""]
    before, after = (pattern[: found.start()], pattern[found.end() :]) if found else (pattern, "")
    return (before + choice + after for choice in choices)


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Give a key by which job9 comes before job10."""
    # what matches stands at the odd places
    parts = enumerate(_DIGITS.split(name))
    return tuple((int(part), "") if place % 2 else (-1, part) for place, part in parts if part)


def is_outside(project: Path, text: str) -> bool:
    """Whether a text names a place outside of the project, by its spelling alone."""
    return not Path(os.path.normpath(project / text)).is_relative_to(project)


def _folder(project: Path, typed: str) -> Path | None:
    """Where to look; None for a relative path that leads out of the project."""
    return None if is_outside(project, typed) and not typed.startswith("/") else project / typed


def _is_meant(name: str, stem: str) -> bool:
    if not name.startswith(stem) or (name.startswith(".") and not stem):
        return False
    return can_stand_in_star(name) and _is_text(name)


def _is_text(name: str) -> bool:
    """Whether a name is text: not the bytes of another encoding, which JSON cannot hold."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _row(typed: str, entry: "os.DirEntry[str]", is_folder: bool) -> PathRow:
    path = f"{typed}{entry.name}{'/' if is_folder else ''}"
    try:
        status = entry.stat()
    except OSError:
        return PathRow(path=path, is_folder=is_folder)
    return PathRow(path=path, is_folder=is_folder, bytes=None if is_folder else status.st_size, changed=status.st_mtime)
