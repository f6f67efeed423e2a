"""Which kind of file system a path lies on: read from the mount table, which answers while a dead server does not."""

import os
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

MOUNT_TABLE = Path("/proc/self/mountinfo")

# fmt: off
_NETWORK = frozenset({
    "9p", "acfs", "afs", "auristorfs", "autofs", "beegfs", "ceph", "cifs", "coda", "cvfs", "dvs", "gfs", "gfs2",
    "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2",
    "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "wekafs",
})
# fmt: on
_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A kind of file system.

    Attributes
    ----------
    name
        As the kernel calls it: ``ext4``, ``nfs4``, ``fuse.sshfs``; empty if the mount table does not tell.
    """

    name: str

    @property
    def is_network(self) -> bool:
        """Whether another machine may change its files, or keep it from answering.

        What is mounted through FUSE counts as such: most of it is.
        """
        return self.name in _NETWORK or self.name.startswith("fuse.")


def kind_of(path: Path, mount_table: Path = MOUNT_TABLE) -> FileSystem:
    """Tell on which file system a path lies, whether it exists or not.

    Links are followed, but nothing on a network file system is touched: what is reached through one counts as lying
    there.
    """
    mounts = _mounts(mount_table)
    here, ahead, links = Path("/"), deque(path.absolute().parts[1:]), 0
    while ahead:
        here = here.parent if ahead[0] == ".." else here / ahead[0]
        ahead.popleft()
        if _mounted_at(here, mounts).is_network:
            return _mounted_at(here.joinpath(*ahead), mounts)
        target = _link(here)
        if target is not None and links < _MOST_LINKS:
            links += 1
            ahead.extendleft(reversed([part for part in target.parts if part != "/"]))
            here = Path("/") if target.is_absolute() else here.parent
    return _mounted_at(here, mounts)


def is_local_disk(path: Path) -> bool:
    """Whether a database may lie there: its locks and shared memory hold on one machine only."""
    return not kind_of(path).is_network


def _link(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None


def _mounts(mount_table: Path) -> dict[Path, FileSystem]:
    """Kind of each mount point; of several on top of each other the last is the one that is seen."""
    mounts = {}
    for line in os.fsdecode(mount_table.read_bytes()).rstrip("\n").split("\n"):
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4])
        mounts[Path(point)] = FileSystem(after.split(" ")[0])
    return mounts


def _mounted_at(path: Path, mounts: dict[Path, FileSystem]) -> FileSystem:
    for folder in (path, *path.parents):
        if folder in mounts:
            return mounts[folder]
    return FileSystem("")
