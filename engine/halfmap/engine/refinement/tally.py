"""How far the threads of a rank have come with the particles that they share."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from threading import Lock
from typing import TypeVar

T = TypeVar("T")
_INTERVAL_S = 0.5
_ROUNDING = 1e-6


class Tally:
    """Counts particles in the threads that work on them; whole ones are told by the thread that waits for them.

    Parameters
    ----------
    tell
        Called with the number of particles done since the last call.
    """

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell
        self._lock = Lock()
        self._done, self._told = 0.0, 0

    def add(self, particles: float) -> None:
        """Count particles, or parts of them."""
        with self._lock:
            self._done += particles

    def results(self, futures: Sequence[Future[T]]) -> Iterator[T]:
        """Give results in their order, and tell while waiting for them."""
        try:
            for future in futures:
                while wait([future], _INTERVAL_S).not_done:
                    self._tell_new()
                yield future.result()
                self._tell_new()
        finally:
            for future in futures:
                future.cancel()

    def _tell_new(self) -> None:
        new = int(self._done + _ROUNDING) - self._told
        if new:
            self._told += new
            self._tell(new)
