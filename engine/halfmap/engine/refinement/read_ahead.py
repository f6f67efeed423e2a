"""Reading stacks before they are asked for, while the particles before them are worked on."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from types import TracebackType

import numpy as np
from jaxtyping import Float, Int64

from halfmap.engine.arrays import Array
from halfmap.engine.imaging.volumes import ParticleVolume
from halfmap.engine.refinement.refinement import ImageSource

Stack = Float[Array, "tilts n n"] | ParticleVolume
_THREADS_PER_READER, _LEAST_READERS = 2, 2
"""A reader waits for the disc most of the time; checking what it has read takes a hundredth of what follows."""


class ReadAhead(ImageSource):
    """Reads the next stacks in threads of its own.

    A stack that nobody has begun to read is read by whoever asks for it, so that asking is never slower than without.
    What goes wrong with a stack is raised where the stack is asked for.

    Parameters
    ----------
    source
        Where stacks are read from.
    at_most
        Stacks that are held before they are asked for.
    threads
        Threads that ask for stacks.
    """

    def __init__(self, source: ImageSource, at_most: int, threads: int) -> None:
        self._source, self._at_most = source, at_most
        readers = max(threads // _THREADS_PER_READER, _LEAST_READERS)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="read-ahead")
        self._lock = Lock()
        self._waiting: dict[int, None] = {}
        self._coming: dict[int, Future[Stack]] = {}

    def __enter__(self) -> "ReadAhead":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._readers.shutdown(cancel_futures=True)

    def before(self, pools: Iterator[Int64[np.ndarray, " pool"]]) -> Iterator[Int64[np.ndarray, " pool"]]:
        """Give pools one after the other, and read its later stacks and those of the pool after it meanwhile."""
        pool = self._expected(next(pools, None))
        while pool is not None:
            following = self._expected(next(pools, None))
            yield pool
            pool = following

    def read(self, particle: int) -> Stack:
        """Give the stack of a particle."""
        with self._lock:
            self._waiting.pop(particle, None)
            coming = self._coming.pop(particle, None)
            self._begin_more()
        if coming is None or coming.cancel():
            return self._source.read(particle)
        return coming.result()

    def _expected(self, pool: Int64[np.ndarray, " pool"] | None) -> Int64[np.ndarray, " pool"] | None:
        with self._lock:
            self._waiting.update(dict.fromkeys([] if pool is None else pool.tolist()))
            self._begin_more()
        return pool

    def _begin_more(self) -> None:
        while self._waiting and len(self._coming) < self._at_most:
            particle = next(iter(self._waiting))
            del self._waiting[particle]
            self._coming[particle] = self._readers.submit(self._source.read, particle)
