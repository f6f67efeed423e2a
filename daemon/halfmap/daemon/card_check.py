"""The last look at an attempt's cards, made by its shim just before it starts the program. Light and quick.

Between the daemon's look and the start a colleague may have taken the card. This look makes the time for that as short
as it can be; after it, the daemon sees an intruder and says so.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from halfmap.daemon.card_processes import belongs_to
from halfmap.daemon.cards import Card, CardReader, CardsUnreadable, lack_of_memory, use_by_others
from halfmap.daemon.fake_cards import FakeNvml
from halfmap.daemon.nvidia import Nvml


def foreign_use(uuids: Sequence[str], fake_path: str, own_uuid: str, needed_mb: float = 0.0) -> str:
    """Say what keeps an attempt from using its cards; empty if nothing does.

    Parameters
    ----------
    uuids
        The cards that it leased.
    fake_path
        File of cards to look at instead of the machine's; empty for the machine's.
    own_uuid
        UUID of the attempt: processes that have it in their environment are its own.
    needed_mb
        Memory to be free on each card; 0 if that is not known.
    """
    if not uuids:
        return ""
    try:
        reader: CardReader = FakeNvml(Path(fake_path)) if fake_path else Nvml()
        found = {card.uuid: card for card in reader.read()}
    except CardsUnreadable as error:
        return f"its cards cannot be looked at: {error}"
    return "; ".join(filter(None, (_kept_from(uuid, found.get(uuid), own_uuid, needed_mb) for uuid in uuids)))


def _kept_from(uuid: str, card: Card | None, own_uuid: str, needed_mb: float) -> str:
    if card is None or card.is_lost:
        return f"card {uuid} is no longer there"
    if card.is_divided:
        return f"{card.label} has been divided into instances"
    return use_by_others(card, _own(card, own_uuid)) or lack_of_memory(card, needed_mb)


def _own(card: Card, own_uuid: str) -> Iterable[int]:
    return [process.pid for process in card.processes if belongs_to(process.pid, own_uuid)]
