"""The shim of an attempt with real processes: it starts a program once, tells the truth about it, leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halfmap.daemon.attempt_files import EXIT, fence
from halfmap.daemon.launcher import SHIM, OnThisMachine
from halfmap.daemon.nvml import write_fake
from halfmap.daemon.processes import ATTEMPT, attempt_of, start_time
from tests.faults.daemon.shim_run import ShimRun, alive, python, shell, spawn_from_another_process, wait_until

WAITS = "echo up; while :; do sleep 0.05; done"


@pytest.fixture
def attempt(tmp_path):
    made = []

    def make(argv: tuple[str, ...], **more: object) -> ShimRun:
        made.append(ShimRun(tmp_path, argv, **more))
        return made[-1]

    yield make
    for run in made:
        run.sweep()


def up(run: ShimRun) -> ShimRun:
    run.start()
    wait_until(run.is_up)
    return run


# --- starting --------------------------------------------------------------------------------------------------------


def test_a_program_that_ends_well_is_told_as_such_and_marked(attempt):
    run = attempt(shell("echo hello; echo trouble >&2")).start()
    assert run.wait() == 0
    assert (run.exit.code, run.exit.signal, run.exit.left, run.exit.refused) == (0, None, (), "")
    assert (run.out, run.err) == ("hello\n", "trouble\n")
    assert run.markers() == {"EXIT_SUCCESS"}
    assert abs(run.exit.ended - time.time()) < 10
    assert run.exit.peak_memory_mb > 0


def test_the_marker_that_the_program_left_is_kept(attempt):
    run = attempt(shell("touch Refine3D/job001/RELION_JOB_EXIT_FAILURE; exit 0")).start()
    run.wait()
    assert run.markers() == {"EXIT_FAILURE"}
    assert run.exit.code == 0


@pytest.mark.parametrize(
    ("ends", "code", "number", "marker"),
    [
        ("exit 3", 3, None, "EXIT_FAILURE"),
        ("exit 2", 2, None, "EXIT_ABORTED"),
        ("kill -9 $$", None, 9, "EXIT_FAILURE"),
        ("kill -11 $$", None, 11, "EXIT_FAILURE"),
    ],
)
def test_a_program_that_ends_badly_is_told_as_such_and_marked(attempt, ends, code, number, marker):
    run = attempt(shell(ends)).start()
    run.wait()
    assert (run.exit.code, run.exit.signal) == (code, number)
    assert run.markers() == {marker}


def test_what_an_earlier_attempt_left_is_removed_before_the_program_starts(attempt):
    run = attempt(shell("ls Refine3D/job001"))
    for name in ("EXIT_SUCCESS", "EXIT_FAILURE", "EXIT_ABORTED", "ABORT_NOW"):
        (run.job / f"RELION_JOB_{name}").touch()
    run.start().wait()
    assert "RELION_JOB" not in run.out
    assert run.markers() == {"EXIT_SUCCESS"}


def test_output_is_appended_and_never_cut(attempt):
    run = attempt(shell("echo new; echo new >&2"))
    (run.job / "run.out").write_text("old\n" * 1000)
    (run.job / "run.err").write_text("old\n")
    run.start().wait()
    assert run.out == "old\n" * 1000 + "new\n"
    assert run.err == "old\nnew\n"


def test_of_many_shims_of_one_attempt_one_starts_the_program(attempt):
    run = attempt(shell("echo started; sleep 0.3"))
    shims = [OnThisMachine().start(run.folder, run.spec).process_id for _ in range(6)]
    for pid in shims:
        os.waitpid(pid, 0)
    assert run.out == "started\n"
    assert run.identity.process_id in shims
    assert run.exit.code == 0
    assert sorted(path.name for path in run.folder.iterdir()) == ["exit.json", "shim.json", "spec.json"]


def test_a_fence_and_shims_at_once_leave_one_answer(attempt, tmp_path):
    for number in range(6):
        run = attempt(shell(f"echo {number}"))
        run.folder = run.folder.with_name(f"attempt-{number + 10:03d}")
        run.folder.mkdir()
        (run.folder / "spec.json").write_text(run.spec.model_dump_json())
        run.start()
        time.sleep(0.006 * number)
        fenced = fence(run.folder, run.uuid)
        run.wait()
        assert (f"{number}\n" in run.out) is not fenced
        assert run.identity.fenced is fenced
        assert (run.exit is None) is fenced


def test_the_program_gets_its_environment_and_nothing_that_was_not_asked_for(attempt, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    run = attempt(("/usr/bin/env",), environment={"PATH": "/bin", "ODD": "a b'c\n$(id)"}).start()
    run.wait()
    assert sorted(run.out.splitlines()) == sorted(f"PATH=/bin\nODD=a b'c\n$(id)\n{ATTEMPT}={run.uuid}".splitlines())


def test_arguments_are_handed_on_as_they_are(attempt):
    words = ("a b", "$(touch pwned)", "; touch pwned", "*", "'", '"', "\n", "ü", "", "--x=\x1b[31m")
    run = attempt((sys.executable, "-c", "import sys; print(sys.argv[1:])", *words)).start()
    run.wait()
    assert run.out == f"{list(words)}\n"
    assert not (run.project / "pwned").exists()


def test_the_program_has_no_terminal_no_input_and_no_open_files_of_the_daemon(attempt):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    seen = "import os; print(os.read(0, 1), sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
    tty = "try:\n open('/dev/tty')\n print('tty')\nexcept OSError:\n print('none')"
    run = attempt(python(seen + tty)).start()
    run.wait()
    os.close(reader)
    os.close(writer)
    assert run.out.splitlines() == ["b'' [0, 1, 2]", "none"]


def test_signals_come_to_the_program_as_they_would_from_a_shell(attempt):
    """Neither blocked nor ignored: an ignored SIGINT or SIGCHLD would be inherited by every rank."""
    code = (
        "import signal\n"
        "print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))\n"
        "print([n for n in range(1, 32) if n not in (9, 19) and signal.getsignal(n) == signal.SIG_IGN])"
    )
    run = attempt(python(code)).start()
    run.wait()
    # Python itself ignores SIGPIPE and SIGXFSZ
    assert run.out.splitlines() == ["[]", f"[{int(signal.SIGPIPE)}, {int(signal.SIGXFSZ)}]"]


def test_files_are_made_with_the_mask_of_the_specification(attempt):
    run = attempt(shell("touch made"), umask=0o027).start()
    run.wait()
    assert (run.project / "made").stat().st_mode & 0o777 == 0o640
    assert (run.job / "run.out").stat().st_mode & 0o777 == 0o640


def test_a_program_that_is_not_there_is_said_where_people_look(attempt):
    run = attempt(("/no/such/mpiexec",)).start()
    run.wait()
    assert run.exit.problem == "/no/such/mpiexec: No such file or directory"
    assert run.exit.code == 127
    assert "the program could not be started: /no/such/mpiexec" in run.err
    assert run.markers() == {"EXIT_FAILURE"}


def test_a_program_that_may_not_be_executed_is_said_so(attempt):
    run = attempt(("/etc/passwd",)).start()
    run.wait()
    assert "Permission denied" in run.exit.problem
    assert run.markers() == {"EXIT_FAILURE"}


def test_a_project_that_is_gone_is_said_so(attempt, tmp_path):
    run = attempt(shell("echo never"), project=f"{tmp_path}/gone").start()
    run.wait()
    assert "No such file" in run.exit.problem
    assert run.out == ""


def test_a_card_that_a_colleague_took_meanwhile_keeps_the_program_from_starting(attempt, tmp_path):
    fake = tmp_path / "cards.json"
    write_fake(fake, 2)
    text = fake.read_text().replace(
        '"processes": []', '"processes": [{"pid": 4711, "user": "anna", "command": "cryosparc", "memory_mb": 11468.8}]'
    )
    paths = tuple(str(Path(path)) for path in sys.path if path)
    fields = {"cards": ("GPU-1",), "fake_nvml": str(fake), "package_paths": paths}
    free = attempt(shell("echo ran"), **fields).start()
    free.wait()
    assert (free.out, free.exit.code) == ("ran\n", 0)
    (free.folder / "shim.json").unlink()
    (free.folder / EXIT).unlink()
    fake.write_text(text)
    taken = attempt(shell("echo ran again"), **fields).start()
    taken.wait()
    assert taken.exit.refused == "card 1 used by anna, pid 4711 cryosparc, 11.2 GB"
    assert taken.out == "ran\n"
    assert taken.markers() == set()


# --- while it runs ---------------------------------------------------------------------------------------------------


def test_it_says_who_it_is_and_that_is_true(attempt):
    run = up(attempt(shell(WAITS)))
    identity = run.identity
    assert identity.process_id == run.pid
    assert identity.start_time == start_time(run.pid)
    assert identity.uuid == run.uuid
    assert os.getsid(run.pid) == run.pid != os.getsid(0)
    assert attempt_of(run.pid) == run.uuid
    assert all(attempt_of(process.pid) == run.uuid for process in run.processes())


def test_it_outlives_who_started_it(attempt):
    run = attempt(shell("echo up; sleep 0.3; echo done"))
    pid = spawn_from_another_process(run)
    wait_until(lambda: not alive(pid))
    assert run.out == "up\ndone\n"
    assert run.exit.code == 0


def test_a_closed_terminal_does_not_reach_it(attempt):
    run = up(attempt(shell(WAITS)))
    [child] = [process for process in run.others() if process.parent == run.pid]
    os.kill(run.pid, signal.SIGHUP)
    time.sleep(0.15)
    assert alive(run.pid)
    assert alive(child.pid)
    # started from a terminal that closes: session leader gone, and SIGHUP to its whole foreground group
    leader, follower = os.openpty()
    code = (
        "import os, runpy, sys, time; os.setsid()\n"
        f"open({os.ttyname(follower)!r})\n"
        "if os.fork(): time.sleep(0.5); os._exit(0)\n"
        f"runpy.run_path({str(SHIM)!r}, run_name='__main__')"
    )
    second = attempt(shell("sleep 1; echo survived"))
    second.folder = second.folder.with_name("attempt-002")
    second.folder.mkdir()
    (second.folder / "spec.json").write_text(second.spec.model_dump_json())
    subprocess.Popen([sys.executable, "-c", code, str(second.folder)], stdin=follower).wait()
    os.close(follower)
    os.close(leader)
    wait_until(lambda: second.exit is not None, 5)
    assert second.exit.code == 0
    assert "survived" in second.out


def test_a_stop_is_handed_on_and_told(attempt):
    run = up(attempt(shell(WAITS)))
    os.kill(run.pid, signal.SIGTERM)
    run.wait()
    assert (run.exit.signal, run.exit.told_to_stop, run.exit.left) == (signal.SIGTERM, True, ())
    assert run.markers() == {"EXIT_ABORTED"}
    assert run.processes() == []


def test_a_program_that_ends_well_although_it_was_told_to_stop_has_finished(attempt):
    run = up(attempt(shell("trap 'exit 0' TERM; " + WAITS)))
    os.kill(run.pid, signal.SIGINT)
    run.wait()
    assert (run.exit.code, run.exit.told_to_stop) == (0, True)
    assert run.markers() == {"EXIT_SUCCESS"}


def test_a_stop_that_comes_before_the_program_is_not_lost(attempt):
    """At whatever moment of the shim's first milliseconds: the program does not run on."""
    for number in range(8):
        run = attempt(shell("sleep 30"))
        run.folder = run.folder.with_name(f"attempt-{number + 10:03d}")
        run.folder.mkdir()
        (run.folder / "spec.json").write_text(run.spec.model_dump_json())
        run.start()
        time.sleep(0.005 * number)
        os.kill(run.pid, signal.SIGTERM)
        run.wait(5)
        assert run.processes() == []
        assert run.exit is None or run.exit.told_to_stop


