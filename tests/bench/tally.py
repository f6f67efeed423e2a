"""What a refinement has compared, and how long each pass took, added up over threads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass


@dataclass
class Work:
    """What one pass over the poses has done.

    Parameters
    ----------
    asked
        Pose-pixels of the poses that the search asks for.
    computed
        Pose-pixels that were computed: whole blocks of orientations × offsets.
    seconds, backend_seconds
        Time of the pass added up over threads, and how much of it was spent in the backend.
    samples, gather_seconds
        Pixels of the slices that were read, and the time of that added up over threads.
    scoring_seconds, operations
        Time in which particles were compared with the same slices, added up over threads, and multiplications and
        additions of the products of slices with images meanwhile.
    """

    asked: int = 0
    computed: int = 0
    seconds: float = 0.0
    backend_seconds: float = 0.0
    samples: int = 0
    gather_seconds: float = 0.0
    scoring_seconds: float = 0.0
    operations: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass(frozen=True)
class Passes:
    """The passes of the expectation step: two over the poses, and the back-projection."""

    coarse: Work
    fine: Work
    stored: Work

    @classmethod
    def none(cls) -> "Passes":
        """Nothing done."""
        return cls(Work(), Work(), Work())

    @property
    def all(self) -> Work:
        """All of them together."""
        return self.coarse + self.fine + self.stored

    def __add__(self, other: "Passes") -> "Passes":
        return Passes(self.coarse + other.coarse, self.fine + other.fine, self.stored + other.stored)


class Tally:
    """Adds up the work of each pass over all threads."""

    def __init__(self) -> None:
        self.passes = Passes.none()
        self._lock = threading.Lock()
        self._here = threading.local()

    def take(self) -> Passes:
        """Return what was done since the last call."""
        with self._lock:
            done, self.passes = self.passes, Passes.none()
        return done

    @contextmanager
    def during(self, name: str) -> Iterator[None]:
        """Time a pass of this thread, without passes inside of it; computations in it belong to it."""
        outer, before = getattr(self._here, "name", None), getattr(self._here, "inside", 0.0)
        self._here.name, self._here.inside, start = name, 0.0, time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.add(name, seconds=took - self._here.inside)
            self._here.name, self._here.inside = outer, before + took

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Time how slices are read for a pass."""
        start = time.perf_counter()
        yield
        if (name := getattr(self._here, "name", None)) is not None:
            self.add(name, gather_seconds=time.perf_counter() - start)

    @property
    def is_computing(self) -> bool:
        """This thread is in a computation that is counted as a whole."""
        return getattr(self._here, "computes", False)

    @contextmanager
    def computing(self, computed: int, samples: int) -> Iterator[None]:
        """Time a computation; outside of the passes nothing is counted."""
        name, start = getattr(self._here, "name", None), time.perf_counter()
        self._here.computes = True
        try:
            yield
        finally:
            self._here.computes = False
        if name is None:
            return
        took = time.perf_counter() - start
        # a particle that is compared by itself has asked for all of its coarse poses
        asked = computed if name == "coarse" else 0
        self.add(name, computed=computed, samples=samples, backend_seconds=took, asked=asked)

    def add(self, name: str, **amounts: float) -> None:
        """Add to the work of a pass."""
        with self._lock:
            work = getattr(self.passes, name)
            for amount, value in amounts.items():
                setattr(work, amount, getattr(work, amount) + value)
