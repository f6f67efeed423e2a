"""The cards as they were read last, with who leased them: what the scheduler and the screens see."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from halfmap.daemon.cards import Card, CardReader, CardsUnreadable, Lease, Verdict, judge
from halfmap.daemon.lanes import Hung, Lanes
from halfmap.daemon.processes import attempt_of, processes_of
from halfmap.daemon.records import CardProcessRow, CardRow
from halfmap.daemon.scheduler import CardSight
from halfmap.daemon.store import Store

_LANE = Path("/cards")
"""Name of the thread in which cards are read: a driver can hang like a file system."""
_PATIENCE_S = 20.0


class CardBoard:
    """What is known of the cards.

    Attributes
    ----------
    problem
        Why they cannot be read, or are fewer than there should be; "" if all is well.
    """

    def __init__(self, reader: CardReader, store: Store, lanes: Lanes) -> None:
        self._reader = reader
        self._store = store
        self._lanes = lanes
        self._cards: dict[str, Card] = {}
        self._attempts: dict[int, str] = {}
        self._alive: set[str] = set()
        self._cleaned: dict[str, tuple[str, ...]] = {}
        self.problem = ""

    async def refresh(self) -> None:
        """Read the cards; while they cannot be read none is free."""
        ended = [lease.attempt for lease in self._leases().values() if lease.ended]
        try:
            await self._lanes.run(_LANE, self._read, ended, patience_s=_PATIENCE_S)
        except (CardsUnreadable, Hung) as error:
            self._cards, self.problem = {}, str(error)

    def _read(self, ended: list[str]) -> None:
        """In the cards' thread: the cards, whose processes are on them, and which ended attempts still have some."""
        cards = {card.uuid: card for card in self._reader.read()}
        pids = {process.pid for card in cards.values() for process in card.processes}
        alive = {uuid for uuid in ended if processes_of(uuid, None)}
        attempts = {pid: uuid for pid in pids if (uuid := attempt_of(pid))}
        self._cards, self._attempts, self._alive, self.problem = cards, attempts, alive, self._reader.problem

    def of(self, uuids: Sequence[str]) -> list[Card]:
        """Some cards, as they were read last."""
        return [self._cards[uuid] for uuid in uuids if uuid in self._cards]

    def sights(self) -> tuple[CardSight, ...]:
        """The cards for the scheduler."""
        leases, ours = self._leases(), self._ours()
        return tuple(
            CardSight(card.uuid, card.index, verdict.state == "free", verdict.reason, card.memory_free_mb)
            for card in self._cards.values()
            if not card.is_divided
            for verdict in [self._judged(card, leases.get(card.uuid), ours)]
        )

    def rows(self) -> list[CardRow]:
        """The cards for people; a leased card that is gone is among them."""
        leases, ours = self._leases(), self._ours()
        there = [self._row(card, leases.get(card.uuid), ours) for card in self._cards.values()]
        gone = [self._gone(lease) for uuid, lease in leases.items() if uuid not in self._cards and not self.problem]
        return there + gone

    async def give_back_clean(self) -> bool:
        """End the leases of ended attempts whose cards are clean; True if any was ended."""
        if not any(lease.ended for lease in self._leases().values()):
            return False
        await self.refresh()
        if self.problem and not self._cards:
            return False
        ours = self._ours()
        over = [
            lease
            for lease in self._leases().values()
            if lease.ended and self._judged(self._cards.get(lease.card), lease, ours).lease_is_over
        ]
        for lease in over:
            self._store.give_back(lease.card, f"{lease.card} given back by job {lease.job}")
        return bool(over)

    async def clean(self, uuid: str) -> CardRow | None:
        """Believe a person that a card is well: its present defects count no more, a lease that is over ends."""
        await self.refresh()
        lease = self._leases().get(uuid)
        if lease is not None and lease.ended:
            self._store.give_back(uuid, f"{uuid} given back by a person")
        card = self._cards.get(uuid)
        if card is None:
            return None
        self._cleaned[uuid] = card.health
        return self._row(card, self._leases().get(uuid), self._ours())

    def _judged(self, card: Card | None, lease: Lease | None, ours: dict[int, int]) -> Verdict:
        if card is not None and card.health and card.health == self._cleaned.get(card.uuid):
            card = replace(card, health=())
        return judge(card, lease, ours, lease is not None and lease.attempt in self._alive, 0.0)

    def _row(self, card: Card, lease: Lease | None, ours: dict[int, int]) -> CardRow:
        verdict = self._judged(card, lease, ours)
        return CardRow(
            uuid=card.uuid,
            index=card.index,
            name=card.name,
            memory_total_mb=card.memory_total_mb,
            memory_used_mb=card.memory_used_mb,
            power_w=card.power_w,
            utilisation=card.utilisation,
            temperature_c=card.temperature_c,
            processes=tuple(
                CardProcessRow(
                    process_id=process.pid,
                    user=process.user,
                    command=process.command,
                    memory_mb=process.memory_mb,
                    ours=ours.get(process.pid),
                )
                for process in card.processes
            ),
            leased_to=lease.job if lease else None,
            state=verdict.state,
            reason=verdict.reason,
        )

    @staticmethod
    def _gone(lease: Lease) -> CardRow:
        verdict = judge(None, lease, {}, False, 0.0)
        return CardRow(
            uuid=lease.card, index=-1, name="", memory_total_mb=0, memory_used_mb=0, leased_to=lease.job,
            state=verdict.state, reason=verdict.reason,
        )  # fmt: skip

    def _leases(self) -> dict[str, Lease]:
        return {
            row["card"]: Lease(row["card"], row["attempt"], row["job"], row["since"], not row["live"])
            for row in self._store.leases()
        }

    def _ours(self) -> dict[int, int]:
        """Job of each process on a card that belongs to an attempt of ours."""
        return {
            pid: job for pid, uuid in self._attempts.items() if (job := self._store.job_of_attempt(uuid)) is not None
        }
