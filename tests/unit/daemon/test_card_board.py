"""What is known of the cards between two readings: leases, what is left of ended attempts, intruders, cards gone."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from halfmap.daemon import card_board
from halfmap.daemon.card_board import CardBoard
from halfmap.daemon.cards import Card, CardProcess, CardReader, CardsUnreadable
from halfmap.daemon.clock import FakeClock
from halfmap.daemon.database import open_database
from halfmap.daemon.lanes import Lanes
from halfmap.daemon.records import CardRow, Launch
from halfmap.daemon.state import AttemptState, JobState
from halfmap.daemon.store import Store

PROJECT = Path("/project")
ANNA = CardProcess(4711, "anna", "cryosparc", 11468.8)
ATTEMPT = "attempt-1"


class Cards(CardReader):
    """Cards as the test has them."""

    def __init__(self, *cards: Card) -> None:
        self.cards = list(cards)
        self.fails = ""

    def read(self) -> list[Card]:
        if self.fails:
            raise CardsUnreadable(self.fails)
        return list(self.cards)

    def put(self, index: int, *processes: CardProcess, **fields) -> None:
        used = sum(process.memory_mb or 0.0 for process in processes)
        self.cards[index] = replace(self.cards[index], **{"processes": processes, "memory_used_mb": used} | fields)


class Bench:
    """A board over a store in which a job may have card 0."""

    def __init__(self, path: Path) -> None:
        self.reader = Cards(Card("GPU-0", 0, "fake", 24576.0), Card("GPU-1", 1, "fake", 24576.0))
        self.store = Store(open_database(path), FakeClock())
        self.store.add_project(PROJECT, "watch")
        self.job = self.store.add_job("uuid", PROJECT, Launch(), {}, "key")
        self.store.change_job(self.job, JobState.QUEUED)

    def lease(self, *cards: str) -> None:
        self.store.begin_attempt(self.job, ATTEMPT, "{}", cards, slurm=False)

    def end(self) -> None:
        self.store.change_attempt(ATTEMPT, AttemptState.FAILED, JobState.FAILED, "", ended=1.0)

    def told(self, story):
        """Run a story with a board of its own."""

        async def main():
            lanes = Lanes()
            board = CardBoard(self.reader, self.store, lanes)
            try:
                await board.refresh()
                return await story(board)
            finally:
                lanes.close()

        return asyncio.run(main())

    def rows(self) -> dict[str, CardRow]:
        async def story(board):
            return {row.uuid: row for row in board.rows()}

        return self.told(story)

    def given_back(self) -> bool:
        return self.told(lambda board: board.give_back_clean())

    def free(self) -> list[str]:
        async def story(board):
            return [sight.uuid for sight in board.sights() if sight.is_free]

        return self.told(story)


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Bench:
    made = Bench(tmp_path / "store.sqlite")
    # processes of the test's own making: pid → attempt, and attempts of which something lives
    made.marks, made.living = {}, set()
    monkeypatch.setattr(card_board, "attempt_of", lambda pid: made.marks.get(pid, ""))
    monkeypatch.setattr(card_board, "processes_of", lambda uuid, session: ["one"] if uuid in made.living else [])
    return made


def test_cards_that_nobody_uses_are_free(bench):
    assert bench.free() == ["GPU-0", "GPU-1"]
    assert {row.state for row in bench.rows().values()} == {"free"}


def test_a_leased_card_is_not_free_and_tells_whose_it_is(bench):
    bench.lease("GPU-0")
    assert bench.free() == ["GPU-1"]
    row = bench.rows()["GPU-0"]
    assert (row.state, row.leased_to) == ("leased", bench.job)


def test_a_card_that_somebody_else_uses_is_busy_and_names_them(bench):
    bench.reader.put(1, ANNA)
    assert bench.free() == ["GPU-0"]
    row = bench.rows()["GPU-1"]
    assert (row.state, row.reason) == ("busy", "card 1 used by anna, pid 4711 cryosparc, 11.2 GB")
    assert row.processes[0].ours is None


def test_an_intruder_on_a_leased_card_is_told_and_our_own_process_is_not(bench):
    bench.lease("GPU-0")
    bench.marks[os.getpid()] = ATTEMPT
    ours = CardProcess(os.getpid(), "me", "python", 100.0)
    bench.reader.put(0, ours)
    assert "also used" not in bench.rows()["GPU-0"].reason
    bench.reader.put(0, ours, ANNA)
    row = bench.rows()["GPU-0"]
    assert row.state == "leased"
    assert "also used by anna, pid 4711 cryosparc" in row.reason
    assert "python" not in row.reason
    assert {process.process_id: process.ours for process in row.processes} == {os.getpid(): bench.job, 4711: None}


def test_a_lease_lasts_as_long_as_its_attempt(bench):
    bench.lease("GPU-0")
    assert not bench.given_back()
    assert len(bench.store.leases()) == 1
    bench.end()
    assert bench.given_back()
    assert bench.store.leases() == []
    assert bench.free() == ["GPU-0", "GPU-1"]


@pytest.mark.parametrize("kind", ["process", "memory", "living", "unseen"])
def test_a_card_with_something_left_of_an_ended_attempt_is_dirty_until_it_is_gone(bench, kind):
    bench.lease("GPU-0", "GPU-1")
    bench.marks[99] = ATTEMPT
    left = {
        "process": lambda: bench.reader.put(0, CardProcess(99, "me", "python", 50.0)),
        "memory": lambda: bench.reader.put(0, memory_used_mb=5000.0),
        "living": lambda: bench.living.add(ATTEMPT),
        "unseen": lambda: bench.reader.put(0, CardProcess(1234, "", "", 5000.0)),
    }
    left[kind]()
    bench.end()
    assert bench.given_back() == (kind != "living")  # the clean one of the two goes back
    assert bench.rows()["GPU-0"].state == "dirty"
    assert "GPU-0" not in bench.free()
    assert "GPU-0" in {lease["card"] for lease in bench.store.leases()}
    bench.living.clear()
    bench.reader.put(0)
    assert bench.given_back()
    assert bench.free() == ["GPU-0", "GPU-1"]


def test_a_colleague_on_the_card_of_an_ended_attempt_does_not_keep_the_lease(bench):
    bench.lease("GPU-0")
    bench.end()
    bench.reader.put(0, ANNA)
    assert bench.given_back()
    assert bench.rows()["GPU-0"].state == "busy"


def test_a_process_of_a_job_without_a_lease_makes_a_card_dirty(bench):
    bench.lease("GPU-0")
    bench.end()
    assert bench.given_back()
    bench.marks[99] = ATTEMPT
    bench.reader.put(0, CardProcess(99, "me", "python", 50.0))
    row = bench.rows()["GPU-0"]
    assert row.state == "dirty"
    assert f"job {bench.job}" in row.reason


def test_a_leased_card_that_is_gone_is_shown_as_gone_and_not_given_back(bench):
    bench.lease("GPU-1")
    bench.reader.cards.pop()
    row = bench.rows()["GPU-1"]
    assert (row.state, row.leased_to) == ("gone", bench.job)
    assert bench.free() == ["GPU-0"]
    bench.end()
    assert not bench.given_back()


def test_while_the_cards_cannot_be_read_none_is_free_and_none_is_given_back(bench):
    bench.lease("GPU-0")
    bench.end()
    bench.reader.fails = "the driver does not answer"

    async def story(board):
        return board.problem, board.sights(), board.rows(), await board.give_back_clean()

    assert bench.told(story) == ("the driver does not answer", (), [], False)
    assert len(bench.store.leases()) == 1
    bench.reader.fails = ""
    assert bench.given_back()


def test_a_card_with_a_defect_is_quarantined_until_a_person_believes_in_it(bench):
    bench.reader.put(0, health=("XID 79: it fell off the bus",))

    async def story(board):
        before = [sight.uuid for sight in board.sights() if sight.is_free]
        cleaned = await board.clean("GPU-0")
        after = [sight.uuid for sight in board.sights() if sight.is_free]
        bench.reader.put(0, health=("XID 79: it fell off the bus", "XID 48: double bit error"))
        await board.refresh()
        return before, cleaned.state, after, [sight.uuid for sight in board.sights() if sight.is_free]

    assert bench.told(story) == (["GPU-1"], "free", ["GPU-0", "GPU-1"], ["GPU-1"])


def test_a_person_may_give_up_a_lease_that_is_over_and_no_other(bench):
    bench.lease("GPU-0", "GPU-1")
    assert bench.told(lambda board: board.clean("GPU-0")).state == "leased"
    assert len(bench.store.leases()) == 2
    bench.end()
    bench.reader.put(0, memory_used_mb=5000.0)
    # nobody may have it all the same: somebody who cannot be seen uses it
    assert bench.told(lambda board: board.clean("GPU-0")).state == "busy"
    assert {lease["card"] for lease in bench.store.leases()} == {"GPU-1"}
    assert bench.told(lambda board: board.clean("GPU-7")) is None


def test_a_divided_card_is_shown_and_never_offered(bench):
    whole = replace(bench.reader.cards[0], is_divided=True)
    part = Card("MIG-0", 0, "fake", 5000.0, mig_parent="GPU-0", instance=0)
    bench.reader.cards = [whole, part]
    assert bench.free() == ["MIG-0"]
    assert set(bench.rows()) == {"GPU-0", "MIG-0"}
