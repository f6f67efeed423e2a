"""The daemon's clock, as a port: wall time for records, monotone time for waiting."""

import time
from abc import ABC, abstractmethod


class Clock(ABC):
    """Tells the time."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since the epoch, UTC; may be set back by an administrator, so it only labels."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds that only grow, from an arbitrary start; durations are differences of these."""


class SystemClock(Clock):
    """The machine's own."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()


class FakeClock(Clock):
    """A clock that tests set and advance."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.wall = now
        self.elapsed = 0.0

    def now(self) -> float:
        """The time that was set."""
        return self.wall

    def monotonic(self) -> float:
        """The time that was advanced."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.elapsed += seconds
