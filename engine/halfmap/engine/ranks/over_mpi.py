"""Several ranks over MPI: one half set each, or a leader that hands out pools of particles.

Waiting does not spin for long: requests are tested and the rank sleeps in between.
"""

import pickle
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import cast

import numpy as np
from jaxtyping import Int64
from mpi4py import MPI

from halfmap.engine.ranks.communicator import Communicator, Members, Pools, Progress, T, counting, spans, workers_of
from halfmap.engine.ranks.leading import NOTHING_AHEAD, THE_END, HandingOut

_TO_LEADER, _GIVE = 11, 12
_ASKS, _TELLS = 0, 1
_LONGEST_SLEEP_S, _SLEPT_SHARE = 0.005, 0.1
"""A rank sleeps for a share of the time that it has waited: what is on its way already is not kept waiting."""
# MPI counts are 32-bit: large arrays travel in pieces
_PIECE = 1 << 27


def wait(request: MPI.Request, status: MPI.Status | None = None) -> None:
    """Wait for a request; soon without spinning."""
    start = time.perf_counter()
    while not request.Test(status):
        time.sleep(min(_SLEPT_SHARE * (time.perf_counter() - start), _LONGEST_SLEEP_S))


class OverMpi(Communicator):
    """The ranks of an MPI communicator.

    Parameters
    ----------
    world
        All ranks; 2 or an odd number from 3 on.
    deterministic
        Give each rank fixed pools rather than those it asks for.
    """

    def __init__(self, world: MPI.Comm) -> None:
        self.world = world
        self.rank, self.size = world.Get_rank(), world.Get_size()
        self.halves = tuple(half for half in (1, 2) if self.rank in workers_of(half, self.size))
        colour = self.halves[0] if self.halves else MPI.UNDEFINED
        self._half = world.Split(colour, self.rank)
        captains = [workers_of(half, self.size)[0] for half in (1, 2)]
        self._captains = world.Split(0 if self.rank in captains else MPI.UNDEFINED, self.rank)

    @property
    def _leads(self) -> bool:
        return not self.halves

    def captain_rank(self, half: int) -> int:
        """Return the first rank that works on the half."""
        return workers_of(half, self.size)[0]

    def is_captain(self, half: int) -> bool:
        """Tell whether this is the first rank that works on the half."""
        return self.rank == self.captain_rank(half)

    def pools(self, half: int, members: Members, pool_size: int, progress: Progress) -> Pools:
        """Give this rank's share of a half's pools, or ask the leader for one after the other."""
        pools = spans(members[half], pool_size)
        workers = workers_of(half, self.size)
        mine = pools[workers.index(self.rank) :: len(workers)]
        if self.size == 2:
            return Pools(iter(mine), counting(progress, 0, sum(len(pool) for pool in mine)))
        if self.deterministic:
            return Pools(chain(mine, self._asked_for([])), self._tell_done)
        return Pools(self._asked_for(pools), self._tell_done)

    def _asked_for(self, pools: list[Int64[np.ndarray, " pool"]]) -> Iterator[Int64[np.ndarray, " pool"]]:
        nothing = np.empty(0, np.int64)
        while (index := self._ask()) != THE_END:
            yield nothing if index == NOTHING_AHEAD else pools[index]

    def _ask(self) -> int:
        self._write_to_leader(_ASKS, 0)
        answer = np.empty(1, np.int64)
        wait(self.world.Irecv([answer, MPI.INT64_T], source=0, tag=_GIVE))
        return int(answer[0])

    def _tell_done(self, particles: int) -> None:
        self._write_to_leader(_TELLS, particles)

    def _write_to_leader(self, kind: int, particles: int) -> None:
        self.world.Send([np.array([kind, particles], np.int64), MPI.INT64_T], dest=0, tag=_TO_LEADER)

    def hand_out(self, members: Members, pool_size: int, progress: Progress) -> None:
        """Answer the workers' requests until each has been told that nothing is left."""
        if not self._leads:
            return
        pools = {half: 0 if self.deterministic else len(spans(some, pool_size)) for half, some in members.items()}
        handing_out = HandingOut({rank: half for half in (1, 2) for rank in workers_of(half, self.size)}, pools)
        tell_done = counting(progress, 0, sum(len(m) for m in members.values()))
        while handing_out.goes_on:
            rank, kind, particles = self._next_message()
            if kind == _TELLS:
                tell_done(particles)
            else:
                answer = np.array([handing_out.answer(rank)], np.int64)
                self.world.Send([answer, MPI.INT64_T], dest=rank, tag=_GIVE)

    def _next_message(self) -> tuple[int, int, int]:
        status, message = MPI.Status(), np.empty(2, np.int64)
        wait(self.world.Irecv([message, MPI.INT64_T], source=MPI.ANY_SOURCE, tag=_TO_LEADER), status)
        return int(status.Get_source()), int(message[0]), int(message[1])

    def sum_over_workers(self, half: int, arrays: Sequence[np.ndarray]) -> None:
        """Reduce onto the captain."""
        if half not in self.halves or self._half.Get_size() == 1:
            return
        captain = self._half.Get_rank() == 0
        for array in arrays:
            for piece in _pieces(array):
                if captain:
                    wait(self._half.Ireduce(MPI.IN_PLACE, piece, MPI.SUM, root=0))
                else:
                    wait(self._half.Ireduce(piece, None, MPI.SUM, root=0))

    def meet(self, values: Mapping[int, T]) -> tuple[T, T] | None:
        """Exchange between the two captains."""
        if self._captains == MPI.COMM_NULL:
            return None
        mine = next(iter(values.values()))
        first, second = (_broadcast(self._captains, mine, root) for root in (0, 1))
        return first, second

    def share_halves(self, values: Mapping[int, T]) -> tuple[T, T]:
        """Broadcast from each captain."""
        return self.broadcast(values.get(1), self.captain_rank(1)), self.broadcast(values.get(2), self.captain_rank(2))

    def gather(self, value: T) -> list[T]:
        """Collect on all ranks."""
        return [self.broadcast(value, root) for root in range(self.size)]

    def broadcast(self, value: T | None, root: int) -> T:
        """Send one rank's value to all."""
        return _broadcast(self.world, value, root)

    def describe(self) -> Sequence[str]:
        """One line for each rank."""
        task = "hands out particles" if self._leads else f"works on half set {self.halves[0]}"
        return list(chain.from_iterable(self.gather([f"rank {self.rank} {task} on {platform.node()}"])))

    def abort(self, exit_code: int) -> None:
        """End all ranks at once."""
        self.world.Abort(exit_code)


