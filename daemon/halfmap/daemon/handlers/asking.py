"""What a request asks: its key, its body and its query, read with limits and refused in words."""

import asyncio
import re
from typing import TypeVar, get_origin

from aiohttp import web
from pydantic import BaseModel, ValidationError

from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Refused, Service

LARGEST_BODY_BYTES = 2**20
BODY_PATIENCE_S = 20.0
"""A body has to be there within so long."""

KEY = "Idempotency-Key"
SERVICE = web.AppKey("service", Service)

_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_MOST_PROBLEMS = 10
_LONGEST_PROBLEM = 300

Asked = TypeVar("Asked", bound=BaseModel)


def service(request: web.Request) -> Service:
    """Give the service that answers."""
    return request.app[SERVICE]


def key(request: web.Request) -> str:
    """Read the idempotency key, which every request that changes something needs.

    Raises
    ------
    Refused
        If there is none, or more than one, or it is not 1 to 128 printable characters of ASCII.
    """
    given = request.headers.getall(KEY, [])
    if len(given) != 1 or not _KEY.fullmatch(given[0]):
        raise bad_request(
            f"this changes something, so it needs one header {KEY} with 1 to 128 printable ASCII characters of your "
            "choice; the same key asks for the same thing only once."
        )
    return given[0]


def job_number(request: web.Request) -> int:
    """Read the job's number out of the address."""
    return int(request.match_info["job"])


async def body(request: web.Request, kind: type[Asked]) -> Asked:
    """Read the body as a record; an empty one is an empty object.

    Raises
    ------
    Refused
        If it is too large, does not come, is no JSON, or does not fit the record.
    """
    content = await _content(request)
    try:
        return kind.model_validate_json(content or b"{}")
    except ValidationError as error:
        raise _misfit("the body cannot be used:", error) from None


async def _content(request: web.Request) -> bytes:
    too_large = Refused(Refusal(code="too_large", message=f"a body has at most {LARGEST_BODY_BYTES} bytes."))
    if (request.content_length or 0) > LARGEST_BODY_BYTES:
        raise too_large
    try:
        return await asyncio.wait_for(request.read(), BODY_PATIENCE_S)
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except TimeoutError:
        raise bad_request(f"the body did not come within {BODY_PATIENCE_S:.0f} s.") from None


def query(request: web.Request, kind: type[Asked]) -> Asked:
    """Read the query as a record. Lists are given with commas between, or by repeating the parameter.

    Raises
    ------
    Refused
        If there are parameters that this record does not have, or values that do not fit.
    """
    given = request.query
    if unknown := sorted(given.keys() - kind.model_fields.keys()):
        raise bad_request(
            f"unknown parameters: {shortened(', '.join(unknown))}; known: {', '.join(kind.model_fields)}."
        )
    values: dict[str, object] = {}
    for name in given:
        texts = given.getall(name)
        if get_origin(kind.model_fields[name].annotation) is tuple:
            values[name] = [word for text in texts for word in text.split(",") if word]
        elif len(texts) > 1:
            raise bad_request(f"{name} is given {len(texts)} times; once is enough.")
        else:
            values[name] = texts[0]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _misfit("the query cannot be used:", error) from None


def bad_request(message: str, *problems: str) -> Refused:
    """Refuse something that cannot be understood."""
    return Refused(Refusal(code="bad_request", message=message, problems=problems))


def _misfit(message: str, error: ValidationError) -> Refused:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    problems = [
        shortened(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}".removeprefix(": "))
        for one in found[:_MOST_PROBLEMS]
    ]
    more = [f"and {len(found) - _MOST_PROBLEMS} more"] if len(found) > _MOST_PROBLEMS else []
    return bad_request(message, *problems, *more)


def shortened(text: str) -> str:
    """Cut what somebody sent to a length that can be told back."""
    return text if len(text) <= _LONGEST_PROBLEM else f"{text[: _LONGEST_PROBLEM - 1]}…"
