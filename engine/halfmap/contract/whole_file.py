"""Writing small files whole or not at all: under a temporary name, synced, renamed."""

import os
import secrets
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text; after this returns it is on disk under its name, and no reader ever sees a part of it.

    Raises
    ------
    OSError
        If it cannot be written; what was there before is still there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("x", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put on disk which files a folder holds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
