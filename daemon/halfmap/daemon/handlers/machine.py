"""The daemon itself, its cards and its machine."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, key, query, service
from halfmap.daemon.handlers.changes import Order
from halfmap.daemon.records import Record


class SampleQuery(Record):
    """Which samples of the cards: those later than a time."""

    since: Annotated[float, Field(allow_inf_nan=False)] = 0.0


async def show_status(request: web.Request) -> web.Response:
    """Tell how the daemon is."""
    return answer(await service(request).status())


async def list_cards(request: web.Request) -> web.Response:
    """List the cards."""
    return answer(await service(request).cards())


async def list_card_samples(request: web.Request) -> web.Response:
    """Tell what the cards did."""
    return answer(await service(request).card_samples(query(request, SampleQuery).since))


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


async def shut_down(request: web.Request) -> web.Response:
    """End the daemon; running jobs go on."""
    once, _ = key(request), await body(request, Order)
    await service(request).shut_down(once)
    return answer({})


ROUTES = (
    web.get("/v1/status", show_status),
    web.get("/v1/cards", list_cards),
    web.get("/v1/cards/samples", list_card_samples),
    web.post("/v1/cards/{card}/clean", clean_card),
    web.get("/v1/host", show_host),
    web.get("/v1/metrics", show_metrics),
    web.post("/v1/shutdown", shut_down),
)
