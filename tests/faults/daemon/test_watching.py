"""What the kernel does not tell: a queue that overflows, limits that are reached."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
WATCH = """
import asyncio, json, os, sys
from pathlib import Path
from halfmap.daemon.watcher import Watcher

hints = []

async def main():
    watcher = Watcher(asyncio.get_running_loop(), hints.append, os.environ)
    found = [await asyncio.to_thread(watcher.attend, Path(name)) for name in sys.argv[1:]]
    print(json.dumps([[each.mode, each.reason] for each in found]), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    hints.clear()
    await asyncio.to_thread(sys.stdin.readline)
    for _ in range(100):
        if watcher.overflows and len(set(hints)) == len(found):
            break
        await asyncio.sleep(0.1)
    print(json.dumps([watcher.overflows, sorted({str(project) for project in hints}), len(hints)]), flush=True)
    watcher.close()

asyncio.run(main())
"""


def watch(*projects: Path, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    argv = [*before, sys.executable, "-c", WATCH, *map(str, projects)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def next_answer(watching: subprocess.Popen[str], ask: str = "") -> list:
    watching.stdin.write(ask)
    watching.stdin.flush()
    line = watching.stdout.readline()
    assert line, watching.stderr.read()
    return json.loads(line)


@pytest.mark.slow
def test_after_an_overflow_every_project_is_hinted_at(tmp_path):
    limit = int(QUEUE.read_text())
    if limit > 100_000:
        pytest.skip(f"fs.inotify.max_queued_events is {limit}: too many to overflow in a test")
    busy, quiet = tmp_path / "busy", tmp_path / "quiet"
    for project in (busy, quiet):
        (project / "halfmap").mkdir(parents=True)
    with watch(busy, quiet) as watching:
        assert next_answer(watching) == [["events", ""], ["events", ""]]
        time.sleep(1)  # hints that stem from the start
        watching.stdin.write("\n")
        watching.stdin.flush()
        time.sleep(0.2)
        os.kill(watching.pid, signal.SIGSTOP)  # nobody empties the queue
        os.waitpid(watching.pid, os.WUNTRACED)
        for number in range(limit):  # each is created and closed
            (busy / f".{number}").touch()  # hidden: no hint of its own
        os.kill(watching.pid, signal.SIGCONT)
        overflows, hinted, hints = next_answer(watching, "\n")
    assert overflows >= 1
    assert hinted == [str(busy), str(quiet)]
    assert hints < 50


def limited(setting: str, value: int) -> tuple[str, ...]:
    """Words that run a program where a limit of inotify is low, without changing it for anybody else."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    script = f'echo {value} > /proc/sys/user/{setting} && exec "$@"'
    before = ("unshare", "--user", "--map-root-user", "sh", "-c", script, "sh")
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces cannot be made here")
    return before


@pytest.mark.parametrize(
    ("setting", "sysctl"),
    [
        ("max_inotify_watches", "fs.inotify.max_user_watches"),
        ("max_inotify_instances", "fs.inotify.max_user_instances"),
    ],
)
def test_where_the_kernel_gives_no_more_the_project_is_polled_and_the_setting_named(tmp_path, setting, sysctl):
    with watch(tmp_path, before=limited(setting, 0)) as watching:
        [[mode, reason]] = next_answer(watching)
        watching.kill()
    assert mode == "polling"
    assert sysctl in reason
