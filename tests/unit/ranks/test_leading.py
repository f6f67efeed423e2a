"""What the leader answers: every pool once, ahead while there are many, and the last ones to whoever is free."""

import pytest

from halfmap.engine.ranks.leading import NOTHING_AHEAD, THE_END, HandingOut

TWO_AND_TWO = {1: 1, 3: 1, 2: 2, 4: 2}


def test_a_rank_that_works_is_given_a_pool_ahead_while_there_are_as_many_as_ranks():
    leader = HandingOut({1: 1, 3: 1}, {1: 4})
    assert [leader.answer(1), leader.answer(1), leader.answer(1)] == [0, 1, 2]
    assert leader.answer(1) == NOTHING_AHEAD, "the last one is kept for a rank that is free"
    assert leader.answer(3) == NOTHING_AHEAD
    assert leader.answer(3) == 3
    assert leader.answer(1) == THE_END


def test_the_end_is_told_only_to_ranks_that_have_nothing_left_to_do():
    leader = HandingOut({1: 1, 2: 2}, {1: 1, 2: 1})
    assert [leader.answer(1), leader.answer(2)] == [0, 0]
    assert [leader.answer(1), leader.answer(2)] == [NOTHING_AHEAD, NOTHING_AHEAD]
    assert leader.goes_on
    assert leader.answer(1) == THE_END
    assert leader.goes_on
    assert leader.answer(2) == THE_END
    assert not leader.goes_on


@pytest.mark.parametrize("pools", [0, 1, 2, 7])
def test_every_pool_is_handed_out_once_in_whatever_order_ranks_ask(pools):
    leader = HandingOut(TWO_AND_TWO, {1: pools, 2: pools})
    given = {1: [], 2: []}
    asking = [4, 1, 1, 3, 2]
    while leader.goes_on:
        rank = asking[0]
        asking = [*asking[1:], rank]
        answer = leader.answer(rank)
        if answer == THE_END:
            asking = [other for other in asking if other != rank]
        elif answer != NOTHING_AHEAD:
            given[TWO_AND_TWO[rank]].append(answer)
    assert given == {half: list(range(pools)) for half in (1, 2)}
