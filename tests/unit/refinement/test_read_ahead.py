"""Stacks that are read before they are asked for: which, how many, and what happens when one cannot be read."""

import time
from threading import Event, current_thread

import numpy as np
import pytest

from halfmap.engine.refinement.read_ahead import ReadAhead
from halfmap.engine.refinement.refinement import ImageSource

STACK = np.zeros((1, 2, 2), np.float16)


class Disc(ImageSource):
    """Remembers which thread has read what."""

    def __init__(self, broken=(), gate=None):
        self.readers, self.broken, self.gate, self.waiting = {}, broken, gate, 0

    def read(self, particle):
        if self.gate is not None:
            gate, self.waiting = self.gate, self.waiting + 1
            gate.wait(10)
        if particle in self.broken:
            raise ValueError(f"stack {particle} is cut short")
        self.readers[particle] = current_thread().name
        return STACK + particle


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def pools(*some):
    return iter([np.array(pool, np.int64) for pool in some])


def test_stacks_are_read_before_they_are_asked_for_those_of_the_next_pool_too():
    disc = Disc()
    with ReadAhead(disc, 8, 1) as ahead:
        given = ahead.before(pools([0, 1], [2, 3], [4]))
        assert next(given).tolist() == [0, 1]
        wait_until(lambda: set(disc.readers) == {0, 1, 2, 3})
        for particle in range(4):
            np.testing.assert_array_equal(ahead.read(particle), STACK + particle)
        assert next(given).tolist() == [2, 3]
        wait_until(lambda: 4 in disc.readers)
        assert [pool.tolist() for pool in given] == [[4]]
    assert all(name.startswith("read-ahead") for name in disc.readers.values())


def test_no_more_than_allowed_are_held_and_others_follow_when_one_is_taken():
    disc = Disc()
    with ReadAhead(disc, 2, 1) as ahead:
        next(ahead.before(pools([0], [1, 2, 3])))
        wait_until(lambda: set(disc.readers) == {0, 1})
        time.sleep(0.02)
        assert set(disc.readers) == {0, 1}
        ahead.read(0)
        wait_until(lambda: set(disc.readers) == {0, 1, 2})


def test_what_nobody_has_begun_to_read_is_read_by_whoever_asks():
    gate = Event()
    disc = Disc(gate=gate)
    with ReadAhead(disc, 4, 1) as ahead:
        next(ahead.before(pools([0, 1, 2, 3])))
        wait_until(lambda: disc.waiting == 2)
        disc.gate = None  # the readers stand at the gate with the first two
        ahead.read(2)
        assert not disc.readers[2].startswith("read-ahead")
        gate.set()
        ahead.read(0)
        assert disc.readers[0].startswith("read-ahead")


def test_a_stack_that_cannot_be_read_fails_where_it_is_asked_for():
    disc = Disc(broken=(2,))
    with ReadAhead(disc, 4, 1) as ahead:
        given = ahead.before(pools([0], [1, 2]))
        next(given)
        next(given)
        ahead.read(1)
        with pytest.raises(ValueError, match="stack 2 is cut short"):
            ahead.read(2)


def test_a_stack_that_is_never_asked_for_does_not_matter():
    with ReadAhead(Disc(broken=(1,)), 4, 1) as ahead:
        assert next(ahead.before(pools([0], [1]))).tolist() == [0]
