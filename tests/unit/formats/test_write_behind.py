"""Work in a thread: one piece at a time, nothing left behind, failures told."""

import time
from threading import Event

import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.write_behind import WriteBehind


def fail():
    raise BadInput("no space left on the device")


def wait_until_told(writing):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        writing.check()
        time.sleep(0.001)


def test_the_caller_goes_on_while_the_work_is_done():
    may_end = Event()
    with WriteBehind() as writing:
        assert writing.start(lambda: may_end.wait(10)) == []
        writing.check()
        may_end.set()
        assert writing.finish() == [True]
        assert writing.finish() == []


def test_a_piece_of_work_begins_when_the_one_before_it_has_ended():
    done = []
    with WriteBehind() as writing:
        writing.start(lambda: (time.sleep(0.05), done.append(1)))
        writing.start(lambda: done.append(len(done) + 1))
    assert done == [1, 2]


def test_whoever_leaves_waits_even_when_an_error_drives_him_out():
    done = []
    with pytest.raises(RuntimeError, match="stop"), WriteBehind() as writing:
        writing.start(lambda: (time.sleep(0.05), done.append("whole")))
        raise RuntimeError("stop")
    assert done == ["whole"]


@pytest.mark.parametrize("method", ["finish", "start", "check"])
def test_a_failure_is_raised_by_whichever_method_is_called_next(method):
    with WriteBehind() as writing:
        writing.start(fail)
        call = {
            "finish": writing.finish,
            "start": lambda: writing.start(fail),
            "check": lambda: wait_until_told(writing),
        }
        with pytest.raises(BadInput, match="no space left"):
            call[method]()
        writing.check()
