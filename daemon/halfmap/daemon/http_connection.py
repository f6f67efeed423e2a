"""A client's connection to the daemon: requests with their limits of time, and what becomes of them when it is away.

Loaded with a client's first request, and not before: aiohttp takes longer to load than an interface may be dark.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import ValidationError

from halfmap.daemon.connection import DaemonAway
from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Refused

SILENCE_S = 45.0
"""How long a stream of events may be silent; the daemon gives a sign of life three times as often."""

_LONGEST_LINE = 2**20


class Connection:
    """Sends requests to a daemon's socket.

    Parameters
    ----------
    socket
        Where the daemon listens.
    answer_s
        How long an answer may take (s).
    """

    def __init__(self, socket: Path, answer_s: float) -> None:
        self._socket = socket
        self._answer_s = answer_s
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, key: str = "", body: str = ""
    ) -> bytes:
        """Send a request and give what was answered.

        A request whose connection breaks is sent a second time: what changes something has a key, so it is done once.

        Raises
        ------
        Refused
            If the daemon refuses.
        DaemonAway
            If it does not answer.
        """
        try:
            return await self._ask(method, path, query, key, body)
        except (aiohttp.ClientConnectorError, TimeoutError) as error:
            raise self._away(error) from None
        except aiohttp.ClientError:
            pass  # a daemon that was started anew meanwhile
        try:
            return await self._ask(method, path, query, key, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from None

    async def _ask(self, method: str, path: str, query: Mapping[str, Any] | None, key: str, body: str) -> bytes:
        headers = {"Idempotency-Key": key} if key else {}
        content = body.encode() or None
        async with self._open().request(
            method, _address(path), params=_texts(query or {}), headers=headers, data=content
        ) as answer:
            await _check(answer)
            return await answer.read()

    async def lines(self, path: str, query: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """Give the lines of an answer that may have no end: an empty one as soon as there is an answer.

        Raises
        ------
        Refused
            If the daemon refuses.
        DaemonAway
            If it does not answer, or its answer breaks.
        """
        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._answer_s, sock_read=SILENCE_S)
        try:
            async with self._open().get(
                _address(path), params=_texts(query), timeout=patience, read_bufsize=_LONGEST_LINE
            ) as answer:
                await _check(answer)
                yield b"\n"
                async for line in answer.content:
                    if not line.endswith(b"\n"):
                        raise aiohttp.ClientPayloadError("the answer broke within a line")
                    yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> DaemonAway:
        """Put into words that there was no answer."""
        if isinstance(error, TimeoutError):
            return DaemonAway(f"the daemon at {self._socket} does not answer; `halfmap daemon logs` may tell why.")
        return DaemonAway(f"no daemon of yours answers at {self._socket}; start it with `halfmap daemon start`.")

    def _open(self) -> aiohttp.ClientSession:
        self._check_socket()
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(path=str(self._socket)),
                timeout=aiohttp.ClientTimeout(total=self._answer_s),
            )
        return self._session

    def _check_socket(self) -> None:
        """Refuse a socket that somebody else has put there, in a folder that everybody can write to."""
        try:
            owner = self._socket.lstat().st_uid
        except OSError as error:
            raise self._away(error) from None
        if owner != os.getuid():
            raise DaemonAway(f"{self._socket} belongs to uid {owner}, not to you; set HALFMAP_RUNTIME_DIR.")


async def _check(answer: aiohttp.ClientResponse) -> None:
    """Raise `Refused` if this is a refusal."""
    if answer.ok:
        return
    content = await answer.read()
    try:
        refusal = Refusal.model_validate_json(content)
    except ValidationError:
        refusal = Refusal(code="unavailable", message=f"the daemon answered {answer.status}: {content[:200]!r}.")
    raise Refused(refusal)


def _address(path: str) -> str:
    return f"http://halfmap/v1/{path}"


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Write the parameters of a query; what is None is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, list | tuple) else str(value)
