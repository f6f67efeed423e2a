"""The daemon as its clients see it: the only module of it that others import, with the records it speaks in.

::

    async with connect(os.environ) as client:
        page = await client.jobs(JobQuery(problems_only=True))
"""

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from halfmap.daemon.connection import ANSWER_S, DaemonAway
from halfmap.daemon.form import Bounds, OptionRow, Slider, When
from halfmap.daemon.inspection import (
    CardSample,
    FormCheck,
    FormDraft,
    FormProblem,
    FormText,
    IterationFiles,
    JobFiles,
    PathRow,
)
from halfmap.daemon.ladder_records import (
    LadderDetail,
    LadderDraft,
    LadderName,
    LadderOption,
    LadderOrder,
    LadderRow,
    LadderState,
    LadderStep,
)
from halfmap.daemon.places import places
from halfmap.daemon.records import (
    API_VERSION,
    STOP_MODES,
    AttemptRow,
    CardProcessRow,
    CardRow,
    DaemonStatus,
    EventRow,
    HostRow,
    JobDetail,
    JobPage,
    JobQuery,
    JobRow,
    Launch,
    PartitionRow,
    ProjectRow,
    Refusal,
    StopMode,
    Submission,
)
from halfmap.daemon.service import Refused, Service
from halfmap.daemon.state import AttemptState, JobState

if TYPE_CHECKING:
    from halfmap.daemon.http_connection import Connection

__all__ = [
    "API_VERSION",
    "STOP_MODES",
    "AttemptRow",
    "AttemptState",
    "Bounds",
    "CardProcessRow",
    "CardRow",
    "CardSample",
    "Client",
    "DaemonAway",
    "DaemonStatus",
    "EventRow",
    "FormCheck",
    "FormDraft",
    "FormProblem",
    "FormText",
    "HostRow",
    "IterationFiles",
    "JobDetail",
    "JobFiles",
    "JobPage",
    "JobQuery",
    "JobRow",
    "JobState",
    "LadderDetail",
    "LadderDraft",
    "LadderName",
    "LadderOption",
    "LadderOrder",
    "LadderRow",
    "LadderState",
    "LadderStep",
    "Launch",
    "OptionRow",
    "PartitionRow",
    "PathRow",
    "ProjectRow",
    "Refusal",
    "Refused",
    "Service",
    "Slider",
    "StopMode",
    "Submission",
    "When",
    "connect",
]

_RETRY_S = 0.3
_Answer = TypeVar("_Answer", bound=BaseModel)
_Read = TypeVar("_Read")


@cache
def _list_of(kind: type[_Answer]) -> TypeAdapter[list[_Answer]]:
    """Make what reads a list, when one is first read: it takes a while."""
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


