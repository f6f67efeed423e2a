"""Watched projects."""

from aiohttp import web

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, key, query, service
from halfmap.daemon.handlers.changes import Order
from halfmap.daemon.records import ShortText


class ProjectOrder(Order):
    """Which project, as an absolute path."""

    project: ShortText


async def list_projects(request: web.Request) -> web.Response:
    """List the watched projects."""
    return answer(await service(request).projects())


async def watch_project(request: web.Request) -> web.Response:
    """Watch a project."""
    once, order = key(request), await body(request, ProjectOrder)
    return answer(await service(request).watch(order.project, once))


async def leave_project(request: web.Request) -> web.Response:
    """Watch a project no more; it is named in the query, since few tools send a body with DELETE."""
    once, order = key(request), query(request, ProjectOrder)
    await service(request).unwatch(order.project, once)
    return answer({})


ROUTES = (
    web.get("/v1/projects", list_projects),
    web.post("/v1/projects", watch_project),
    web.delete("/v1/projects", leave_project),
)
