import asyncio
import threading
import time

import pytest

from halfmap.tui.files.patient import Abandoned, Beat, Patience, Unanswered


def test_an_answer_and_an_exception_of_the_work_come_back():
    assert asyncio.run(Patience().do(lambda beat: 42)) == 42
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Patience().do(lambda beat: 1 / 0))


def test_work_that_hangs_is_given_up_and_hinders_no_end():
    awake = threading.Event()
    with pytest.raises(Unanswered, match=r"has not answered for 0\.05 s"):
        asyncio.run(Patience(0.05).do(lambda beat: awake.wait(30)))
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "reading")
    awake.set()


def test_slow_work_that_shows_signs_of_life_is_waited_for():
    def slow(beat: Beat) -> str:
        for _ in range(10):
            time.sleep(0.02)
            beat()
        return "done"

    assert asyncio.run(Patience(0.1).do(slow)) == "done"


def test_work_that_nobody_waits_for_ends_at_its_next_sign_of_life():
    ended = threading.Event()

    def endless(beat: Beat) -> None:
        try:
            while True:
                time.sleep(0.001)
                beat()
        except Abandoned:
            ended.set()
            raise

    async def give_up() -> None:
        waiting = asyncio.ensure_future(Patience().do(endless))
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.sleep(0)
        await asyncio.to_thread(ended.wait, 5)

    asyncio.run(give_up())
    assert ended.is_set()


def test_no_more_threads_are_started_while_several_hang():
    awake, patience, started = threading.Event(), Patience(0.02), []

    async def ask() -> None:
        for _ in range(5):
            with pytest.raises(Unanswered):
                await patience.do(lambda beat: (started.append(1), awake.wait(30)))

    asyncio.run(ask())
    awake.set()
    assert len(started) == 3
