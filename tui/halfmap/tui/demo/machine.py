"""The machine of the demonstration: its cards, who uses them, and what they did."""

import math
from collections.abc import Iterable, Iterator

from halfmap.daemon.client import CardProcessRow, CardRow, CardSample, HostRow
from halfmap.daemon.fake import FakeService

HALFMAPS, RIBOSOMES, COLLEAGUES, BROKEN = (f"GPU-demo-{number}" for number in range(4))
"""UUIDs of the cards: of the job that runs, of the one that stalls, of a colleague, of nobody."""

IN_USE = "card 2 used by anna, pid 4711 cryosparc_worker, 11.2 GB"
_KEPT_OUT = "card 3 is kept out of use: it fell off the bus (XID 79)"
_BUSY = {"memory_used_mb": 2_310.0, "power_w": 312.0, "utilisation": 94.0, "temperature_c": 61.0}
_IDLE = {"memory_used_mb": 4.0, "power_w": 71.0, "utilisation": 0.0, "temperature_c": 38.0}
_MEMORY_MB = 81_559.0
_SAMPLES_EVERY_S = 60.0
_HOURS = 2.0


def add_machine(service: FakeService) -> None:
    """Put host and cards into the daemon; none of them is leased yet."""
    service.machine = HostRow(host="gpu1", cores=32, cores_leased=0, memory_mb=257_000, memory_leased_mb=0)
    for card in _cards():
        service.add_card(card)


def _cards() -> Iterator[CardRow]:
    anna = CardProcessRow(process_id=4711, user="anna", command="cryosparc_worker", memory_mb=11_469.0)
    yield _card(HALFMAPS, 0, **_BUSY)
    yield _card(RIBOSOMES, 1, memory_used_mb=9_870.0, power_w=118.0, utilisation=100.0, temperature_c=44.0)
    yield _card(
        COLLEAGUES, 2, memory_used_mb=11_469.0, power_w=287.0, utilisation=88.0, temperature_c=66.0,
        processes=(anna,), state="busy", reason=IN_USE,
    )  # fmt: skip
    yield _card(BROKEN, 3, memory_used_mb=0.0, state="quarantined", reason=_KEPT_OUT)


def _card(uuid: str, index: int, **fields: object) -> CardRow:
    told = {"uuid": uuid, "index": index, "name": "NVIDIA H100 80GB HBM3", "memory_total_mb": _MEMORY_MB}
    return CardRow.model_validate(told | fields)


def free_the_colleagues_card(service: FakeService) -> None:
    """Let the colleague's program end."""
    service.add_card(_card(COLLEAGUES, 2, **_IDLE))


def put_to_work(service: FakeService, card: CardRow) -> None:
    """Let a card do what one does under a refinement."""
    service.add_card(card.model_copy(update=_BUSY))


def let_rest(service: FakeService, card: CardRow) -> None:
    """Let a card do nothing."""
    service.add_card(card.model_copy(update=_IDLE))


def add_past_samples(service: FakeService, cards: Iterable[CardRow]) -> None:
    """Tell what cards did in the last hours: much the same as now, a little more and less."""
    count = int(_HOURS * 3600 / _SAMPLES_EVERY_S)
    found = [
        _sample(card, service.now - (count - nth) * _SAMPLES_EVERY_S, nth) for nth in range(count) for card in cards
    ]
    service.samples.extend(found)


def add_sample(service: FakeService, cards: Iterable[CardRow], nth: int) -> None:
    """Tell what cards do now."""
    service.samples.extend(_sample(card, service.now, nth) for card in cards)


def _sample(card: CardRow, time: float, nth: int) -> CardSample:
    swing = 0.06 * math.sin(0.9 * nth) + 0.04 * math.sin(2.3 * nth + card.index)
    return CardSample(
        time=time,
        uuid=card.uuid,
        memory_used_mb=card.memory_used_mb,
        power_w=None if card.power_w is None else card.power_w * (1 + swing),
        utilisation=None if card.utilisation is None else min(100.0, max(0.0, card.utilisation * (1 + swing))),
    )
