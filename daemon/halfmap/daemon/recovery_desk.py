"""The service of a daemon whose store cannot be read: it says so, and does nothing else."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.metadata import version
from typing import Any, NoReturn

from halfmap.daemon.form_check import check_options
from halfmap.daemon.form_text import form_as_text, form_from_text
from halfmap.daemon.inspection import CardSample, FormCheck, FormDraft, FormText, JobFiles, PathRow
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderRow
from halfmap.daemon.places import Places
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
from halfmap.daemon.service import Refused, Service
from halfmap.daemon.settings import Settings


class RecoveryDesk(Service):
    """Tells what is wrong with the store, and how it can be made again.

    Parameters
    ----------
    where, reason, started, end
        The daemon's folders, what is wrong, when the daemon started (s since the epoch), and what ends it.
    """

    def __init__(self, where: Places, reason: str, started: float, end: Callable[[], None]) -> None:
        self._where = where
        self._reason = (
            f"the store cannot be read ({reason}). It was left as it is, and running jobs go on. Stop the daemon, look "
            "at the file, then put a backup from beside it in its place, or say `halfmap rebuild PROJECT_DIR …`"
        )
        self._started = started
        self._end = end

    async def status(self) -> DaemonStatus:
        """Tell what is wrong."""
        return DaemonStatus(
            version=version("halfmap"),
            process_id=os.getpid(),
            started=self._started,
            mode="recovery",
            reason=self._reason,
            state_dir=str(self._where.state),
        )

    async def shut_down(self, key: str) -> None:  # noqa: ARG002 (ending twice is ending once)
        """End the daemon."""
        self._end()

    async def check_form(self, draft: FormDraft) -> FormCheck:
        """Tell what is wrong with the options; files are not looked at, since no project is known."""
        if draft.looks_at_files:
            self._refuse()
        return check_options(draft, Settings(), os.environ)

    async def write_form(self, options: Mapping[str, str]) -> FormText:
        """Write options as the text of a ``job.star``."""
        return form_as_text(options)

    async def read_form(self, text: str) -> FormText:
        """Read the text of a ``job.star``."""
        return form_from_text(text)

    def _refuse(self) -> NoReturn:
        raise Refused(Refusal(code="unavailable", message=f"{self._reason}."))

    async def jobs(self, query: JobQuery) -> JobPage:  # noqa: D102, ARG002
        self._refuse()

    async def find(self, name: str, project: str | None) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def job(self, job: int) -> JobDetail:  # noqa: D102, ARG002
        self._refuse()

    async def iterations(self, job: int) -> list[dict[str, Any]]:  # noqa: D102, ARG002
        self._refuse()

    async def files(self, job: int) -> JobFiles:  # noqa: D102, ARG002
        self._refuse()

    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:  # noqa: D102, ARG002
        self._refuse()

    async def card_samples(self, since: float) -> list[CardSample]:  # noqa: D102, ARG002
        self._refuse()

    async def submit(self, submission: Submission, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def hold(self, job: int, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def release(self, job: int, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def prioritise(self, job: int, priority: int, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def stop(self, job: int, mode: StopMode, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def resume(self, job: int, key: str) -> JobRow:  # noqa: D102, ARG002
        self._refuse()

    async def ladders(self, project: str | None) -> list[LadderRow]:  # noqa: D102, ARG002
        self._refuse()

    async def ladder(self, which: LadderName) -> LadderDetail:  # noqa: D102, ARG002
        self._refuse()

    async def begin_ladder(self, draft: LadderDraft, key: str) -> LadderDetail:  # noqa: D102, ARG002
        self._refuse()

    async def stop_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: D102, ARG002
        self._refuse()

    async def continue_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: D102, ARG002
        self._refuse()

    async def set_ladder_options(self, order: LadderOrder, key: str) -> LadderDetail:  # noqa: D102, ARG002
        self._refuse()

    async def projects(self) -> list[ProjectRow]:  # noqa: D102
        self._refuse()

    async def watch(self, project: str, key: str) -> ProjectRow:  # noqa: D102, ARG002
        self._refuse()

    async def unwatch(self, project: str, key: str) -> None:  # noqa: D102, ARG002
        self._refuse()

    async def cards(self) -> list[CardRow]:  # noqa: D102
        self._refuse()

    async def clean_card(self, uuid: str, key: str) -> CardRow:  # noqa: D102, ARG002
        self._refuse()

    async def host(self) -> HostRow:  # noqa: D102
        self._refuse()

    def events(self, since: int, job: int | None, follow: bool) -> AsyncIterator[EventRow]:  # noqa: D102, ARG002
        self._refuse()

    async def metrics(self) -> str:  # noqa: D102
        self._refuse()
