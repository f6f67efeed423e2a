"""Faults of processes, cards, disks and clocks: each is done to a daemon at work, and what is wrong then is given."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from halfmap.daemon.cards import Card, CardProcess
from halfmap.daemon.client import JobState
from halfmap.daemon.nvml import write_fake
from tests.faults.daemon.harness import Bench, identity_of, with_mark

LONG = 1200
NAME = "Refine3D/job001/"
_SOON_S = 5.0


def running(bench: Bench, obeys: bool = True, trap: str = "", **launch: object) -> int:
    """A job whose program runs for long."""
    bench.program(rounds=LONG, obeys=obeys, trap=trap)
    bench.start()
    bench.watch()
    job = bench.submit(**launch)
    bench.wait_for(job, JobState.RUNNING)
    until = time.monotonic() + _SOON_S
    while not bench.starts() and time.monotonic() < until:
        time.sleep(0.01)
    return job


def stopped(bench: Bench, job: int, mode: str = "abort") -> list[str]:
    """Stop a job, and tell what is wrong then."""
    bench.ask(lambda client: client.stop(job, mode, f"stop {job}"))
    row = bench.ended(job)
    wrong = [] if row.state is JobState.ABORTED else [f"after the stop it is {row.state}: {row.reason}"]
    return wrong + bench.violations()


def shim_is_killed(bench: Bench) -> list[str]:
    """The launched shim dies: its program goes on, is followed, and can be stopped."""
    job = running(bench, obeys=False)
    os.kill(identity_of(bench, NAME)["process_id"], signal.SIGKILL)
    time.sleep(1)
    state = bench.row(job).state
    return ([] if state is JobState.RUNNING else [f"it is {state}"]) + stopped(bench, job)


def program_is_killed(bench: Bench) -> list[str]:
    """mpiexec dies: the job failed, and says by what."""
    job = running(bench)
    os.kill(int(bench.starts()[-1][1]), signal.SIGKILL)
    row = bench.ended(job)
    right = (row.state, row.reason) == (JobState.FAILED, "killed by SIGKILL")
    return ([] if right else [f"{row.state}: {row.reason}"]) + bench.violations()


def program_is_stopped(bench: Bench) -> list[str]:
    """A process that is held by SIGSTOP is ended all the same."""
    job = running(bench, obeys=False)
    os.kill(int(bench.starts()[-1][1]), signal.SIGSTOP)
    return stopped(bench, job)


def nothing_is_obeyed(bench: Bench) -> list[str]:
    """Neither the marker nor SIGTERM is obeyed."""
    return stopped(bench, running(bench, obeys=False, trap="trap '' TERM INT HUP"))


def grandchild_hides(bench: Bench) -> list[str]:
    """A grandchild leaves its session and its environment behind, and the program ends."""
    second = f"6{os.getpid()}.{time.monotonic_ns() % 1000}"
    bench.program(rounds=2, trap=f"(env -i setsid sleep {second} >/dev/null 2>&1 &) ; setsid sleep {second} &")
    bench.start()
    bench.watch()
    row = bench.ended(bench.submit())
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if _holds(path, second)]
    wrong = [] if row.state is JobState.FINISHED else [f"it is {row.state}: {row.reason}"]
    return wrong + ([f"{len(left)} grandchildren are left"] if left else []) + bench.violations()


def _holds(path: Path, text: str) -> bool:
    with contextlib.suppress(OSError):
        return text.encode() in path.read_bytes()
    return False


def daemon_is_killed_while_it_runs(bench: Bench) -> list[str]:
    """The daemon dies; the next one knows within five seconds what runs."""
    job = running(bench)
    bench.kill()
    began = time.monotonic()
    bench.start()
    row = bench.row(job)
    seconds = time.monotonic() - began
    wrong = [] if row.state is JobState.RUNNING and seconds < _SOON_S else [f"{row.state} after {seconds:.1f} s"]
    return wrong + stopped(bench, job)


def daemon_is_killed_during_a_stop(bench: Bench) -> list[str]:
    """The daemon dies on the ladder; the next one climbs on."""
    job = running(bench, obeys=False, trap="trap '' TERM")
    bench.ask(lambda client: client.stop(job, "abort", "the stop"))
    bench.kill()
    bench.start()
    row = bench.ended(job)
    return ([] if row.state is JobState.ABORTED else [f"{row.state}: {row.reason}"]) + bench.violations()


def all_processes_vanish(bench: Bench, change: Callable[[dict], dict] = lambda identity: identity) -> list[str]:
    """Daemon, shim and program die together, as by a power cut: the job is lost, and can go on."""
    job = running(bench)
    bench.kill()
    identity = identity_of(bench, NAME)
    for pid in [identity["process_id"], *with_mark(bench.starts()[-1][0])]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    path = bench.project / NAME / "halfmap/attempt-001/shim.json"
    path.write_text(json.dumps(change(identity)))
    began = time.monotonic()
    bench.start()
    row = bench.ended(job, seconds=_SOON_S)
    wrong = [] if row.state is JobState.LOST else [f"{row.state}: {row.reason}"]
    wrong += [] if time.monotonic() - began < _SOON_S else ["it took longer than 5 s"]
    bench.program()
    bench.ask(lambda client: client.resume(job, "go on"))
    row = bench.wait_for(job, JobState.FINISHED)
    return wrong + bench.violations()


def pid_is_reused(bench: Bench) -> list[str]:
    """The shim's number belongs to another process now."""
    return all_processes_vanish(bench, lambda identity: {**identity, "process_id": os.getpid()})


