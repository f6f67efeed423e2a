"""What a program gets from its shim and what it does not, and moments at which the two could miss one another."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from halfmap.daemon.attempt_files import fence
from halfmap.daemon.launcher import SHIM
from halfmap.daemon.processes import attempt_of, start_time
from tests.faults.daemon.shim_run import ShimRun, alive, python, shell, wait_until

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


def test_the_marker_that_the_program_left_is_kept(attempt):
    run = attempt(shell("touch Refine3D/job001/RELION_JOB_EXIT_FAILURE; exit 0")).start()
    run.wait()
    assert run.markers() == {"EXIT_FAILURE"}
    assert run.exit.code == 0


def test_output_is_appended_and_never_cut(attempt):
    run = attempt(shell("echo new; echo new >&2"))
    (run.job / "run.out").write_text("old\n" * 1000)
    (run.job / "run.err").write_text("old\n")
    run.start().wait()
    assert run.out == "old\n" * 1000 + "new\n"
    assert run.err == "old\nnew\n"


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


def test_it_says_who_it_is_and_that_is_true(attempt):
    run = up(attempt(shell(WAITS)))
    identity = run.identity
    assert identity.process_id == run.pid
    assert identity.start_time == start_time(run.pid)
    assert identity.uuid == run.uuid
    assert os.getsid(run.pid) == run.pid != os.getsid(0)
    assert attempt_of(run.pid) == run.uuid
    assert all(attempt_of(process.pid) == run.uuid for process in run.processes())


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


ORPHANS = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open("orphan", "w") as file:
            file.write(str(os.getpid()))
        print("up", flush=True)
    os._exit(0)
os.wait()
print("up", flush=True)
time.sleep(60)
"""


def test_a_process_that_ends_while_nobody_waits_for_it_is_not_left_as_a_zombie(attempt):
    run = attempt(python(ORPHANS)).start()
    wait_until(lambda: run.is_up(2))
    orphan = int((run.project / "orphan").read_text())
    wait_until(lambda: not Path(f"/proc/{orphan}").exists(), 3)


def test_many_children_that_come_and_go_do_not_disturb_it(attempt):
    run = attempt(shell("i=0; while [ $i -lt 300 ]; do /bin/true & i=$((i+1)); done; wait; exit 6"))
    run.start().wait()
    assert run.exit.code == 6