def test_a_program_that_was_killed_is_told_as_such_and_its_children_are_removed(attempt):
    run = up(attempt(shell("(while :; do sleep 0.05; done) & echo up; wait")))
    child = next(process for process in run.others() if process.parent == run.pid)
    os.kill(child.pid, signal.SIGKILL)
    run.wait()
    assert (run.exit.signal, run.exit.left) == (signal.SIGKILL, ())
    assert run.processes() == []


DAEMONISES = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {ignores}
        with open("grandchild", "w") as file:
            file.write(str(os.getpid()))
        print("up", flush=True)
        {body}
    os._exit(0)
os.wait()
while not os.path.exists("grandchild"): time.sleep(0.01)
{ends}
"""
SLEEP = "time.sleep(60)"
CLEARED = "os.execve('/bin/sleep', ['sleep', '60'], {})"
IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize("body", [SLEEP, CLEARED], ids=["marked", "cleared"])
@pytest.mark.parametrize("ignores", ["pass", IGNORES], ids=["obeys", "ignores"])
def test_a_grandchild_that_made_itself_a_daemon_is_removed(attempt, body, ignores):
    run = attempt(python(DAEMONISES.format(body=body, ignores=ignores, ends=""))).start()
    run.wait()
    grandchild = int((run.project / "grandchild").read_text())
    assert not alive(grandchild)
    assert (run.exit.code, run.exit.left) == (0, ())


def test_a_process_that_ends_while_nobody_waits_for_it_is_not_left_as_a_zombie(attempt):
    code = DAEMONISES.format(body="os._exit(0)", ignores="pass", ends="print('up', flush=True); time.sleep(60)")
    run = attempt(python(code)).start()
    wait_until(lambda: run.is_up(2))
    grandchild = int((run.project / "grandchild").read_text())
    wait_until(lambda: not Path(f"/proc/{grandchild}").exists(), 3)


def test_exit_codes_are_not_lost_where_the_parent_ignores_its_children(attempt):
    run = attempt(shell("exit 5"))
    code = (
        "import signal, os, sys, time; signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        f"os.execv(sys.executable, [sys.executable, '-I', '-S', {str(SHIM)!r}, {str(run.folder)!r}])"
    )
    subprocess.run([sys.executable, "-c", code], check=False, start_new_session=True)
    assert run.exit.code == 5


# --- disks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_on_a_full_disk_the_end_is_written_when_there_is_room(attempt, small_disk):
    run = attempt(shell("echo up; while [ ! -e ../go ]; do sleep 0.02; done; exit 7"))
    target = small_disk / "attempt-001"
    run.folder.rename(run.folder.with_name("moved"))
    target.mkdir()
    (target / "spec.json").write_text(run.spec.model_dump_json())
    run.folder.symlink_to(target)
    up(run)
    fill = small_disk / "fill"
    with pytest.raises(OSError, match="No space"), fill.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)
    (run.project.parent / "go").touch()
    wait_until(lambda: run.markers() == {"EXIT_FAILURE"})
    time.sleep(0.2)
    assert run.exit is None
    assert run.has_shim()
    fill.unlink()
    run.wait(5)
    assert run.exit.code == 7


def test_a_job_folder_that_was_deleted_does_not_keep_the_shim(attempt):
    run = up(attempt(shell("echo up; while [ ! -e ../go ]; do sleep 0.02; done")))
    subprocess.run(["rm", "-rf", str(run.job)], check=True)
    (run.project.parent / "go").touch()
    run.wait(5)
    assert not run.job.exists()


# --- figures ---------------------------------------------------------------------------------------------------------


def test_it_starts_at_once_and_stays_small(attempt):
    """Bounds for a busy machine; alone it is a tenth of a second less and half the memory."""
    began = time.monotonic()
    run = attempt(python("import time; print('up', time.monotonic(), flush=True); time.sleep(60)")).start()
    wait_until(lambda: "\n" in run.out)
    assert float(run.out.split()[1]) - began < 1.0
    shim = next(process for process in run.processes() if process.pid == run.pid)
    assert shim.rss_mb < 25


def test_many_children_that_come_and_go_do_not_disturb_it(attempt):
    run = attempt(shell("i=0; while [ $i -lt 300 ]; do /bin/true & i=$((i+1)); done; wait; exit 6"))
    run.start().wait()
    assert run.exit.code == 6
