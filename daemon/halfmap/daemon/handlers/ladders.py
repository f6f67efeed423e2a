"""Ladders of binnings."""

from aiohttp import web

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, key, query, service
from halfmap.daemon.ladder_records import LadderDraft, LadderName, LadderOrder
from halfmap.daemon.records import Record, ShortText


class LaddersQuery(Record):
    """Of which project; None for all."""

    project: ShortText | None = None


async def list_ladders(request: web.Request) -> web.Response:
    """List ladders."""
    return answer(await service(request).ladders(query(request, LaddersQuery).project))


async def show_ladder(request: web.Request) -> web.Response:
    """Show a ladder with its steps."""
    return answer(await service(request).ladder(query(request, LadderName)))


async def begin_ladder(request: web.Request) -> web.Response:
    """Begin a ladder, or go on with it."""
    once = key(request)
    return answer(await service(request).begin_ladder(await body(request, LadderDraft), once))


async def stop_ladder(request: web.Request) -> web.Response:
    """Stop a ladder."""
    once = key(request)
    return answer(await service(request).stop_ladder(await body(request, LadderName), once))


async def continue_ladder(request: web.Request) -> web.Response:
    """Let a ladder go on."""
    once = key(request)
    return answer(await service(request).continue_ladder(await body(request, LadderName), once))


async def set_options(request: web.Request) -> web.Response:
    """Set options of a step to come."""
    once = key(request)
    return answer(await service(request).set_ladder_options(await body(request, LadderOrder), once))


ROUTES = (
    web.get("/v1/ladders", list_ladders),
    web.get("/v1/ladders/show", show_ladder),
    web.post("/v1/ladders", begin_ladder),
    web.post("/v1/ladders/stop", stop_ladder),
    web.post("/v1/ladders/continue", continue_ladder),
    web.post("/v1/ladders/options", set_options),
)
