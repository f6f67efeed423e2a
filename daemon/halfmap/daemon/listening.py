"""The socket that the daemon listens at, and who may talk to it: nobody but the daemon's own user."""

import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from halfmap.daemon.places import BadPlace, make_private

_LONGEST_NAME = 107
_BACKLOG = 128
_PEER = struct.Struct("3i")


class Connected(Protocol):
    """One end of a connection, such as a socket, or what asyncio shows of it."""

    def getsockopt(self, level: int, name: int, size: int, /) -> bytes:
        """Read an option."""


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen at a Unix socket that only this user can reach; at the end it is removed.

    Whoever calls this holds the daemon's lock, so a socket at which nobody listens is a dead daemon's and is replaced.

    Raises
    ------
    BadPlace
        If the folder cannot be trusted, the name is too long for a socket, or somebody listens there.
    """
    make_private(path.parent)
    if len(os.fsencode(path)) > _LONGEST_NAME:
        raise BadPlace(f"{path} is too long for a socket's name; set HALFMAP_RUNTIME_DIR to a shorter folder.")
    if _is_answered(path):
        raise BadPlace(f"another daemon, with another state folder, listens at {path}; set HALFMAP_RUNTIME_DIR.")
    with socket.socket(socket.AF_UNIX) as made:
        try:
            mine = _bind(made, path)
        except OSError as error:
            raise BadPlace(f"{path} cannot be made: {error.strerror}.") from None
        try:
            yield made
        finally:
            _remove(path, mine)


def _bind(made: socket.socket, path: Path) -> int:
    """Make the socket whole beside its place, then put it there; returns its inode."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    # Linux gives the file the mode of the socket, so there is no moment with another one, and the umask, which other
    # threads need as it is, stays
    os.fchmod(made.fileno(), 0o600)
    made.bind(str(new))
    made.listen(_BACKLOG)
    made.setblocking(False)
    new.chmod(0o600)
    new.replace(path)
    return path.lstat().st_ino


def _remove(path: Path, inode: int) -> None:
    with contextlib.suppress(OSError):
        if path.lstat().st_ino == inode:
            path.unlink()


def _is_answered(path: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        probe.connect(str(path))
        return True
    return False


def peer_uid(connection: Connected) -> int:
    """Tell which user is at the other end, as the kernel saw it when they connected."""
    _pid, uid, _gid = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return int(uid)


def stranger_problem(uid: int, own: int) -> str:
    """Tell why a user is not answered; "" for the daemon's own. Root is a stranger too."""
    return "" if uid == own else f"this daemon belongs to uid {own} and answers nobody else; you are uid {uid}."
