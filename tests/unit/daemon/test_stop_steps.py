"""The ladder of stops: it climbs, never goes back, and ends with killing, whatever the program does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.daemon.records import STOP_MODES
from halfmap.daemon.settings import Patience
from halfmap.daemon.stop_steps import Facts, Step, next_step

PATIENCE = Patience(abort_s=120, terminate_s=15, kill_s=10)
ORDER = (Step.ABORT, Step.TERMINATE, Step.KILL, Step.LEFT_OVER)
SECONDS = st.floats(0.001, 1000)


def climb(mode, patience, pauses, iteration_at=0):
    """Steps taken of a program that never ends, looked at after each pause."""
    taken: list[tuple[Step, float]] = []
    now, looks = 0.0, []
    for number, pause in enumerate(pauses):
        facts = Facts(mode, tuple((step, now - when) for step, when in taken), number >= iteration_at)
        step = next_step(facts, patience)
        looks.append((now, step))
        if step is not Step.WAIT:
            taken.append((step, now))
        now += pause
    return [step for step, _ in taken], looks


@given(
    mode=st.sampled_from(STOP_MODES),
    patience=st.builds(Patience, abort_s=SECONDS, terminate_s=SECONDS, kill_s=SECONDS),
    pauses=st.lists(SECONDS, max_size=60),
    iteration_at=st.integers(0, 60),
)
def test_it_climbs_rung_by_rung_and_never_back(mode, patience, pauses, iteration_at):
    taken, _ = climb(mode, patience, pauses, iteration_at)
    ranks = [ORDER.index(step) for step in taken]
    first_kill = taken.index(Step.KILL) if Step.KILL in taken else len(taken)
    before, after = ranks[: first_kill + 1], taken[first_kill:]
    assert before == list(range(before[0], before[0] + len(before))) if before else True
    # from the first KILL on: killing and telling in turn, for ever
    assert all(step is (Step.KILL, Step.LEFT_OVER)[place % 2] for place, step in enumerate(after))


@given(mode=st.sampled_from(STOP_MODES), pauses=st.lists(st.floats(0.5, 5), min_size=400, max_size=400))
def test_whatever_does_not_end_is_killed_and_then_told(mode, pauses):
    taken, _ = climb(mode, PATIENCE, pauses)
    assert Step.KILL in taken
    assert Step.LEFT_OVER in taken


@given(pauses=st.lists(SECONDS, max_size=30))
def test_after_the_iteration_means_not_before_it(pauses):
    taken, _ = climb("after_iteration", PATIENCE, pauses, iteration_at=31)
    assert taken == []


@pytest.mark.parametrize(("mode", "first"), [("abort", Step.ABORT), ("terminate", Step.TERMINATE), ("kill", Step.KILL)])
def test_it_begins_where_it_was_told_to(mode, first):
    assert next_step(Facts(mode), PATIENCE) is first


def test_after_the_iteration_it_asks_politely():
    assert next_step(Facts("after_iteration", has_new_iteration=True), PATIENCE) is Step.ABORT


@pytest.mark.parametrize(
    ("taken", "seconds", "then"),
    [
        (Step.ABORT, 119.9, Step.WAIT),
        (Step.ABORT, 120, Step.TERMINATE),
        (Step.TERMINATE, 14.9, Step.WAIT),
        (Step.TERMINATE, 15, Step.KILL),
        (Step.KILL, 9.9, Step.WAIT),
        (Step.KILL, 10, Step.LEFT_OVER),
        (Step.LEFT_OVER, 10, Step.KILL),
    ],
)
def test_each_rung_is_given_its_time(taken, seconds, then):
    assert next_step(Facts("abort", ((taken, seconds),)), PATIENCE) is then
