"""Each project has its own thread, and one that hangs is told from one that is busy."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from halfmap.daemon.lanes import Hung, Lanes

A, B = Path("/a"), Path("/b")


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something, at most so long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.005)


def test_a_call_returns_what_its_function_returns_and_raises_what_it_raises():
    async def story() -> None:
        lanes = Lanes()
        assert await lanes.run(A, divmod, 7, 2, patience_s=5) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await lanes.run(A, divmod, 7, 0, patience_s=5)
        with pytest.raises(RuntimeError, match="next ended with StopIteration"):
            await lanes.run(A, next, iter(()), patience_s=5)
        lanes.close()

    asyncio.run(story())


def test_calls_of_a_project_run_in_one_thread_in_order_and_projects_in_threads_of_their_own():
    async def story() -> None:
        lanes, seen = Lanes(), []

        def note(number: int) -> int:
            seen.append(number)
            return threading.get_ident()

        threads = await asyncio.gather(*(lanes.run(A, note, number, patience_s=5) for number in range(20)))
        other = await lanes.run(B, note, 20, patience_s=5)
        assert seen == list(range(21))
        assert len(set(threads)) == 1
        assert other not in {threads[0], threading.get_ident()}
        lanes.close()

    asyncio.run(story())


def test_a_call_past_its_patience_is_hung_and_says_what_and_where():
    async def story() -> None:
        lanes, gate = Lanes(), threading.Event()

        def scan(seconds: float) -> bool:
            return gate.wait(seconds)

        assert lanes.hung(A) is None
        before = time.monotonic()
        with pytest.raises(Hung, match=r"/a has not answered for 0 s \(scan\)") as caught:
            await lanes.run(A, partial(scan, 10), patience_s=0.05)
        assert (caught.value.project, caught.value.what) == (A, "scan")
        assert before <= caught.value.since <= time.monotonic() - 0.05
        assert 0.05 <= (lanes.hung(A) or 0) < 5
        gate.set()

    asyncio.run(story())


def test_what_waits_behind_a_hung_call_fails_with_it_and_never_runs():
    async def story() -> None:
        lanes, gate, ran = Lanes(), threading.Event(), []
        first = asyncio.create_task(lanes.run(A, gate.wait, 10, patience_s=0.05))
        second = asyncio.create_task(lanes.run(A, ran.append, 1, patience_s=60))
        await asyncio.wait([first, second], timeout=5)
        assert isinstance(first.exception(), Hung)
        assert isinstance(second.exception(), Hung)
        gate.set()
        await until(lambda: lanes.hung(A) is None)
        await lanes.run(A, ran.append, 2, patience_s=5)
        assert ran == [2]
        lanes.close()

    asyncio.run(story())


def test_a_hung_lane_refuses_at_once_and_leaves_other_projects_alone():
    async def story() -> None:
        lanes, gate = Lanes(), threading.Event()
        with pytest.raises(Hung):
            await lanes.run(A, gate.wait, 10, patience_s=0.02)
        before = time.monotonic()
        for _ in range(100):
            with pytest.raises(Hung, match="wait"):
                await lanes.run(A, divmod, 7, 2, patience_s=60)
        assert time.monotonic() - before < 2
        assert await lanes.run(B, divmod, 7, 2, patience_s=5) == (3, 1)
        gate.set()

    asyncio.run(story())


def test_a_lane_that_answers_again_is_well_and_says_so_once():
    async def story() -> None:
        well: list[Path] = []
        lanes, gate = Lanes(recovered=well.append), threading.Event()
        with pytest.raises(Hung):
            await lanes.run(A, gate.wait, 10, patience_s=0.02)
        assert well == []
        gate.set()
        await until(lambda: bool(well))
        assert lanes.hung(A) is None
        assert await lanes.run(A, divmod, 7, 2, patience_s=5) == (3, 1)
        assert well == [A]
        lanes.close()

    asyncio.run(story())


def test_patience_counts_from_when_the_thread_begins():
    async def story() -> None:
        lanes = Lanes()
        slow = lanes.run(A, time.sleep, 0.3, patience_s=10)
        quick = lanes.run(A, divmod, 7, 2, patience_s=0.2)
        assert (await asyncio.gather(slow, quick))[1] == (3, 1)
        lanes.close()

    asyncio.run(story())


def test_a_cancelled_call_that_waits_is_left_out():
    async def story() -> None:
        lanes, gate, ran = Lanes(), threading.Event(), []
        first = asyncio.create_task(lanes.run(A, gate.wait, 10, patience_s=5))
        second = asyncio.create_task(lanes.run(A, ran.append, 1, patience_s=5))
        await asyncio.sleep(0.02)
        second.cancel()
        gate.set()
        assert await first
        await lanes.run(A, ran.append, 2, patience_s=5)
        assert ran == [2]
        lanes.close()

    asyncio.run(story())


def test_a_cancelled_call_that_runs_leaves_its_lane_usable():
    async def story() -> None:
        lanes, gate = Lanes(), threading.Event()
        first = asyncio.create_task(lanes.run(A, gate.wait, 10, patience_s=5))
        await asyncio.sleep(0.02)
        first.cancel()
        gate.set()
        assert await lanes.run(A, divmod, 7, 2, patience_s=5) == (3, 1)
        lanes.close()

    asyncio.run(story())


def test_a_forgotten_project_has_no_thread_left():
    async def story() -> None:
        lanes = Lanes()
        project = Path("/to-be-forgotten")
        await lanes.run(project, divmod, 7, 2, patience_s=5)
        assert any(str(project) in thread.name for thread in threading.enumerate())
        lanes.forget(project)
        await until(lambda: not any(str(project) in thread.name for thread in threading.enumerate()))
        assert await lanes.run(project, divmod, 7, 2, patience_s=5) == (3, 1)
        lanes.close()

    asyncio.run(story())


def test_a_thread_that_hangs_does_not_keep_the_program_from_ending():
    program = """
import asyncio, threading
from pathlib import Path
from halfmap.daemon.lanes import Hung, Lanes

async def main():
    lanes = Lanes()
    try:
        await lanes.run(Path("/a"), threading.Event().wait, patience_s=0.05)
    except Hung:
        print("hung")
    lanes.close()

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "hung\n", "")
