"""The daemon itself, its cards and its machine, and the form that a job is described by."""

from aiohttp import web

from halfmap.daemon.form import form
from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, key, service
from halfmap.daemon.handlers.changes import Order


async def show_status(request: web.Request) -> web.Response:
    """Tell how the daemon is."""
    return answer(await service(request).status())


async def list_cards(request: web.Request) -> web.Response:
    """List the cards."""
    return answer(await service(request).cards())


async def clean_card(request: web.Request) -> web.Response:
    """Take a card out of quarantine."""
    once, _ = key(request), await body(request, Order)
    return answer(await service(request).clean_card(request.match_info["card"], once))


async def show_host(request: web.Request) -> web.Response:
    """Tell what the machine has."""
    return answer(await service(request).host())


async def show_metrics(request: web.Request) -> web.Response:
    """Give the metrics, in Prometheus' format: the one answer that is no JSON."""
    return web.Response(
        text=await service(request).metrics(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


async def show_options(_request: web.Request) -> web.Response:
    """Give the form of a Refine3D job."""
    return answer(form())


async def shut_down(request: web.Request) -> web.Response:
    """End the daemon; running jobs go on."""
    once, _ = key(request), await body(request, Order)
    await service(request).shut_down(once)
    return answer({})


ROUTES = (
    web.get("/v1/status", show_status),
    web.get("/v1/cards", list_cards),
    web.post("/v1/cards/{card}/clean", clean_card),
    web.get("/v1/host", show_host),
    web.get("/v1/metrics", show_metrics),
    web.get("/v1/options", show_options),
    web.post("/v1/shutdown", shut_down),
)
