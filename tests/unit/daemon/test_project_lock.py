"""RELION's lock: had by one at a time, taken from the provably dead only."""

import json
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from halfmap.daemon import lock_note, project_lock
from halfmap.daemon.crash_points import VARIABLE
from halfmap.daemon.project_lock import LOCK_FOLDER, MARK_FILE, ProjectLocked, held

STEPS = [
    "lock.noted", "lock.made", "lock.marked", "held", "lock.releasing", "lock.unmarked", "lock.removed",
]  # fmt: skip


def die_at(step: str, project: Path) -> None:
    """Lock in another process that is killed at a step."""
    child = os.fork()
    if child == 0:
        os.environ[VARIABLE] = step
        with held(project):
            if step == "held":
                os.kill(os.getpid(), signal.SIGKILL)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{step} was never passed"


def lock_of(project: Path, mark: str | None, mode: int = 0o700) -> Path:
    lock = project / LOCK_FOLDER
    lock.mkdir(mode)
    if mark is not None:
        (lock / MARK_FILE).write_text(mark)
    return lock


def names(project: Path) -> set[str]:
    return {path.name for path in project.rglob("*")}


def test_the_lock_is_a_private_folder_with_a_mark_and_goes_when_left(tmp_path: Path) -> None:
    with held(tmp_path):
        lock = tmp_path / LOCK_FOLDER
        assert stat.S_IMODE(lock.stat().st_mode) & 0o777 == 0o700
        assert json.loads((lock / MARK_FILE).read_text())["pid"] == os.getpid()
    assert names(tmp_path) == {"halfmap", "lock", ".pipeline_has_changed"}


def test_the_lock_goes_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), held(tmp_path):
        raise RuntimeError
    with held(tmp_path, 0):
        pass


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_holder_blocks_nobody(step: str, tmp_path: Path) -> None:
    die_at(step, tmp_path)
    with held(tmp_path, 0):
        assert json.loads((tmp_path / LOCK_FOLDER / MARK_FILE).read_text())["pid"] == os.getpid()
    assert names(tmp_path) == {"halfmap", "lock", ".pipeline_has_changed"}


def test_two_threads_never_hold_it_at_once(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with held(tmp_path, 20):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_relions_lock_is_never_taken_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, "lock mainloop")
    os.utime(lock, (0, 0))
    with pytest.raises(ProjectLocked, match=r"it says: lock mainloop\) for \d+ h: .*remove that folder"):
        held(tmp_path, 0).__enter__()
    assert (lock / MARK_FILE).read_text() == "lock mainloop"


def test_a_lock_without_a_mark_is_left_alone_even_after_our_own_process_died_before_it(tmp_path: Path) -> None:
    die_at("lock.noted", tmp_path)
    lock = lock_of(tmp_path, None)
    with pytest.raises(ProjectLocked, match="did not say who it is"):
        held(tmp_path, 0).__enter__()
    assert lock.exists()


def test_a_lock_without_a_mark_is_left_alone_if_another_machine_may_be_making_it(tmp_path: Path) -> None:
    die_at("lock.made", tmp_path)
    (tmp_path / "halfmap" / ".locking-elsewhere").write_text("{}")
    with pytest.raises(ProjectLocked):
        held(tmp_path, 0).__enter__()


def test_a_lock_that_another_machine_makes_at_the_same_moment_stays_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_moment_too_early(lock: Path) -> bool:
        lock.mkdir(0o1700, exist_ok=True)
        return False

    monkeypatch.setattr(os.path, "lexists", a_moment_too_early)
    with pytest.raises(ProjectLocked):
        held(tmp_path, 0.1).__enter__()
    assert (tmp_path / LOCK_FOLDER).exists()
    assert not list((tmp_path / "halfmap").glob(".locking-*"))


@pytest.mark.parametrize(
    ("changed", "is_taken"),
    [
        ({"boot": "before the reboot"}, True),
        ({"start": 1}, True),
        ({"pid": 4_000_000}, True),
        ({}, False),
        ({"host": "elsewhere", "pid": 4_000_000}, False),
        ({"machine": "another of that name", "boot": "its own"}, False),
        ({"pids": "pid:[1]", "pid": 4_000_000}, False),
    ],
)
def test_only_a_provably_dead_owner_loses_its_lock(changed: dict[str, object], is_taken: bool, tmp_path: Path) -> None:
    owner = lock_note.identity() | {"pid": os.getppid(), "start": lock_note._start_time(os.getppid())} | changed
    lock_of(tmp_path, json.dumps(owner), 0o1700)
    if is_taken:
        with held(tmp_path, 0):
            pass
    else:
        with pytest.raises(ProjectLocked, match="halfmap \\(process"):
            held(tmp_path, 0).__enter__()


def test_a_torn_mark_proves_nothing(tmp_path: Path) -> None:
    lock_of(tmp_path, '{"by": "halfmap", "pid"', 0o1700)
    with pytest.raises(ProjectLocked):
        held(tmp_path, 0).__enter__()


def test_a_dead_owners_lock_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    die_at("held", tmp_path)
    (tmp_path / LOCK_FOLDER / "lock_other_pipeline.star").touch()
    with pytest.raises(ProjectLocked):
        held(tmp_path, 0).__enter__()


def test_escape_sequences_in_a_mark_do_not_reach_the_terminal(tmp_path: Path) -> None:
    lock_of(tmp_path, "\x1b[2Jgone\n\nhere")
    with pytest.raises(ProjectLocked) as caught:
        held(tmp_path, 0).__enter__()
    assert str(caught.value).isprintable()


def test_a_lock_that_is_given_back_in_time_is_had(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, None)
    threading.Timer(0.1, lock.rmdir).start()
    with held(tmp_path, 5):
        pass


def test_a_lock_that_somebody_removes_by_hand_meanwhile_is_no_error(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / LOCK_FOLDER / MARK_FILE).unlink()
        (tmp_path / LOCK_FOLDER).rmdir()
    assert not list((tmp_path / "halfmap").glob(".locking-*"))


def test_without_locks_of_the_file_system_relions_lock_has_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(project_lock.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(project_lock.fcntl, "flock", refuse)
    with held(tmp_path, 0):
        assert (tmp_path / LOCK_FOLDER).exists()
