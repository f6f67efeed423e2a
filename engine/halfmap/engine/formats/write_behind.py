"""Writing in a thread of its own while something else is computed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class WriteBehind(Generic[T]):
    """Does one piece of work after the other; whoever leaves it waits until all is done.

    What goes wrong with the work is raised by whichever method is called next.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="write-behind")
        self._under_way: Future[T] | None = None

    def __enter__(self) -> "WriteBehind[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown()

    def start(self, work: Callable[[], T]) -> list[T]:
        """Wait for the work under way, begin the next, and give what `finish` gives."""
        finished = self.finish()
        self._under_way = self._thread.submit(work)
        return finished

    def finish(self) -> list[T]:
        """Wait for the work under way, and give its outcome, if there is any."""
        under_way, self._under_way = self._under_way, None
        return [] if under_way is None else [under_way.result()]

    def check(self) -> None:
        """Raise what went wrong with the work under way, if that is known already."""
        if self._under_way is not None and self._under_way.done() and self._under_way.exception() is not None:
            self.finish()
