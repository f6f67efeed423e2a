import asyncio
import threading
import time

import pytest

from halfmap.tui.files.patient import Unanswered
from halfmap.tui.files.text_feed import TextFeed
from halfmap.tui.files.text_file import TextFile
from halfmap.tui.files.text_lines import Lines
from halfmap.tui.files.text_page import Wanted, page_of


@pytest.fixture
def feed(tmp_path):
    path = tmp_path / "run.out"
    path.write_bytes(b"line of a log\n" * 200_000)
    feed = TextFeed(path, quiet_s=0.2)
    yield feed
    feed.close()


def test_lines_are_counted_while_nothing_is_asked(feed):
    async def main():
        state = await feed.ask(TextFile.refresh)
        while state.to_count:
            await asyncio.sleep(0.01)
            state = await feed.ask(lambda file: file.state)
        return state

    assert asyncio.run(main()).lines == 200_000


def test_a_file_system_that_hangs_is_told_and_its_late_answer_does_no_harm(feed):
    released = threading.Event()

    async def main():
        with pytest.raises(Unanswered):
            await feed.ask(lambda file: released.wait(5))
        assert feed.is_busy
        released.set()
        assert (await feed.ask(TextFile.refresh)).generation == 1
        assert not feed.is_busy

    asyncio.run(main())


def test_the_error_of_a_question_is_raised_where_it_was_asked(feed):
    async def main():
        with pytest.raises(ZeroDivisionError):
            await feed.ask(lambda file: 1 / 0)
        assert (await feed.ask(TextFile.refresh)).generation == 1

    asyncio.run(main())


def test_an_answer_after_the_interface_has_ended_ends_quietly(feed, recwarn):
    released = threading.Event()
    failed = []
    threading.excepthook, before = failed.append, threading.excepthook

    async def main():
        with pytest.raises(Unanswered):
            await feed.ask(lambda file: released.wait(5))

    asyncio.run(main())
    released.set()
    time.sleep(0.05)
    threading.excepthook = before
    assert failed == []


def test_a_feed_that_was_closed_ends_its_thread(feed):
    asyncio.run(feed.ask(TextFile.refresh))
    thread = feed._thread
    feed.close()
    thread.join(5)
    assert not thread.is_alive()


def test_lines_that_are_known_are_not_read_again(tmp_path):
    path = tmp_path / "run.out"
    path.write_bytes(b"".join(b"%d\n" % n for n in range(100)))
    file = TextFile(path)
    first = page_of(file, Wanted(None, 10, file.state, Lines()))
    assert [line.kept for line in first.lines.lines] == [b"%d" % n for n in range(90, 100)]
    assert page_of(file, Wanted(None, 10, first.state, first.lines)).lines is None
    assert page_of(file, Wanted(92, 5, first.state, first.lines)).lines is None
    assert page_of(file, Wanted(85, 10, first.state, first.lines)).lines.first == 85
    with path.open("ab") as out:
        out.write(b"100\n")
    assert page_of(file, Wanted(92, 5, first.state, first.lines)).lines.first == 92
    path.write_bytes(b"new\n")
    assert [one.kept for one in page_of(file, Wanted(92, 5, first.state, first.lines)).lines.lines] == [b"new"]
    path.unlink()
    assert page_of(file, Wanted(92, 5, file.state, first.lines)).lines is None
    file.close()
