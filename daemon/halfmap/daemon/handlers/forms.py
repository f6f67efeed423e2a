"""The form that a job is described by: its options, what is wrong with them, its text, and paths to fill in.

Nothing is changed here, so no request needs a key, though some are sent with a body.
"""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from halfmap.daemon.handlers.answers import answer
from halfmap.daemon.handlers.asking import body, query, service
from halfmap.daemon.handlers.changes import Order
from halfmap.daemon.inspection import LONGEST_FORM_TEXT, FormDraft
from halfmap.daemon.records import Record, ShortText


class FormOptions(Order):
    """A form as options, by their keys."""

    options: Annotated[dict[str, str], Field(max_length=500)]


class FormFile(Order):
    """A form as the text of a ``job.star``."""

    text: Annotated[str, Field(max_length=LONGEST_FORM_TEXT)]


class FormQuery(Record):
    """Which form: RELION's label of a type of job, or nothing for a refinement."""

    kind: ShortText = ""


class PathQuery(Record):
    """Which path to complete, in which project, and which files are meant; see `Service.browse`."""

    project: ShortText
    text: ShortText = ""
    pattern: Annotated[str, Field(max_length=200)] = ""


async def show_options(request: web.Request) -> web.Response:
    """Give the form of a type of job."""
    return answer(await service(request).options(query(request, FormQuery).kind))


async def check_form(request: web.Request) -> web.Response:
    """Tell everything that is wrong with a form, and what the job would take."""
    return answer(await service(request).check_form(await body(request, FormDraft)))


async def write_form(request: web.Request) -> web.Response:
    """Write options as the text of a ``job.star``."""
    return answer(await service(request).write_form((await body(request, FormOptions)).options))


async def read_form(request: web.Request) -> web.Response:
    """Read the text of a ``job.star``."""
    return answer(await service(request).read_form((await body(request, FormFile)).text))


async def list_paths(request: web.Request) -> web.Response:
    """Complete a path."""
    asked = query(request, PathQuery)
    return answer(await service(request).browse(asked.project, asked.text, asked.pattern))


ROUTES = (
    web.get("/v1/options", show_options),
    web.post("/v1/options/check", check_form),
    web.post("/v1/options/write", write_form),
    web.post("/v1/options/read", read_form),
    web.get("/v1/paths", list_paths),
)
