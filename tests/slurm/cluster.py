"""A Slurm of one node for tests: on loopback, of this user, without systemd, accounting, or cards that exist."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODE, PARTITION, CPUS, CARDS = "localhost", "gpu", 8, 4

CONFIGURATION = """\
ClusterName=halfmap
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
ReturnToService=2
JobRequeue=1
KillWait=2
MessageTimeout=5
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} CoresPerSocket={cpus} RealMemory=4000 Gres=gpu:{cards} State=UNKNOWN
PartitionName={partition} Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""
# Slurm takes any character device for a card
CARD_FILES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random")


def missing_programs() -> list[str]:
    """Those that a cluster needs and this machine lacks."""
    return [name for name in PROGRAMS if _program(name) is None]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def until(true: Callable[[], object], seconds: float = 20.0, what: str = "it") -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.05)


class Cluster:
    """The daemons of a cluster, as children of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
            "HOME": str(folder),
            "SLURM_CONF": str(folder / "slurm.conf"),
        }
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}

    def write(self) -> None:
        """Write its configuration."""
        for name in ("state", "spool"):
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(1024))
        controller_port, node_port = _free_ports(2)
        values = {"node": NODE, "user": _user(), "folder": self.folder, "cpus": CPUS, "cards": CARDS}
        ports = {"controller_port": controller_port, "node_port": node_port, "partition": PARTITION}
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(**values, **ports))
        lines = [f"NodeName={NODE} Name=gpu File={file}\n" for file in CARD_FILES]
        (self.folder / "gres.conf").write_text("".join(lines))

    def start(self) -> None:
        """Start it; when this returns jobs can run."""
        files = {name: f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "log", "seed")}
        self._start("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket", *files.values())
        until((self.folder / "munge.socket").exists, what="munge's socket")
        self.start_controller()
        self._start("slurmd", "-D", "-N", NODE, "-f", self.environ["SLURM_CONF"])
        until(lambda: self._node() == "idle", what="an idle node")

    def start_controller(self) -> None:
        """Start the controller, with what the last one has saved."""
        self._start("slurmctld", "-D", "-f", self.environ["SLURM_CONF"])

    def kill_controller(self) -> None:
        """Kill the controller as a power cut would."""
        daemon = self._daemons.pop("slurmctld")
        daemon.kill()
        daemon.wait()

    def restart_controller(self) -> None:
        """Kill the controller and start another, until it answers."""
        self.kill_controller()
        self.start_controller()
        self.until_answers()

    def until_answers(self) -> None:
        """Wait for the controller."""
        until(lambda: "UP" in self.call("scontrol", "ping", check=False), what="the controller")

    def until_in_service(self) -> None:
        """Wait until the controller has heard of the node again."""
        until(lambda: self._node() not in ("", "unknown", "unk"), what="the node")

    def undrain(self) -> bool:
        """Put the node back into service; whether that was necessary."""
        drained = "drain" in self._node()
        if drained:
            self.call("scontrol", "update", f"NodeName={NODE}", "State=RESUME")
        return drained

    def _node(self) -> str:
        return self.call("sinfo", "-h", "-o", "%T", check=False).strip()

    def _start(self, name: str, *words: str) -> None:
        program = _program(name)
        assert program is not None
        with (self.folder / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                [program, *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environ
            )

    def call(self, *words: str, check: bool = True) -> str:
        """Call one of Slurm's programs."""
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, timeout=30, check=False)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def stop(self) -> None:
        """End all jobs, then all daemons; nothing is left."""
        if "slurmctld" in self._daemons:
            self.call("scancel", f"--user={os.getuid()}", check=False)
            with contextlib.suppress(AssertionError):
                until(lambda: not self.call("squeue", "-h", check=False).strip(), 10)
        for daemon in self._daemons.values():
            daemon.terminate()
        for daemon in self._daemons.values():
            daemon.wait(10)
        for pid in processes_with(f"SLURM_CONF={self.environ['SLURM_CONF']}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes_with(entry: str) -> list[int]:
    """Processes with an entry such as ``NAME=value`` in their environment, except zombies."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return sorted(found)


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Give a running cluster; what it writes stays in the folder."""
    it = Cluster(folder)
    it.write()
    try:
        it.start()
        yield it
    finally:
        it.stop()