def machine_is_rebooted(bench: Bench) -> list[str]:
    """The shim ran before the machine's last start; its number and start time may even be somebody's now."""
    return all_processes_vanish(bench, lambda identity: {**identity, "boot_id": "another"})


def second_daemon(bench: Bench) -> list[str]:
    """Another daemon is started for the same user: it refuses in words, and the first goes on."""
    bench.start()
    words = [sys.executable, "-m", "halfmap.daemon"]
    other = subprocess.run(words, env=bench.environ, cwd="/", capture_output=True, text=True, timeout=20, check=False)
    wrong = [] if other.returncode == 1 and "runs already" in other.stderr else [f"{other.returncode}: {other.stderr}"]
    return wrong + (["the first has ended"] if bench.is_dead() else [])


def store_is_garbage(bench: Bench) -> list[str]:
    """The store cannot be read: it is left as it is, and made again from the job folders when that is asked for."""
    bench.start()
    bench.watch()
    bench.ended(bench.submit())
    bench.kill(signal.SIGTERM)
    store = bench.root / "state/store.sqlite"
    garbage = b"no database at all " * 1000
    store.write_bytes(garbage)
    for ending in ("-wal", "-shm"):
        Path(f"{store}{ending}").unlink(missing_ok=True)
    bench.start()
    status = bench.ask(lambda client: client.status())
    wrong = [] if status.mode == "recovery" else [f"the daemon says {status.mode}"]
    bench.kill(signal.SIGTERM)
    wrong += [] if store.read_bytes() == garbage else ["the file was changed"]
    words = [sys.executable, "-m", "halfmap.commands", "rebuild", str(bench.project)]
    made = subprocess.run(words, env=bench.environ, capture_output=True, text=True, timeout=60, check=False)
    wrong += [] if made.returncode == 0 and "1 jobs restored" in made.stdout else [made.stdout + made.stderr]
    bench.start()
    row = bench.ask(lambda client: client.find("job001", str(bench.project)))
    return wrong + ([] if row.state is JobState.FINISHED else [f"restored as {row.state}"]) + bench.violations()


