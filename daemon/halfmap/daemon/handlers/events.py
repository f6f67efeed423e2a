"""The stream of events: a line of JSON each, for as long as the client reads."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from halfmap.daemon.handlers.asking import query, service
from halfmap.daemon.records import EventRow, Record

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds.

    Attributes
    ----------
    heartbeat_s
        When nothing happens an empty line is sent so often, so that both ends notice when the other has gone.
    drain_s
        A client that does not take what was sent for so long is dropped.
    """

    heartbeat_s: float = 15.0
    drain_s: float = 10.0


PATIENCE = web.AppKey("patience", Patience)
STREAMS = web.AppKey("streams", set[asyncio.Task[None]])
"""The streams that are open; they are ended when the daemon is."""

_Number = Annotated[int, Field(ge=0, lt=2**63)]


class EventQuery(Record):
    """Which events: those after `since`, of one job or all, and with `follow` those to come."""

    since: _Number = 0
    job: _Number | None = None
    follow: bool = False


async def stream_events(request: web.Request) -> web.StreamResponse:
    """Send events until there are no more, the client goes, or the daemon ends."""
    asked = query(request, EventQuery)
    events = service(request).events(asked.since, asked.job, asked.follow)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"})
    await response.prepare(request)
    sending = asyncio.create_task(_send(response, events, request.app[PATIENCE]), name="events")
    streams = request.app[STREAMS]
    streams.add(sending)
    sending.add_done_callback(streams.discard)
    # cancelled, it is the daemon that ends
    await asyncio.wait({sending})
    if sending.cancelled() or sending.exception() is not None:
        _drop(request, sending)
    return response


def _drop(request: web.Request, sending: asyncio.Task[None]) -> None:
    """Cut the connection: the client sees that this was not the end, and what is still to be sent is let go."""
    error = None if sending.cancelled() else sending.exception()
    if error is not None and not isinstance(error, ConnectionError | TimeoutError):
        _log.error("a stream of events broke off", exc_info=error)
    if request.transport is not None:
        request.transport.abort()


async def _send(response: web.StreamResponse, events: AsyncIterator[EventRow], patience: Patience) -> None:
    """Send events one by one; the next is asked for only when this one has been taken, so nothing piles up."""
    following = asyncio.ensure_future(_next(events))
    try:
        while True:
            await asyncio.wait({following}, timeout=patience.heartbeat_s)
            if not following.done():
                await _write(response, b"\n", patience)
                continue
            event = following.result()
            if event is None:
                return
            following = asyncio.ensure_future(_next(events))
            await _write(response, event.model_dump_json().encode() + b"\n", patience)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        if hasattr(events, "aclose"):
            with contextlib.suppress(Exception):
                await events.aclose()


async def _next(events: AsyncIterator[EventRow]) -> EventRow | None:
    return await anext(events, None)


async def _write(response: web.StreamResponse, line: bytes, patience: Patience) -> None:
    # aiohttp waits by itself as soon as 64 KiB have not been taken
    await asyncio.wait_for(response.write(line), patience.drain_s)


ROUTES = (web.get("/v1/events", stream_events),)
