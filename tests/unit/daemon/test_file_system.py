"""The kind of a file system is read from the mount table."""

from pathlib import Path

import pytest

from halfmap.daemon.file_system import FileSystem, is_local_disk, kind_of

ROOT = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "mountinfo"
    path.write_text("\n".join((ROOT, *lines)) + "\n")
    return path


def mount(point: Path | str, kind: str) -> str:
    return f"36 22 0:45 / {str(point).replace(' ', chr(92) + '040')} rw shared:2 master:1 - {kind} server:/x rw"


@pytest.mark.parametrize(
    "name", ["nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "ceph", "9p", "fuse.sshfs"]
)
def test_network_file_systems_are_known_by_name(name: str):
    assert FileSystem(name).is_network


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", ""])
def test_local_ones_are_not_network(name: str):
    assert not FileSystem(name).is_network


def test_the_deepest_mount_point_counts(tmp_path):
    mounts = table(tmp_path, mount("/data", "nfs4"), mount("/data/scratch", "xfs"))
    assert kind_of(Path("/etc/x"), mounts) == FileSystem("ext4")
    assert kind_of(Path("/data/anna/p"), mounts) == FileSystem("nfs4")
    assert kind_of(Path("/data/scratch/p"), mounts) == FileSystem("xfs")
    assert kind_of(Path("/database"), mounts) == FileSystem("ext4")


def test_the_last_of_several_mounts_on_a_place_is_the_one_seen(tmp_path):
    mounts = table(tmp_path, mount("/home", "autofs"), mount("/home", "xfs"))
    assert kind_of(Path("/home/anna"), mounts) == FileSystem("xfs")


def test_a_mount_below_an_automounter_is_named(tmp_path):
    mounts = table(tmp_path, mount("/home", "autofs"), mount("/home/anna", "nfs4"))
    assert kind_of(Path("/home/anna/p"), mounts) == FileSystem("nfs4")
    assert kind_of(Path("/home/otto/p"), mounts).is_network


def test_names_with_spaces_are_read(tmp_path):
    mounts = table(tmp_path, mount("/my data", "cifs"))
    assert kind_of(Path("/my data/p"), mounts) == FileSystem("cifs")


def test_links_are_followed_onto_a_network_file_system(tmp_path):
    folder = tmp_path.resolve()
    (folder / "project").mkdir()
    (folder / "project/Refine3D").symlink_to("../near/refine")
    (folder / "near").symlink_to(folder / "far")
    mounts = table(folder, mount(folder / "far", "lustre"))
    assert kind_of(folder / "project/Refine3D/job001", mounts) == FileSystem("lustre")
    assert kind_of(folder / "project/Other", mounts) == FileSystem("ext4")


def test_nothing_on_a_network_file_system_is_touched(tmp_path):
    folder = tmp_path.resolve()
    (folder / "far").mkdir()
    (folder / "far/home").symlink_to(folder / "near")
    mounts = table(folder, mount(folder / "far", "nfs"))
    assert kind_of(folder / "far/home/p", mounts) == FileSystem("nfs")


def test_links_that_go_in_circles_have_an_end(tmp_path):
    folder = tmp_path.resolve()
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    assert kind_of(folder / "a/p", table(folder)) == FileSystem("ext4")


def test_this_machines_own_table_is_understood():
    assert kind_of(Path("/proc/self")) == FileSystem("proc")
    assert is_local_disk(Path("/proc/self/status"))
