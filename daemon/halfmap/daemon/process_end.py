"""Hearing at once when a process ends, child or not."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

from halfmap.daemon.attempt_files import Identity
from halfmap.daemon.processes import is_alive


@contextlib.asynccontextmanager
async def ended_process(identity: Identity, event: asyncio.Event) -> AsyncIterator[None]:
    """Set an event when the process of an identity ends, while the block runs; it may have ended before."""
    descriptor = _descriptor(identity)
    if descriptor is None:
        yield
        return
    loop = asyncio.get_running_loop()

    def heard() -> None:
        loop.remove_reader(descriptor)
        event.set()

    loop.add_reader(descriptor, heard)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _descriptor(identity: Identity) -> int | None:
    try:
        descriptor = os.pidfd_open(identity.process_id)
    except OSError:
        return None
    # the number may be another process's by now
    if not is_alive(identity):
        os.close(descriptor)
        return None
    return descriptor


def reap(identity: Identity) -> None:
    """Let the kernel forget a child that has ended; of no effect for others."""
    with contextlib.suppress(OSError):
        os.waitpid(identity.process_id, os.WNOHANG)