def log_of_changes_is_cut(bench: Bench) -> list[str]:
    """The daemon dies, and the end of its write-ahead log is lost: what was answered before it counts, no more."""
    bench.start()
    bench.watch()
    bench.ended(bench.submit())
    bench.kill()
    wal = bench.root / "state/store.sqlite-wal"
    if wal.exists() and wal.stat().st_size > 8192:
        os.truncate(wal, wal.stat().st_size - 1000)
    bench.start()
    return [] if bench.ask(lambda client: client.status()).mode == "ok" else ["it does not go on"]


@contextlib.contextmanager
def small_disk(bench: Bench) -> Iterator[Path]:
    """Give the daemon a disk of its own of two megabytes."""
    state = bench.root / "state"
    state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(state)], check=True)
    try:
        yield state
    finally:
        bench.kill()
        subprocess.run(["umount", "-l", str(state)], check=False)


def disk_is_full(bench: Bench) -> list[str]:
    """No space is left for the store: nothing is started, the running job runs, the view works; later all goes on."""
    with small_disk(bench) as state:
        job = running(bench)
        filler = state / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        wrong = _refuses(bench)
        with contextlib.suppress(StopIteration):
            wrong += [] if bench.row(job).state is JobState.RUNNING else ["the running job is not seen to run"]
        (bench.project / NAME / "RELION_JOB_ABORT_NOW").touch()
        time.sleep(1)
        filler.unlink()
        row = bench.ended(job, seconds=30)
        wrong += [] if row.state is JobState.ABORTED else [f"in the end it is {row.state}"]
        return wrong + bench.violations()


def _refuses(bench: Bench) -> list[str]:
    for number in range(200):
        try:
            bench.submit(f"full {number}", hold=True)
        except Exception as error:
            return [] if "cannot be written" in str(error) or "full" in str(error) else [str(error)]
    return ["a full disk took two hundred jobs"]


def card_is_somebodys(bench: Bench) -> list[str]:
    """A colleague computes on the only free card: the job waits and names them, and starts when the card is free."""
    anna = CardProcess(4711, "anna", "cryosparc", 11.2 * 1024)
    cards = [Card(f"GPU-{n}", n, "fake", 24576.0, 11.2 * 1024, processes=(anna,)) for n in range(2)]
    write_fake(bench.root / "cards.json", cards)
    bench.start()
    bench.watch()
    job = bench.submit(cards=1)
    until = time.monotonic() + _SOON_S
    while "used by anna, pid 4711 cryosparc, 11.2 GB" not in (reason := bench.row(job).reason):
        if time.monotonic() > until:
            return [f"its reason is {reason!r}"]
        time.sleep(0.05)
    write_fake(bench.root / "cards.json", 2)
    row = bench.ended(job, seconds=40)
    return ([] if row.state is JobState.FINISHED else [f"{row.state}: {row.reason}"]) + bench.violations()


def card_vanishes(bench: Bench) -> list[str]:
    """The card of a running job falls off the bus: it is told to be gone, and leased to nobody."""
    job = running(bench, cards=1)
    write_fake(bench.root / "cards.json", [Card("GPU-1", 1, "fake", 24576.0)])
    cards = {card.uuid: card for card in bench.ask(lambda client: client.cards())}
    wrong = [] if cards["GPU-0"].state == "gone" else [f"it is {cards['GPU-0'].state}"]
    return wrong + stopped(bench, job)


CASES: tuple[Callable[[Bench], list[str]], ...] = (
    shim_is_killed,
    program_is_killed,
    program_is_stopped,
    nothing_is_obeyed,
    grandchild_hides,
    daemon_is_killed_while_it_runs,
    daemon_is_killed_during_a_stop,
    all_processes_vanish,
    pid_is_reused,
    machine_is_rebooted,
    second_daemon,
    store_is_garbage,
    log_of_changes_is_cut,
    disk_is_full,
    card_is_somebodys,
    card_vanishes,
)
NEEDS_ROOT = (disk_is_full,)
NEEDS_CARDS = (card_is_somebodys, card_vanishes)
