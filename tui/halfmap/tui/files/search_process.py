"""Starts a search as a process, hears how far it is, and ends it."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from halfmap.tui.files.text_search import Found, Search, Tell

# the search finds its modules where this program found them, and loads nothing else
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from halfmap.tui.files.search_program import main; main()"
)

_END_S = 1.0


class SearchFailed(Exception):
    """The file could not be searched; the message says why."""


async def search_apart(wanted: Search, tell: Tell) -> Found | None:
    """Search in a process of its own; it ends when this is cancelled.

    Raises
    ------
    SearchFailed
        If it cannot be started, or the file not be read.
    """
    argv = (sys.executable, "-S", "-E", "-c", _START, json.dumps([f"{Path(one).absolute()}" for one in sys.path]))
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    except OSError as error:
        raise SearchFailed(f"the search cannot be started: {(error.strerror or f'{error}').lower()}.") from error
    try:
        return await _answer(process, wanted, tell)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_S)


async def _answer(process: Process, wanted: Search, tell: Tell) -> Found | None:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(ConnectionError):
        process.stdin.write(json.dumps(asdict(wanted)).encode())
        process.stdin.close()
    async for line in process.stdout:
        what, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        if what == "progress":
            tell(float(rest))
        elif what == "found":
            offset, is_wrapped = rest.split()
            return Found(int(offset), is_wrapped == "1")
        elif what == "nothing":
            return None
        elif what == "trouble":
            raise SearchFailed(f"the file cannot be searched: {rest}.")
    raise SearchFailed("the search ended early.")
