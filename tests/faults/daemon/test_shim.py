"""The shim with real processes: starts once, tells the truth, leaves nothing behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from halfmap import contract
from halfmap.contract.job_directory import Marker, iteration_files
from halfmap.daemon import attempt_files
from halfmap.daemon.attempt_files import Exit, Spec, attempt_folder, fence, read_exit, read_identity, write_spec
from halfmap.daemon.ends import classify
from halfmap.daemon.launcher import SHIM, OnThisMachine
from halfmap.daemon.processes import is_alive, kill_all, processes_of

JOB = "Refine3D/job012/"
EXITS = (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED)
PACKAGES = tuple(str(Path(file).parents[2]) for file in (contract.__file__, attempt_files.__file__))


def until(condition: Callable, seconds: float = 20.0):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    assert found, "it did not come about in time"
    return found


class Attempt:
    """One attempt in a project of its own."""

    def __init__(self, project: Path, script: str, **more) -> None:
        self.project, self.job = project, project / JOB
        self.job.mkdir(parents=True, exist_ok=True)
        self.folder = attempt_folder(self.job, 1)
        argv = ("/bin/sh", "-c", script)
        self.spec = Spec(
            **{
                "uuid": f"test-{os.getpid()}-{project.name}",
                "job": 1,
                "number": 1,
                "project": str(project),
                "job_folder": JOB,
                "output_root": f"{JOB}run",
                "argv": argv,
                "environment": {"PATH": os.environ["PATH"]},
                "standard_output": f"{JOB}run.out",
                "standard_error": f"{JOB}run.err",
                "pipeline_control": JOB,
                "package_paths": PACKAGES,
                **more,
            }
        )
        write_spec(self.folder, self.spec)

    def start(self) -> "Attempt":
        self.shim = OnThisMachine().start(self.folder, self.spec).process_id
        return self

    def output(self) -> str:
        path = self.job / "run.out"
        return path.read_text() if path.exists() else ""

    def end(self) -> Exit:
        return until(lambda: read_exit(self.folder))

    def left(self) -> list[str]:
        return [f"{one.pid} {one.command}" for one in processes_of(self.spec.uuid, None) if one.pid != self.shim]

    def markers(self) -> set[str]:
        return {path.name for path in self.job.glob("RELION_JOB_*")}


@pytest.fixture
def attempt(tmp_path: Path):
    """Make attempts; what is left of them is killed at the end."""
    made = []

    def make(script: str, **more) -> Attempt:
        made.append(Attempt(tmp_path, script, **more))
        return made[-1]

    yield make
    for one in made:
        kill_all(processes_of(one.spec.uuid, None), signal.SIGKILL)


@pytest.mark.parametrize(
    ("script", "code", "number", "marker"),
    [
        ("exit 0", 0, None, Marker.SUCCESS),
        ("exit 3", 3, None, Marker.FAILURE),
        ("exit 2", 2, None, Marker.ABORTED),
        ("kill -9 $$", None, 9, Marker.FAILURE),
        (f"touch {JOB}{Marker.SUCCESS}; exit 1", 1, None, Marker.SUCCESS),
    ],
)
def test_an_end_is_told_by_the_exit_file_and_a_marker(attempt, script, code, number, marker):
    one = attempt(script).start()
    end = one.end()
    assert (end.code, end.signal, end.left, end.problem) == (code, number, (), "")
    assert end.peak_memory_mb > 0
    assert abs(end.ended - time.time()) < 20
    assert one.markers() == {marker}


def test_the_shim_says_who_it_is_before_the_program_starts(attempt):
    one = attempt("cat Refine3D/job012/halfmap/attempt-001/shim.json; sleep 60").start()
    seen = until(lambda: one.output().endswith("}") and json.loads(one.output()))
    identity = read_identity(one.folder)
    assert seen == identity.model_dump()
    assert identity.process_id == one.shim
    assert is_alive(identity)
    os.kill(one.shim, signal.SIGTERM)
    assert one.end().told_to_stop
    assert until(lambda: not is_alive(identity))


def test_the_program_gets_the_environment_and_the_folder_that_were_written_down(attempt):
    one = attempt("pwd; env; umask; cat", environment={"PATH": os.environ["PATH"], "WORD": "a b"}, umask=0o027).start()
    assert one.end().code == 0
    lines = set(one.output().splitlines())
    assert {str(one.project), "WORD=a b", f"HALFMAP_ATTEMPT={one.spec.uuid}", "0027"} <= lines
    shells_own = ("PWD", "OLDPWD", "SHLVL", "_", "PATH", "WORD", "HALFMAP_ATTEMPT")
    assert all(line.partition("=")[0] in shells_own for line in lines if "=" in line)


def test_output_is_appended_and_old_markers_are_gone_when_the_program_starts(attempt):
    one = attempt(f"ls {JOB}; echo new; echo bad >&2")
    (one.job / "run.out").write_text("old\n")
    for marker in Marker:
        (one.job / marker).touch()
    assert one.start().end().code == 0
    lines = one.output().splitlines()
    assert (lines[0], lines[-1]) == ("old", "new")
    assert not {str(marker) for marker in Marker} & set(lines)
    assert (one.job / "run.err").read_text() == "bad\n"


def test_old_markers_are_gone_before_the_attempt_is_claimed(attempt):
    one = attempt("exit 0", cards=("GPU-1",), fake_nvml="/nowhere")
    (one.job / Marker.SUCCESS).touch()
    assert one.start().end().refused
    assert one.markers() == set()


def test_an_attempt_is_started_once_however_many_shims_there_are(attempt):
    one = attempt(f"echo started >> {JOB}ledger; sleep 0.3")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: one.start(), range(8)))
    one.end()
    until(lambda: not processes_of(one.spec.uuid, None))
    assert (one.job / "ledger").read_text() == "started\n"


def test_a_fenced_attempt_never_starts(attempt):
    one = attempt(f"touch {JOB}ledger")
    assert fence(one.folder, one.spec.uuid)
    one.start()
    until(lambda: not processes_of(one.spec.uuid, None))
    assert not (one.job / "ledger").exists()
    assert read_exit(one.folder) is None
    assert classify(None, frozenset(), False, False)[0] == "lost", "for whoever does not know of the fence"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("/nowhere/mpiexec", "-n", "3"), "/nowhere/mpiexec: No such file or directory"),
        (("/etc/passwd",), "/etc/passwd: Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started_is_told_in_words(attempt, argv, words):
    one = attempt("", argv=argv).start()
    assert one.end().problem == words
    assert words in (one.job / "run.err").read_text()
    assert one.markers() == {Marker.FAILURE}


def test_a_project_that_is_gone_is_told_in_words(attempt, tmp_path):
    one = attempt("exit 0", pipeline_control="")
    write_spec(one.folder, one.spec.model_copy(update={"project": str(tmp_path / "gone")}))
    one.start()
    assert one.end().problem == f"{tmp_path}/gone: No such file or directory"


def test_cards_are_looked_at_once_more_before_the_start(attempt, tmp_path):
    fake = tmp_path / "cards.json"
    one = attempt(f"touch {JOB}ledger", cards=("GPU-1",), fake_nvml=str(fake), memory_needed_mb=1000.0)
    card = {"uuid": "GPU-1", "index": 0, "name": "A100", "memory_total_mb": 40000, "memory_used_mb": 11000}
    foreign = {"pid": 4711, "user": "anna", "command": "cryosparc", "memory_mb": 11000, "kind": "compute"}
    fake.write_text(json.dumps({"cards": [{**card, "processes": [foreign]}]}))
    end = one.start().end()
    assert "anna" in end.refused
    assert "cryosparc" in end.refused
    assert not (one.job / "ledger").exists()
    assert one.markers() == set(), "it never ran, so RELION is told nothing"


def test_a_stop_is_handed_on_and_told(attempt):
    one = attempt("trap 'echo stopping; exit 2' TERM; echo up; sleep 60 & wait").start()
    until(lambda: "up" in one.output())
    os.kill(one.shim, signal.SIGTERM)
    end = one.end()
    assert (end.code, end.told_to_stop, end.left) == (2, True, ())
    assert one.output().split() == ["up", "stopping"]
    assert one.markers() == {Marker.ABORTED}
    assert one.left() == []


def test_a_stop_before_the_program_has_started_is_not_lost(attempt):
    one = attempt("sleep 60")
    # a signal that comes while the shim is starting waits until it is taken
    early = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); os.kill(os.getpid(), 15); "
        "os.execv(sys.executable, sys.argv[1:])"
    )
    argv = [sys.executable, "-I", "-S", str(SHIM), str(one.folder)]
    subprocess.run([sys.executable, "-c", early, *argv], check=False, timeout=20)
    assert read_exit(one.folder).told_to_stop
    assert one.markers() == {Marker.ABORTED}
    assert one.output() == ""


@pytest.mark.slow
def test_a_program_that_ignores_a_stop_is_killed_after_a_while(attempt):
    one = attempt("trap '' TERM; echo up; while :; do sleep 1; done").start()
    until(lambda: "up" in one.output())
    os.kill(one.shim, signal.SIGTERM)
    end = one.end()
    assert (end.signal, end.told_to_stop, end.left) == (signal.SIGKILL, True, ())
    assert one.left() == []


@pytest.mark.parametrize(
    "leaves",
    [
        "sleep 6007 &",
        "setsid sleep 6007 &",
        "(setsid sh -c 'sleep 6007 & sleep 6007; true' &) &",
        "nohup setsid env -i /bin/sleep 6007 >/dev/null 2>&1 &",
        "(trap '' TERM; sleep 6007; sleep 6007) &",
    ],
)
def test_what_a_program_leaves_running_is_removed(attempt, leaves):
    one = attempt(f"{leaves} sleep 0.2; echo done").start()
    until(lambda: "done" in one.output())
    assert one.end() == one.end().model_copy(update={"code": 0, "left": ()})
    assert one.left() == []
    assert not [line for line in command_lines() if line.startswith(("sleep 6007", "/bin/sleep 6007"))]


def command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_the_shim_survives_its_starter_and_a_terminal_that_closes(attempt):
    one = attempt("sleep 1; echo done")
    code = (
        "from pathlib import Path; from halfmap.daemon.attempt_files import read_spec; "
        "from halfmap.daemon.launcher import OnThisMachine; import os, signal; "
        f"folder = Path({str(one.folder)!r}); "
        "print(OnThisMachine().start(folder, read_spec(folder)).process_id, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": ":".join(PACKAGES)}
    starter = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert starter.returncode == -signal.SIGKILL
    one.shim = int(starter.stdout)
    until(lambda: read_identity(one.folder))
    os.kill(one.shim, signal.SIGHUP)
    os.kill(one.shim, signal.SIGPIPE)
    assert one.end().code == 0
    assert one.output() == "done\n"


def test_a_starter_that_ignores_its_children_costs_no_exit_code(attempt):
    one = attempt("exit 7")
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    argv = [sys.executable, "-I", "-S", str(SHIM), str(one.folder)]
    subprocess.run([sys.executable, "-c", ignoring, *argv], check=False, timeout=20)
    assert read_exit(one.folder).code == 7


def test_a_folder_that_was_deleted_is_not_waited_for(attempt):
    one = attempt(f"rm -r {JOB}halfmap; exit 0").start()
    until(lambda: not processes_of(one.spec.uuid, None), 5)


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="mounts a small file system")
def test_the_end_is_written_once_a_full_disk_has_room(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(small)], check=True)
    try:
        one = Attempt(small, "dd if=/dev/zero of=filler bs=1k 2>/dev/null; exit 3").start()
        identity = until(lambda: read_identity(one.folder))
        until(lambda: (small / "filler").exists() and not one.left())
        time.sleep(1.0)
        assert read_exit(one.folder) is None
        assert is_alive(identity)
        (small / "filler").unlink()
        assert one.end().code == 3
        until(lambda: not is_alive(identity))
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def in_slurm(one: Attempt, restart: int) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "SLURM_RESTART_COUNT": f"{restart}", "SLURM_JOB_ID": "5"}
    argv = [sys.executable, "-I", "-S", str(SHIM), str(one.folder)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=30)


def test_slurm_may_start_an_attempt_again_but_not_twice(attempt):
    script = f"echo $SLURM_JOB_ID $0 >> {JOB}ledger; exit 2"
    again = ("/bin/sh", "-c", script, "--continue={optimiser}")
    one = attempt(script, slurm=True, continue_argv=again)
    assert in_slurm(one, 0).returncode == 2
    twice = in_slurm(one, 0)
    assert twice.returncode == 75
    assert "started before" in twice.stderr
    (one.job / Marker.ABORT_NOW).touch()
    for number in (3, 4):
        for path in iteration_files(f"{one.job}/run", number)[: 5 if number == 4 else None]:
            path.write_text("whole")
    assert in_slurm(one, 1).returncode == 2
    assert in_slurm(one, 1).returncode == 75
    assert (one.job / "ledger").read_text().splitlines() == ["5 /bin/sh", f"5 --continue={JOB}run_it003_optimiser.star"]
    assert read_identity(one.folder).restart == 1
    assert json.loads((one.folder / "exit-0.json").read_text())["code"] == 2
    assert one.markers() == {Marker.ABORTED, Marker.ABORT_NOW}, "a stop that was asked for holds"


def test_what_slurm_starts_again_without_a_whole_iteration_starts_over(attempt):
    one = attempt(f"echo over >> {JOB}ledger; exit 2", slurm=True, continue_argv=("/bin/false", "{optimiser}"))
    in_slurm(one, 0)
    assert in_slurm(one, 1).returncode == 2
    assert (one.job / "ledger").read_text() == "over\nover\n"


@pytest.mark.parametrize("before", ["fenced", "finished"])
def test_slurm_starts_nothing_again_that_was_fenced_or_has_finished(attempt, before):
    one = attempt(f"echo started >> {JOB}ledger", slurm=True)
    if before == "fenced":
        fence(one.folder, one.spec.uuid)
    else:
        assert in_slurm(one, 0).returncode == 0
    assert in_slurm(one, 1).returncode == 75
    assert (one.job / "ledger").exists() == (before == "finished")


def test_a_later_start_by_slurm_that_comes_first_cannot_be_fenced(attempt):
    one = attempt("exit 0", slurm=True)
    assert in_slurm(one, 2).returncode == 0
    assert not fence(one.folder, one.spec.uuid)
    assert in_slurm(one, 1).returncode == 75


def test_a_shim_starts_its_program_at_once_and_stays_small(attempt, record_property):
    waits, sizes = [], []
    for number in range(7):
        one = attempt("date +%s.%N; sleep 0.4", number=number + 1)
        (one.job / "run.out").unlink(missing_ok=True)
        one.folder = attempt_folder(one.job, number + 1)
        write_spec(one.folder, one.spec)
        began = time.time()
        one.start()
        until(lambda one=one: one.output().endswith("\n"))
        status = Path(f"/proc/{one.shim}/status").read_text()
        sizes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
        waits.append(1000 * (float(one.output()) - began))
        one.end()
    record_property("milliseconds from spawn to start", sorted(round(wait) for wait in waits))
    record_property("megabytes", max(sizes))
    assert min(waits) < 60, waits
    assert max(sizes) < 20, sizes
