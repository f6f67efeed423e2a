"""How ranks work together: who works on which half set, who gets which particles, how sums meet."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Int64

T = TypeVar("T")
Members = Mapping[int, Int64[np.ndarray, " members"]]
# called with the number of particles that are done and their total
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Pools:
    """Particles that a rank is given, and where it tells how far it has come with them.

    Parameters
    ----------
    given
        One pool after the other. The next one may be taken while the last one is being worked on. An empty one says
        that nothing is given ahead any more: another may follow, but only to a rank that has nothing left to do.
    tell_done
        Called with the number of particles done since the last call.
    """

    given: Iterator[Int64[np.ndarray, " pool"]]
    tell_done: Callable[[int], None]


def counting(progress: Progress, done: int, total: int) -> Callable[[int], None]:
    """Tell how many are done so far, at once and whenever some more are."""

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, total)

    tell(0)
    return tell


class Communicator(ABC):
    """The ranks of one refinement.

    Half sets are numbered 1 and 2. The *captain* of a half reconstructs its map; the *first* rank prints and writes
    what concerns both halves.

    Attributes
    ----------
    rank, size, halves
        This rank, how many there are, and the halves that it works on.
    deterministic
        Pools are dealt out in a fixed order rather than to whoever is ready, so that sums are made in one order.
    """

    rank: int
    size: int
    halves: tuple[int, ...]
    deterministic: bool = False

    @property
    def is_first(self) -> bool:
        """This rank prints and writes for all."""
        return self.rank == 0

    @abstractmethod
    def is_captain(self, half: int) -> bool:
        """Tell whether this rank reconstructs a half's map."""

    @abstractmethod
    def pools(self, half: int, members: Members, pool_size: int, progress: Progress) -> Pools:
        """Give this rank pools of a half's particles, one after the other."""

    @abstractmethod
    def hand_out(self, members: Members, pool_size: int, progress: Progress) -> None:
        """Hand pools out to the others, if this rank does that, until none is left."""

    @abstractmethod
    def sum_over_workers(self, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Add up arrays over the ranks of a half, in place; the captain holds the total afterwards."""

    @abstractmethod
    def meet(self, values: Mapping[int, T]) -> tuple[T, T] | None:
        """Bring the values of both halves together on the captains; None on other ranks."""

    @abstractmethod
    def share_halves(self, values: Mapping[int, T]) -> tuple[T, T]:
        """Send each captain's value to all ranks."""

    @abstractmethod
    def gather(self, value: T) -> list[T]:
        """Collect one value of each rank, in their order, on all ranks."""

    @abstractmethod
    def broadcast(self, value: T | None, root: int) -> T:
        """Send one rank's value to all."""

    @abstractmethod
    def captain_rank(self, half: int) -> int:
        """Rank of a half's captain."""

    @abstractmethod
    def describe(self) -> Sequence[str]:
        """What each rank does and where, a line each."""

    def abort(self, exit_code: int) -> None:
        """End all ranks at once."""
        raise SystemExit(exit_code)


def spans(members: Int64[np.ndarray, " members"], pool_size: int) -> list[Int64[np.ndarray, " pool"]]:
    """Cut particles into pools."""
    return [members[start : start + pool_size] for start in range(0, len(members), pool_size)]


def workers_of(half: int, size: int) -> list[int]:
    """Ranks that work on a half.

    One rank works on both, of two ranks each on one; of an odd number the first leads, odd ones work on half 1 and
    even ones on half 2, as with RELION.
    """
    if size == 1:
        return [0]
    if size == 2:
        return [half - 1]
    return [rank for rank in range(1, size) if (rank - 1) % 2 == half - 1]


def can_be_shared_out(size: int) -> bool:
    """Whether a number of ranks can work on two half sets."""
    return size in (1, 2) or (size > 2 and size % 2 == 1)


def sizes_in_words() -> str:
    """Numbers of ranks that can be used."""
    return "1 (both half sets in turn), 2 (one half set each) or an odd number from 3 on (a leader and equal halves)"
