"""What the leader answers to ranks that ask for pools of particles."""

from collections.abc import Mapping

NOTHING_AHEAD = -2
THE_END = -1


class HandingOut:
    """Hands out the pools of both half sets to whoever asks.

    A rank may ask for its next pool while it works on one, so that it can read ahead. The last pools, as many as a half
    has ranks, go only to ranks that have nothing left to do: no rank waits while another one has a pool in reserve.

    Parameters
    ----------
    half_of
        Half set of each rank that works.
    pools
        Number of pools of each half set.
    """

    def __init__(self, half_of: Mapping[int, int], pools: Mapping[int, int]) -> None:
        self._half_of, self._pools = half_of, pools
        self._next = dict.fromkeys(pools, 0)
        self._idle: set[int] = set()
        self._working = set(half_of)

    @property
    def goes_on(self) -> bool:
        """Some rank has not been told yet that this is the end."""
        return bool(self._working)

    def answer(self, rank: int) -> int:
        """Give the index of a pool, or `NOTHING_AHEAD` to a rank that still works, or `THE_END`."""
        half = self._half_of[rank]
        left = self._pools[half] - self._next[half]
        if rank not in self._idle and left < list(self._half_of.values()).count(half):
            self._idle.add(rank)
            return NOTHING_AHEAD
        if not left:
            self._working.discard(rank)
            return THE_END
        self._idle.discard(rank)
        self._next[half] += 1
        return self._next[half] - 1
