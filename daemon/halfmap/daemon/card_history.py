"""What the cards did in the last hours, kept in memory only."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from halfmap.daemon.inspection import CardSample
from halfmap.daemon.records import CardRow

KEPT_S = 6 * 3600.0
"""How long a sample is kept."""
MOST_SAMPLES = 20_000
"""Of all cards together: eight cards for six hours at a sample every ten seconds."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """A tenth of the size of the record that it becomes."""

    time: float
    uuid: str
    memory_used_mb: float
    power_w: float | None
    utilisation: float | None


class CardHistory:
    """Samples of all cards, oldest first."""

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        self._samples: deque[_Sample] = deque(maxlen=most)

    def take(self, now: float, cards: Iterable[CardRow]) -> None:
        """Add a sample of each card that can be read, and let go those that are too old."""
        for card in cards:
            if card.state != "gone":
                self._samples.append(_Sample(now, card.uuid, card.memory_used_mb, card.power_w, card.utilisation))
        while self._samples and self._samples[0].time < now - KEPT_S:
            self._samples.popleft()

    def since(self, time: float) -> list[CardSample]:
        """Give the samples later than a time (s since the epoch)."""
        return [
            CardSample(
                time=one.time,
                uuid=one.uuid,
                memory_used_mb=one.memory_used_mb,
                power_w=one.power_w,
                utilisation=one.utilisation,
            )
            for one in self._samples
            if one.time > time
        ]
