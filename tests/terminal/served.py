"""A daemon in memory behind a real socket, in a thread of its own; tests let its jobs advance meanwhile."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from halfmap.daemon.fake import FakeService
from halfmap.daemon.places import places
from halfmap.daemon.server import serving

_Answer = TypeVar("_Answer")


@dataclass
class Served:
    """The daemon, to be changed in its own thread only."""

    service: FakeService
    loop: asyncio.AbstractEventLoop

    def do(self, change: Callable[[FakeService], _Answer]) -> _Answer:
        """Change something, and give what that gives."""

        async def in_its_thread() -> _Answer:
            return change(self.service)

        return asyncio.run_coroutine_threadsafe(in_its_thread(), self.loop).result(10)


@contextmanager
def served(service: FakeService, environ: Mapping[str, str]) -> Iterator[Served]:
    """Answer where programs with this environment ask."""
    loop, ending, answers = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

    async def serve() -> None:
        async with serving(service, places(environ)):
            answers.set()
            await ending.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="served")
    thread.start()
    try:
        assert answers.wait(10), "the daemon in memory does not answer"
        yield Served(service, loop)
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)
        loop.close()
