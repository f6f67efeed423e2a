"""Changing jobs: each request once, however often it is sent with its key."""

from typing import Annotated

from aiohttp import web
from pydantic import ConfigDict, Field

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, job_number, key, service
from halfmap.daemon.handlers.jobs import JOB
from halfmap.daemon.records import Record, StopMode, Submission


class Order(Record):
    """A body with these fields and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PriorityOrder(Order):
    """Which priority a job gets."""

    priority: Annotated[int, Field(ge=-1000, le=1000)]


class StopOrder(Order):
    """From which rung of the ladder a stop begins."""

    mode: StopMode


async def submit_job(request: web.Request) -> web.Response:
    """Queue a job."""
    once = key(request)
    return answer(await service(request).submit(await body(request, Submission), once))


async def hold_job(request: web.Request) -> web.Response:
    """Keep a job from starting."""
    once, _ = key(request), await body(request, Order)
    return answer(await service(request).hold(job_number(request), once))


async def release_job(request: web.Request) -> web.Response:
    """Let a held job start."""
    once, _ = key(request), await body(request, Order)
    return answer(await service(request).release(job_number(request), once))


async def prioritise_job(request: web.Request) -> web.Response:
    """Change a job's priority."""
    once, order = key(request), await body(request, PriorityOrder)
    return answer(await service(request).prioritise(job_number(request), order.priority, once))


async def stop_job(request: web.Request) -> web.Response:
    """Stop a job."""
    once, order = key(request), await body(request, StopOrder)
    return answer(await service(request).stop(job_number(request), order.mode, once))


async def resume_job(request: web.Request) -> web.Response:
    """Let a job go on from its last iteration."""
    once, _ = key(request), await body(request, Order)
    return answer(await service(request).resume(job_number(request), once))


ROUTES = (
    web.post("/v1/jobs", submit_job),
    web.post(f"{JOB}/hold", hold_job),
    web.post(f"{JOB}/release", release_job),
    web.post(f"{JOB}/priority", prioritise_job),
    web.post(f"{JOB}/stop", stop_job),
    web.post(f"{JOB}/resume", resume_job),
)
