"""Writing files whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from halfmap.engine.errors import BadInput

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; sync and rename it when the block ends, remove it when the block fails.

    Raises
    ------
    BadInput
        If there is no space left or the directory cannot be written, naming the file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _explained(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(path: Path, error: OSError) -> BadInput:
    if error.errno in _NO_ROOM:
        return BadInput(f"{path}: no space left on the device; the file was not written. Free some space and continue.")
    return BadInput(f"{path}: cannot be written ({error.strerror}); choose a directory that you may write to.")
