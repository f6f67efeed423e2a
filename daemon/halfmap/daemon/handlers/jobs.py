"""Looking at jobs."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import job_number, query, service
from halfmap.daemon.records import JobQuery, Record, Refusal, ShortText
from halfmap.daemon.service import Refused

JOB = "/v1/jobs/{job:[0-9]{1,15}}"
"""Where a job stands; longer numbers are no job's."""


class NameQuery(Record):
    """Which job a person means."""

    name: Annotated[str, Field(min_length=1, max_length=4096)]
    project: ShortText | None = None


async def list_jobs(request: web.Request) -> web.Response:
    """List jobs, a page at a time."""
    return answer(await service(request).jobs(query(request, JobQuery)))


async def find_job(request: web.Request) -> web.Response:
    """Find a job by number, name or alias."""
    asked = query(request, NameQuery)
    if asked.name.isdecimal() and len(asked.name) > 15:
        raise Refused(Refusal(code="not_found", message="no job has so long a number."))
    return answer(await service(request).find(asked.name, asked.project))


async def show_job(request: web.Request) -> web.Response:
    """Show a job with all about it."""
    return answer(await service(request).job(job_number(request)))


async def show_iterations(request: web.Request) -> web.Response:
    """Give a job's finished iterations."""
    return answer(await service(request).iterations(job_number(request)))


async def show_files(request: web.Request) -> web.Response:
    """Tell where a job's files are."""
    return answer(await service(request).files(job_number(request)))


ROUTES = (
    web.get("/v1/jobs", list_jobs),
    web.get("/v1/jobs/find", find_job),
    web.get(JOB, show_job),
    web.get(f"{JOB}/iterations", show_iterations),
    web.get(f"{JOB}/files", show_files),
)
