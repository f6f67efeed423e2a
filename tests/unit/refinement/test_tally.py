"""Counting particles in threads, and telling of whole ones while waiting."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from halfmap.engine.refinement import tally as module
from halfmap.engine.refinement.tally import Tally


def test_parts_of_particles_are_told_when_they_make_whole_ones():
    told = []
    tally = Tally(told.append)
    with ThreadPoolExecutor(1) as executor:
        list(tally.results([executor.submit(tally.add, 0.7) for _ in range(10)]))
    assert sum(told) == 7
    assert all(isinstance(particles, int) for particles in told)


def test_progress_is_told_while_one_long_piece_of_work_goes_on(monkeypatch):
    monkeypatch.setattr(module, "_INTERVAL_S", 0.01)
    told, may_end = [], Event()

    def tell(particles):
        told.append(particles)
        may_end.set()

    tally = Tally(tell)

    def work():
        tally.add(3)
        assert may_end.wait(10), "nothing is told before the work ends"
        tally.add(2)
        return "done"

    with ThreadPoolExecutor(1) as executor:
        assert list(tally.results([executor.submit(work)])) == ["done"]
    assert told == [3, 2]


def test_the_first_failure_is_raised_and_what_has_not_begun_is_left_out():
    began = []

    def work(number):
        began.append(number)
        if number == 0:
            raise TimeoutError("the disc does not answer")

    with ThreadPoolExecutor(1) as executor:
        stopped = Event()
        futures = [executor.submit(work, 0), executor.submit(stopped.wait, 10), executor.submit(work, 2)]
        with pytest.raises(TimeoutError, match="does not answer"):
            list(Tally(began.append).results(futures))
        stopped.set()
    assert began == [0]
