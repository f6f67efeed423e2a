"""One rank: both half sets in turn."""

import platform
from collections.abc import Mapping, Sequence

import numpy as np

from halfmap.engine.ranks.communicator import Communicator, Members, Pools, Progress, T, counting, spans


class Alone(Communicator):
    """A single process."""

    rank = 0
    size = 1
    halves = (1, 2)

    def is_captain(self, half: int) -> bool:
        """Return True: there is nobody else."""
        return half in self.halves

    def pools(self, half: int, members: Members, pool_size: int, progress: Progress) -> Pools:
        """Give all pools of a half."""
        done = sum(len(members[earlier]) for earlier in self.halves if earlier < half)
        total = sum(len(m) for m in members.values())
        return Pools(iter(spans(members[half], pool_size)), counting(progress, done, total))

    def hand_out(self, members: Members, pool_size: int, progress: Progress) -> None:
        """Do nothing: there is nobody to hand pools to."""

    def sum_over_workers(self, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Do nothing: the sums are complete."""

    def meet(self, values: Mapping[int, T]) -> tuple[T, T] | None:
        """Return both values."""
        return values[1], values[2]

    def share_halves(self, values: Mapping[int, T]) -> tuple[T, T]:
        """Return both values."""
        return values[1], values[2]

    def gather(self, value: T) -> list[T]:
        """Return the one value."""
        return [value]

    def broadcast(self, value: T | None, root: int) -> T:  # noqa: ARG002
        """Return the value."""
        assert value is not None
        return value

    def captain_rank(self, half: int) -> int:  # noqa: ARG002
        """Return 0."""
        return 0

    def describe(self) -> Sequence[str]:
        """One line."""
        return [f"rank 0 works on both half sets on {platform.node()}"]
