"""Completing the path of a folder while it is typed."""

import os
from pathlib import Path

_MOST = 10_000


def absolute(text: str) -> str:
    """Write a typed path in full: ``~`` is a home, anything relative begins where the interface was started."""
    typed = os.path.expanduser(text.strip())  # noqa: PTH111 (a path of a user that is unknown stays as it is)
    try:
        return os.path.normpath(typed if typed.startswith("/") else str(Path.cwd() / typed))
    except OSError:
        # the folder that it was started in is gone
        return typed


def completed(text: str) -> tuple[str, tuple[str, ...]]:
    """Complete a path as far as the folders that are there leave no choice.

    Returns
    -------
    str, tuple of str
        The path, with a slash behind a whole folder, and the names of the folders that it may mean.
    """
    typed = os.path.expanduser(text.strip())  # noqa: PTH111
    parent, _, begin = typed.rpartition("/")
    where = f"{parent}/" if "/" in typed else ""
    names = sorted(name for name in _folders(where or ".") if name.startswith(begin) and _is_wanted(name, begin))
    if not names:
        return text, ()
    common = os.path.commonprefix(names)  # noqa: RUF071 (characters are meant)
    return f"{where}{common}{'/' if len(names) == 1 else ''}", tuple(names)


def _is_wanted(name: str, begin: str) -> bool:
    return begin.startswith(".") or not name.startswith(".")


def _folders(where: str) -> list[str]:
    found = list[str]()
    try:
        with os.scandir(where) as entries:
            for entry in entries:
                if len(found) < _MOST and entry.is_dir():
                    found.append(entry.name)
    except OSError:
        return found
    return found
