"""The API: HTTP and JSON over a Unix socket, for the daemon's own user and nobody else.

Requests are handed to a `halfmap.daemon.service.Service`; see ``docs/api.md`` for the addresses.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from halfmap.daemon.handlers import changes, events, forms, jobs, ladders, machine, projects
from halfmap.daemon.handlers.answers import in_words, refusal_answer
from halfmap.daemon.handlers.asking import LARGEST_BODY_BYTES, SERVICE
from halfmap.daemon.handlers.events import PATIENCE, STREAMS, Patience
from halfmap.daemon.listening import listening, peer_uid, stranger_problem
from halfmap.daemon.places import Places
from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Service

_KEEP_ALIVE_S = 75.0
_LINGERING_S = 3.0
_LAST_ANSWERS_S = 3.0
_PATIENCE = Patience()

_log = logging.getLogger(__name__)


def application(service: Service, user: int, patience: Patience = _PATIENCE) -> web.Application:
    """Make the application.

    Parameters
    ----------
    service
        What answers.
    user
        The uid that is answered.
    patience
        With clients that follow events.
    """
    made = web.Application(middlewares=[in_words, _only_for(user)], client_max_size=LARGEST_BODY_BYTES)
    made[SERVICE] = service
    made[PATIENCE] = patience
    made[STREAMS] = set()
    for group in (machine, forms, jobs, changes, ladders, projects, events):
        made.add_routes(group.ROUTES)
    made.on_shutdown.append(_end_streams)
    return made


def _only_for(user: int) -> Middleware:
    @web.middleware
    async def only_for(request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = request.get_extra_info("socket")
        if connection is None:
            raise ConnectionResetError("whoever asked has gone")
        if problem := stranger_problem(peer_uid(connection), user):
            refused = refusal_answer(Refusal(code="forbidden", message=problem))
            refused.force_close()
            return refused
        return await handler(request)

    return only_for


async def _end_streams(app: web.Application) -> None:
    streams = app[STREAMS]
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)


@asynccontextmanager
async def serving(service: Service, where: Places, patience: Patience = _PATIENCE) -> AsyncIterator[None]:
    """Answer at the daemon's socket. The caller holds the daemon's lock.

    At the end streams of events are cut and answers under way are still sent.

    Raises
    ------
    BadPlace
        If the socket cannot be made where it should be.
    """
    with listening(where.socket) as socket:
        runner = web.AppRunner(
            application(service, os.getuid(), patience),
            access_log=None,
            logger=_quiet_log(),
            keepalive_timeout=_KEEP_ALIVE_S,
            lingering_time=_LINGERING_S,
            shutdown_timeout=_LAST_ANSWERS_S,
            auto_decompress=False,  # a small body stays small
        )
        await runner.setup()
        try:
            await web.SockSite(runner, socket).start()
            yield
        finally:
            await runner.cleanup()


def _quiet_log() -> logging.Logger:
    """Give a log that passes over what is no HTTP, so that nobody can fill the disk by sending it."""
    log = logging.getLogger(f"{__name__}.http")
    log.addFilter(_is_worth_a_line)
    return log


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)