def _pieces(array: np.ndarray) -> list[np.ndarray]:
    flat = array.reshape(-1)
    return [flat[start : start + _PIECE] for start in range(0, len(flat), _PIECE)]


def _broadcast(comm: MPI.Comm, value: T | None, root: int) -> T:
    """Broadcast any value: arrays travel out of band, so that they are not copied into the pickle."""
    buffers: list[pickle.PickleBuffer] = []
    if comm.Get_rank() == root:
        head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        raw = [np.frombuffer(head, np.uint8), *(np.frombuffer(b.raw(), np.uint8) for b in buffers)]
    sizes = _broadcast_sizes(comm, [len(r) for r in raw] if comm.Get_rank() == root else [], root)
    if comm.Get_rank() != root:
        raw = [np.empty(size, np.uint8) for size in sizes]
    for part in raw:
        for piece in _pieces(part):
            wait(comm.Ibcast([piece, MPI.BYTE], root))
    if comm.Get_rank() == root:
        return cast(T, value)
    return cast(T, pickle.loads(raw[0].tobytes(), buffers=[r.data for r in raw[1:]]))  # noqa: S301 (from our own ranks)


def _broadcast_sizes(comm: MPI.Comm, sizes: list[int], root: int) -> list[int]:
    count = np.array([len(sizes)])
    wait(comm.Ibcast([count, MPI.INT64_T], root))
    lengths = np.array(sizes) if comm.Get_rank() == root else np.empty(int(count[0]), np.int64)
    wait(comm.Ibcast([lengths, MPI.INT64_T], root))
    return [int(n) for n in lengths]
