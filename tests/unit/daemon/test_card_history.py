"""What the cards did in the last hours."""

from halfmap.daemon.card_history import KEPT_S, CardHistory
from halfmap.daemon.records import CardRow


def card(uuid: str = "GPU-1", **fields) -> CardRow:
    given = {"uuid": uuid, "index": 0, "name": "fake", "memory_total_mb": 24576.0, "memory_used_mb": 100.0}
    return CardRow.model_validate(given | fields)


def test_samples_after_a_time_are_told_oldest_first():
    history = CardHistory()
    for now in (10.0, 20.0, 30.0):
        history.take(now, [card(memory_used_mb=now, power_w=now, utilisation=None), card("GPU-2")])
    found = history.since(10.0)
    assert [(one.time, one.uuid) for one in found] == [
        (20.0, "GPU-1"),
        (20.0, "GPU-2"),
        (30.0, "GPU-1"),
        (30.0, "GPU-2"),
    ]
    assert (found[0].memory_used_mb, found[0].power_w, found[0].utilisation) == (20.0, 20.0, None)
    assert history.since(30.0) == []


def test_a_card_that_is_gone_has_no_sample():
    history = CardHistory()
    history.take(10.0, [card(state="gone")])
    assert history.since(0.0) == []


def test_samples_are_kept_for_some_hours_and_never_more_than_so_many():
    history = CardHistory(most=5)
    history.take(0.0, [card()])
    history.take(KEPT_S + 1, [card()])
    assert [one.time for one in history.since(-1.0)] == [KEPT_S + 1]
    for now in range(10):
        history.take(KEPT_S + 2 + now, [card()])
    assert len(history.since(0.0)) == 5
