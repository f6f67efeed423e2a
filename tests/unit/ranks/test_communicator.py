"""Who works on which half, and how particles are cut into pools."""

import numpy as np
import pytest

from halfmap.engine.ranks.alone import Alone
from halfmap.engine.ranks.communicator import can_be_shared_out, sizes_in_words, spans, workers_of


# one for both, one each, or a leader and equal numbers: odd ranks half 1, even ones half 2
@pytest.mark.parametrize(
    ("size", "first", "second"),
    [
        (1, [0], [0]),
        (2, [0], [1]),
        (3, [1], [2]),
        (5, [1, 3], [2, 4]),
        (7, [1, 3, 5], [2, 4, 6]),
    ],
)
def test_ranks_are_shared_out_over_the_halves(size, first, second):
    assert (workers_of(1, size), workers_of(2, size)) == (first, second)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_one_two_and_odd_numbers_of_ranks_can_be_shared_out(size):
    assert can_be_shared_out(size)


@pytest.mark.parametrize("size", [0, 4, 6])
def test_none_and_larger_even_numbers_of_ranks_cannot_be_shared_out(size):
    assert not can_be_shared_out(size)


def test_the_usable_numbers_of_ranks_are_told():
    assert "1 (both half sets in turn), 2 (one half set each) or an odd number" in sizes_in_words()


def test_pools_hold_all_particles_in_order():
    members = np.array([3, 1, 4, 1, 5, 9, 2])
    pools = spans(members, 3)
    assert [pool.tolist() for pool in pools] == [[3, 1, 4], [1, 5, 9], [2]]
    assert spans(members[:0], 3) == []


def test_alone_a_rank_does_everything():
    alone = Alone()
    assert (alone.rank, alone.size, alone.halves, alone.is_first) == (0, 1, (1, 2), True)
    assert alone.is_captain(1)
    assert alone.is_captain(2)
    assert alone.captain_rank(2) == 0
    assert "both half sets" in alone.describe()[0]


def test_alone_values_meet_without_travelling():
    alone = Alone()
    first, second = object(), object()
    assert alone.meet({1: first, 2: second}) == (first, second)
    assert alone.share_halves({2: second, 1: first}) == (first, second)
    assert alone.gather(first) == [first]
    assert alone.broadcast(first, 0) is first
    array = np.arange(3)
    alone.sum_over_workers(1, [array])
    assert array.tolist() == [0, 1, 2]


def test_alone_progress_runs_through_both_halves():
    members = {1: np.arange(5), 2: np.arange(5, 9)}
    heard = []
    pools = []
    alone = Alone()
    for half in alone.halves:
        mine = alone.pools(half, members, 2, lambda *seen: heard.append(seen))
        for pool in mine.given:
            pools.append(pool.tolist())
            mine.tell_done(len(pool))
    alone.hand_out(members, 2, lambda *seen: heard.append(seen))
    assert pools == [[0, 1], [2, 3], [4], [5, 6], [7, 8]]
    assert heard == [(0, 9), (2, 9), (4, 9), (5, 9), (5, 9), (7, 9), (9, 9)]


def test_aborting_alone_ends_the_process_with_the_code():
    with pytest.raises(SystemExit) as ended:
        Alone().abort(3)
    assert ended.value.code == 3
