"""What can be asked of the daemon, as one interface; the server hands requests to it, the client is its far end.

Its two implementations are `halfmap.daemon.desk.Desk`, the real one, and the client's in-memory fake.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any

from halfmap.daemon.form import OptionRow, form
from halfmap.daemon.inspection import CardSample, FormCheck, FormDraft, FormText, JobFiles, PathRow
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderRow
from halfmap.daemon.records import (
    CardRow,
    DaemonStatus,
    EventRow,
    HostRow,
    JobDetail,
    JobPage,
    JobQuery,
    JobRow,
    ProjectRow,
    Refusal,
    StopMode,
    Submission,
)


class Refused(Exception):
    """Something asked for was not done."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("\n".join((refusal.message, *refusal.problems)))
        self.refusal = refusal


class Service(ABC):
    """Everything a client can do. What changes something takes a `key`: the same key asks for the same thing only once.

    Each method raises `Refused` with the code ``not_found`` for a job or project that is not known, ``conflict`` for a
    job in a state that does not allow it (followed jobs allow nothing), ``unavailable`` while the store cannot be
    written.
    """

    @abstractmethod
    async def status(self) -> DaemonStatus:
        """Tell how the daemon is."""

    @abstractmethod
    async def jobs(self, query: JobQuery) -> JobPage:
        """List jobs."""

    @abstractmethod
    async def find(self, name: str, project: str | None) -> JobRow:
        """Find a job by its number (``17``), or by name or alias in a project (``job012``, ``Refine3D/job012/``)."""

    @abstractmethod
    async def job(self, job: int) -> JobDetail:
        """Show a job."""

    @abstractmethod
    async def iterations(self, job: int) -> list[dict[str, Any]]:
        """Give the finished iterations of a job: fields of `halfmap.contract.progress.IterationFinished`."""

    @abstractmethod
    async def files(self, job: int) -> JobFiles:
        """Tell where a job's files are."""

    async def options(self, kind: str = "") -> list[OptionRow]:
        """Give the form of a type of job, by RELION's label; "" for a refinement."""
        return list(form(kind))

    @abstractmethod
    async def check_form(self, draft: FormDraft) -> FormCheck:
        """Tell everything that is wrong with a form, and what the job would take."""

    @abstractmethod
    async def write_form(self, options: Mapping[str, str]) -> FormText:
        """Write options as the text of a ``job.star``; `FormText.problems` tells what could not be written."""

    @abstractmethod
    async def read_form(self, text: str) -> FormText:
        """Read the text of a ``job.star``; refused with ``bad_request`` if it is none."""

    @abstractmethod
    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:
        """Complete a path in a project: folders, and files whose names fit a pattern such as ``*.star``.

        `text` is what was typed so far; at most 200 rows, folders first. A folder that cannot be read has none.
        """

    @abstractmethod
    async def submit(self, submission: Submission, key: str) -> JobRow:
        """Queue a job; once this has answered, the job is never lost."""

    @abstractmethod
    async def hold(self, job: int, key: str) -> JobRow:
        """Keep a queued job from starting."""

    @abstractmethod
    async def release(self, job: int, key: str) -> JobRow:
        """Let a held job start."""

    @abstractmethod
    async def prioritise(self, job: int, priority: int, key: str) -> JobRow:
        """Change a waiting job's priority."""

    @abstractmethod
    async def stop(self, job: int, mode: StopMode, key: str) -> JobRow:
        """Stop a job, climbing the ladder from `mode`; a waiting job is aborted at once."""

    @abstractmethod
    async def resume(self, job: int, key: str) -> JobRow:
        """Clean up after a job that failed, was stopped or lost, and queue it to go on from its last iteration."""

    @abstractmethod
    async def ladders(self, project: str | None) -> list[LadderRow]:
        """List the ladders of binnings, of one project or of all that are watched."""

    @abstractmethod
    async def ladder(self, which: LadderName) -> LadderDetail:
        """Show a ladder with all its steps, done and to come, their options and the reasons of these."""

    @abstractmethod
    async def begin_ladder(self, draft: LadderDraft, key: str) -> LadderDetail:
        """Begin a ladder, or go on with the one of this name and a new text; refused with all that is wrong with it."""

    @abstractmethod
    async def stop_ladder(self, which: LadderName, key: str) -> LadderDetail:
        """Queue nothing more of a ladder, stop what runs of it, and hold what waits."""

    @abstractmethod
    async def continue_ladder(self, which: LadderName, key: str) -> LadderDetail:
        """Let a ladder go on: resume its stopped and failed jobs, or make those anew whose options have changed."""

    @abstractmethod
    async def set_ladder_options(self, order: LadderOrder, key: str) -> LadderDetail:
        """Set options of a step that is not queued yet, in the ladder's file; ``conflict`` if it is queued."""

    @abstractmethod
    async def projects(self) -> list[ProjectRow]:
        """List the watched projects."""

    @abstractmethod
    async def watch(self, project: str, key: str) -> ProjectRow:
        """Watch a project from now on."""

    @abstractmethod
    async def unwatch(self, project: str, key: str) -> None:
        """Watch a project no more; refused while jobs of it wait or run."""

    @abstractmethod
    async def cards(self) -> list[CardRow]:
        """List the cards."""

    @abstractmethod
    async def card_samples(self, since: float) -> list[CardSample]:
        """Tell what the cards did after a time, as far as it is remembered: some hours, since the daemon's start."""

    @abstractmethod
    async def clean_card(self, uuid: str, key: str) -> CardRow:
        """Take a card out of quarantine, or give up a dirty lease, after a person has looked."""

    @abstractmethod
    async def host(self) -> HostRow:
        """Tell what the machine has and what running jobs use of it."""

    @abstractmethod
    def events(self, since: int, job: int | None, follow: bool) -> AsyncIterator[EventRow]:
        """Give events with a greater `rev` than `since`, of one job or all; with `follow` wait for more, for ever."""

    @abstractmethod
    async def metrics(self) -> str:
        """Give the metrics in Prometheus' text format."""

    @abstractmethod
    async def shut_down(self, key: str) -> None:
        """End the daemon; running jobs go on."""