class Client(Service):
    """Asks a daemon through its socket. Use it with ``async with``, or `close` it.

    Every method raises `Refused` as `halfmap.daemon.service.Service` says, and `DaemonAway`. A request whose connection
    breaks is sent a second time: what changes something has a key, so it is done once.

    Parameters
    ----------
    socket
        Where the daemon listens.
    on_away
        Called each time a stream of events has broken and is taken up again.
    answer_s
        How long an answer may take (s).
    """

    def __init__(
        self, socket: Path, on_away: Callable[[DaemonAway], None] = lambda _: None, answer_s: float = ANSWER_S
    ) -> None:
        self._socket, self._answer_s = socket, answer_s
        self._connection: Connection | None = None
        self._on_away = on_away

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        if self._connection is not None:
            await self._connection.close()

    async def status(self) -> DaemonStatus:
        """Tell how the daemon is."""
        return await self._get(DaemonStatus, "status")

    async def jobs(self, query: JobQuery) -> JobPage:
        """List jobs."""
        return await self._get(JobPage, "jobs", query.model_dump(mode="json", exclude_defaults=True))

    async def find(self, name: str, project: str | None) -> JobRow:
        """Find a job by number, name or alias."""
        return await self._get(JobRow, "jobs/find", {"name": name, "project": project})

    async def job(self, job: int) -> JobDetail:
        """Show a job."""
        return await self._get(JobDetail, f"jobs/{job}")

    async def iterations(self, job: int) -> list[dict[str, Any]]:
        """Give the finished iterations of a job."""
        found: list[dict[str, Any]] = json.loads(await self._ask("GET", f"jobs/{job}/iterations"))
        return found

    async def files(self, job: int) -> JobFiles:
        """Tell where a job's files are."""
        return await self._get(JobFiles, f"jobs/{job}/files")

    async def submit(self, submission: Submission, key: str) -> JobRow:
        """Queue a job; once this has answered, the job is never lost."""
        return await self._post(JobRow, "jobs", key, submission.model_dump_json())

    async def hold(self, job: int, key: str) -> JobRow:
        """Keep a queued job from starting."""
        return await self._post(JobRow, f"jobs/{job}/hold", key)

    async def release(self, job: int, key: str) -> JobRow:
        """Let a held job start."""
        return await self._post(JobRow, f"jobs/{job}/release", key)

    async def prioritise(self, job: int, priority: int, key: str) -> JobRow:
        """Change a waiting job's priority."""
        return await self._post(JobRow, f"jobs/{job}/priority", key, _object(priority=priority))

    async def stop(self, job: int, mode: StopMode, key: str) -> JobRow:
        """Stop a job, climbing the ladder from `mode`."""
        return await self._post(JobRow, f"jobs/{job}/stop", key, _object(mode=mode))

    async def resume(self, job: int, key: str) -> JobRow:
        """Let a job go on from its last iteration."""
        return await self._post(JobRow, f"jobs/{job}/resume", key)

    async def ladders(self, project: str | None) -> list[LadderRow]:
        """List the ladders of binnings."""
        return await self._list(LadderRow, "ladders", {"project": project})

    async def ladder(self, which: LadderName) -> LadderDetail:
        """Show a ladder."""
        return await self._get(LadderDetail, "ladders/show", which.model_dump())

    async def begin_ladder(self, draft: LadderDraft, key: str) -> LadderDetail:
        """Begin a ladder, or go on with it."""
        return await self._post(LadderDetail, "ladders", key, draft.model_dump_json())

    async def stop_ladder(self, which: LadderName, key: str) -> LadderDetail:
        """Stop a ladder."""
        return await self._post(LadderDetail, "ladders/stop", key, which.model_dump_json())

    async def continue_ladder(self, which: LadderName, key: str) -> LadderDetail:
        """Let a ladder go on."""
        return await self._post(LadderDetail, "ladders/continue", key, which.model_dump_json())

    async def set_ladder_options(self, order: LadderOrder, key: str) -> LadderDetail:
        """Set options of a step to come."""
        return await self._post(LadderDetail, "ladders/options", key, order.model_dump_json())

    async def projects(self) -> list[ProjectRow]:
        """List the watched projects."""
        return await self._list(ProjectRow, "projects")

    async def watch(self, project: str, key: str) -> ProjectRow:
        """Watch a project from now on."""
        return await self._post(ProjectRow, "projects", key, _object(project=project))

    async def unwatch(self, project: str, key: str) -> None:
        """Watch a project no more."""
        await self._ask("DELETE", "projects", {"project": project}, key)

    async def cards(self) -> list[CardRow]:
        """List the cards."""
        return await self._list(CardRow, "cards")

    async def card_samples(self, since: float) -> list[CardSample]:
        """Tell what the cards did since a time."""
        return await self._list(CardSample, "cards/samples", {"since": since})

    async def clean_card(self, uuid: str, key: str) -> CardRow:
        """Take a card out of quarantine, or give up a dirty lease."""
        return await self._post(CardRow, f"cards/{quote(uuid, safe='')}/clean", key)

    async def host(self) -> HostRow:
        """Tell what the machine has and what running jobs use of it."""
        return await self._get(HostRow, "host")

    async def metrics(self) -> str:
        """Give the metrics in Prometheus' text format."""
        return (await self._ask("GET", "metrics")).decode()

    async def shut_down(self, key: str) -> None:
        """End the daemon; running jobs go on."""
        await self._ask("POST", "shutdown", key=key)

    async def options(self, kind: str = "") -> list[OptionRow]:
        """Give the form of a type of job, by RELION's label; "" for a refinement."""
        return await self._list(OptionRow, "options", {"kind": kind} if kind else {})

    async def check_form(self, draft: FormDraft) -> FormCheck:
        """Tell everything that is wrong with a form, and what the job would take."""
        return await self._look(FormCheck, "options/check", draft.model_dump_json())

    async def write_form(self, options: Mapping[str, str]) -> FormText:
        """Write options as the text of a ``job.star``."""
        return await self._look(FormText, "options/write", json.dumps({"options": dict(options)}))

    async def read_form(self, text: str) -> FormText:
        """Read the text of a ``job.star``."""
        return await self._look(FormText, "options/read", json.dumps({"text": text}))

    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:
        """Complete a path in a project."""
        asked = {"project": project, "text": text, "pattern": pattern}
        return await self._list(PathRow, "paths", asked)

    async def events(self, since: int, job: int | None, follow: bool) -> AsyncIterator[EventRow]:
        """Give events with a greater `rev` than `since`, of one job or all; with `follow` wait for more, for ever.

        Whoever follows is told each event once, even when the daemon is started anew meanwhile. `DaemonAway` is raised
        only if it does not answer at first, or without `follow`.
        """
        has_answered, asked = False, {"job": job, "follow": follow}
        while True:
            try:
                if has_answered:
                    # a store that was made again counts from the beginning
                    since = min(since, (await self.status()).rev)
                connection = await self._connected()
                async with aclosing(connection.lines("events", asked | {"since": since})) as lines:
                    async for line in lines:
                        has_answered = True
                        # an empty line is a sign of life
                        if line.strip():
                            event = EventRow.model_validate_json(line)
                            since = event.rev
                            yield event
                if not follow:
                    return
                away = DaemonAway("the daemon has ended the stream of events.")
            except DaemonAway as error:
                away = error
            if not (follow and has_answered):
                raise away
            self._on_away(away)
            await asyncio.sleep(_RETRY_S)

    async def _connected(self) -> "Connection":
        """Give the connection; aiohttp is loaded for the first request, in a thread, as it takes a while."""
        if self._connection is None:
            module = await asyncio.to_thread(importlib.import_module, "halfmap.daemon.http_connection")
            self._connection = self._connection or module.Connection(self._socket, self._answer_s)
        return self._connection

    async def _ask(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, key: str = "", body: str = ""
    ) -> bytes:
        return await (await self._connected()).ask(method, path, query, key, body)

    async def _get(self, kind: type[_Answer], path: str, query: Mapping[str, Any] | None = None) -> _Answer:
        return _understood(kind.model_validate_json, await self._ask("GET", path, query))

    async def _list(self, kind: type[_Answer], path: str, query: Mapping[str, Any] | None = None) -> list[_Answer]:
        return _understood(_list_of(kind).validate_json, await self._ask("GET", path, query))

    async def _look(self, kind: type[_Answer], path: str, body: str) -> _Answer:
        """Ask about something too large for an address; nothing is changed, so there is no key."""
        return _understood(kind.model_validate_json, await self._ask("POST", path, body=body))

    async def _post(self, kind: type[_Answer], path: str, key: str, body: str = "") -> _Answer:
        return _understood(kind.model_validate_json, await self._ask("POST", path, key=key, body=body))


def _understood(read: Callable[[bytes], _Read], answer: bytes) -> _Read:
    """Read an answer; one that cannot be read is as good as none."""
    try:
        return read(answer)
    except ValidationError:
        raise DaemonAway(
            "the daemon's answer is not understood: it may be of another version. `halfmap daemon stop` ends it, jobs "
            "go on; `halfmap daemon start` starts the one of this version."
        ) from None


def connect(environ: Mapping[str, str], on_away: Callable[[DaemonAway], None] = lambda _: None) -> Client:
    """Make a client of the daemon that this environment names; it connects when it is first used."""
    return Client(places(environ).socket, on_away)


def _object(**fields: str | int) -> str:
    return json.dumps(fields)
