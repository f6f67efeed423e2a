"""Answers: records as JSON, and refusals with the HTTP status that fits them."""

import logging
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic_core import to_json

from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Refused

_STATUS = {
    "bad_request": 400,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "refused": 422,
    "unavailable": 503,
}
_log = logging.getLogger(__name__)


def answer(value: Any, status: int = 200) -> web.Response:
    """Answer with a record, or a list of them; what is no number (infinite, or not a number) becomes null."""
    return web.Response(body=to_json(value, inf_nan_mode="null"), status=status, content_type="application/json")


def refusal_answer(refusal: Refusal, status: int | None = None) -> web.Response:
    """Answer with a refusal."""
    return answer(refusal, _STATUS[refusal.code] if status is None else status)


@web.middleware
async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever goes wrong into a refusal; no request ends the daemon."""
    try:
        return await handler(request)
    except Refused as error:
        return refusal_answer(error.refusal)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return refusal_answer(Refusal(code="bad_request", message=f"this address takes only {allowed}."), 405)
    except web.HTTPNotFound:
        return refusal_answer(Refusal(code="not_found", message="there is no such address; see docs/api.md."))
    except web.HTTPException as error:
        return refusal_answer(Refusal(code="bad_request", message=f"{error.reason}."), error.status)
    except ConnectionError:
        raise  # whoever asked has gone
    except Exception as error:
        _log.exception("%s %s failed", request.method, request.path)
        message = f"the daemon made a mistake ({type(error).__name__}); `halfmap daemon logs` tells more."
        return refusal_answer(Refusal(code="unavailable", message=message), 500)
