"""Processes as /proc shows them: found by their mark and their descent, and never mistaken for one another."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from halfmap.daemon import processes
from halfmap.daemon.attempt_files import Identity
from halfmap.daemon.processes import attempt_of, boot_id, is_alive, kill_all, processes_of, start_time

MARK = "0a0b-of-a-test"
SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
# a child without the mark, in a session of its own
PARENT = (
    "import subprocess, sys\n"
    f"subprocess.Popen([sys.executable, '-c', {SLEEPS!r}], env={{}}, start_new_session=True)\n"
    "import time; time.sleep(60)"
)


@pytest.fixture
def start():
    """Start programs of Python that print a line when they are up."""
    started = []

    def run(code: str, session: bool = False, **environment: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, start_new_session=session
        )
        started.append(process)
        process.stdout.readline()
        return process

    yield run
    kill_all(processes_of(MARK, None), signal.SIGKILL)
    for process in started:
        process.kill()
        process.communicate()


def identity_of(pid: int, **fields) -> Identity:
    made = Identity(uuid=MARK, process_id=pid, start_time=start_time(pid) or 0, boot_id=boot_id())
    return made.model_copy(update=fields)


def test_a_process_is_found_by_its_mark_with_its_rank_and_user(start):
    process = start(SLEEPS, HALFMAP_ATTEMPT=MARK, PMI_RANK="2")
    [found] = processes_of(MARK, None)
    assert (found.pid, found.parent, found.rank) == (process.pid, os.getpid(), 2)
    assert found.start_time == start_time(process.pid)
    assert found.command.startswith("python")
    assert found.rss_mb > 1
    assert found.user
    assert attempt_of(process.pid) == MARK


def test_a_longer_mark_is_another_attempt(start):
    process = start(SLEEPS, HALFMAP_ATTEMPT=MARK + "9")
    assert processes_of(MARK, None) == []
    process.kill()


def test_a_process_without_a_rank_has_none(start):
    start(SLEEPS, HALFMAP_ATTEMPT=MARK, PMI_RANK="")
    assert [process.rank for process in processes_of(MARK, None)] == [None]


def test_a_child_that_cleared_its_environment_is_found_by_its_descent(start):
    parent = start(PARENT, HALFMAP_ATTEMPT=MARK)
    found = processes_of(MARK, None)
    assert {process.parent for process in found} == {os.getpid(), parent.pid}
    child = next(process for process in found if process.parent == parent.pid)
    assert attempt_of(child.pid) == ""


def test_a_session_counts_only_while_one_with_the_mark_is_in_it(start):
    marked = start(SLEEPS, session=True, HALFMAP_ATTEMPT=MARK)
    assert [process.pid for process in processes_of(MARK, marked.pid)] == [marked.pid]
    # the number of a session that is another's by now: nothing of it belongs to the attempt
    assert [process.pid for process in processes_of(MARK, os.getsid(0))] == [marked.pid]


def test_a_member_of_the_session_without_the_mark_is_found(start):
    orphaning = f"import os, subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEPS!r}], env={{}})\nos.fork() or os._exit(0)\nimport time; time.sleep(60)"  # noqa: E501
    start(orphaning, session=True, HALFMAP_ATTEMPT=MARK)
    session = {process.session for process in processes_of(MARK, None)}.pop()
    until = time.monotonic() + 5
    while len(processes_of(MARK, session)) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    found = processes_of(MARK, session)
    kill_all(found, signal.SIGKILL)
    assert sorted(attempt_of(process.pid) for process in found) in (["", MARK], ["", ""])


def test_what_has_ended_and_was_not_reaped_does_not_count(start):
    process = start(SLEEPS, HALFMAP_ATTEMPT=MARK)
    identity = identity_of(process.pid)
    assert is_alive(identity)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(identity)
    assert processes_of(MARK, None) == []


@pytest.mark.parametrize("other", [{"start_time": 1}, {"boot_id": "another"}, {"fenced": True}])
def test_the_same_number_is_not_the_same_process(other):
    assert is_alive(identity_of(os.getpid()))
    assert not is_alive(identity_of(os.getpid(), **other))


def test_nobody_is_not_alive():
    assert not is_alive(Identity(uuid=MARK, process_id=2**22 + 1, boot_id=boot_id()))
    assert start_time(2**22 + 1) is None


def test_only_the_process_that_was_seen_gets_the_signal(start):
    process = start(SLEEPS, HALFMAP_ATTEMPT=MARK)
    [seen] = processes_of(MARK, None)
    gone = replace(seen, pid=2**22 + 1)
    kill_all([gone, replace(seen, start_time=seen.start_time - 1)], signal.SIGKILL)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.1)
    kill_all([gone, seen], signal.SIGKILL)
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("name", ["a) R 1 (b", "x (y) z", ") ) 7 8"])
def test_a_process_may_be_called_anything(start, name):
    named = f"open('/proc/self/comm', 'w').write({name!r}); {SLEEPS}"
    process = start(named, HALFMAP_ATTEMPT=MARK)
    [seen] = processes_of(MARK, None)
    assert (seen.command, seen.pid, seen.parent, seen.state) == (name, process.pid, os.getpid(), seen.state)
    assert seen.state in "RS"


def test_a_process_whose_first_thread_has_ended_is_still_there(start):
    """It holds on to memory and cards, and looks like one that only waits to be reaped."""
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('up', flush=True), time.sleep(60))).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    process = start(code, HALFMAP_ATTEMPT=MARK)
    identity = identity_of(process.pid)
    assert is_alive(identity)
    # its environment can no longer be read, so only its parent tells whose it is
    assert start_time(process.pid) is not None
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)


def test_this_boot_has_a_name():
    assert len(boot_id()) == 36
    assert processes.boot_id() == boot_id()
