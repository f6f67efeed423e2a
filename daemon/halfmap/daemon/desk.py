"""The service as it is: what clients ask for, checked, written down, and left to the daemon's own hands to be done."""

import os
import platform
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from halfmap.daemon import job_list
from halfmap.daemon import project as relion_project
from halfmap.daemon.acceptance import Acceptance, refused
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.followed import REFINEMENT
from halfmap.daemon.following import all_iterations
from halfmap.daemon.form_text import form_as_text, form_from_text
from halfmap.daemon.inspection import CardSample, FormCheck, FormDraft, FormText, JobFiles, PathRow
from halfmap.daemon.inspector import Inspector
from halfmap.daemon.ladder_records import LadderDetail, LadderDraft, LadderName, LadderOrder, LadderRow
from halfmap.daemon.ladders.driver import Ladders
from halfmap.daemon.ladders.orders import LadderOrders
from halfmap.daemon.lanes import Hung
from halfmap.daemon.metrics import prometheus_text
from halfmap.daemon.parts import Parts
from halfmap.daemon.projects import Projects
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
    StopMode,
    Submission,
)
from halfmap.daemon.service import Service
from halfmap.daemon.snapshot import snapshot
from halfmap.daemon.state import JobState
from halfmap.daemon.stopping import Stopping
from halfmap.daemon.store import Job
from halfmap.daemon.waiting_line import WaitingLine

_EVENTS_AT_ONCE = 500
_BELL_S = 5.0


class Desk(Service):
    """Answers clients.

    Parameters
    ----------
    parts
        What the daemon is made of.
    acceptance, stopping, projects, line, ladders
        Who takes jobs, stops them, looks after projects, knows what the queue takes, and climbs ladders.
    end
        Ends the daemon.
    """

    def __init__(
        self,
        parts: Parts,
        acceptance: Acceptance,
        stopping: Stopping,
        projects: Projects,
        line: WaitingLine,
        ladders: Ladders,
        end: Any,
    ) -> None:
        self._parts = parts
        self._acceptance = acceptance
        self._stopping = stopping
        self._projects = projects
        self._line = line
        self._end = end
        self._inspector = Inspector(parts)
        self._ladders = LadderOrders(parts, ladders, self)

    # --- looking ---------------------------------------------------------------------------------------------------

    async def status(self) -> DaemonStatus:
        """Tell how the daemon is."""
        store = self._parts.store
        counted = store.connection.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall()
        return DaemonStatus(
            version=version("halfmap"),
            process_id=os.getpid(),
            started=self._parts.started,
            mode="paused" if self._parts.trouble else "ok",
            reason=self._parts.trouble,
            rev=store.rev(),
            state_dir=str(self._parts.places.state),
            jobs_by_state={row[0]: row[1] for row in counted},
        )

    async def jobs(self, query: JobQuery) -> JobPage:
        """List jobs."""
        found = job_list.page(self._parts.store.connection, query, self._parts.store.rev())
        return found.model_copy(update={"jobs": tuple(self._lively(row) for row in found.jobs)})

    async def find(self, name: str, project: str | None) -> JobRow:
        """Find a job by number, name or alias."""
        if name.isdecimal():
            return self._row(int(name))
        found = job_list.found_by_name(self._parts.store.connection, name, project)
        if not found:
            where = f" in {project}" if project else ""
            raise refused("not_found", f"no job is called {name}{where}.")
        if len(found) > 1:
            places = ", ".join(f"{row.job} ({row.project})" for row in found[:5])
            raise refused("conflict", f"{name} may be several jobs: {places}; say its number.")
        return self._lively(found[0])

    async def job(self, job: int) -> JobDetail:
        """Show a job."""
        found, row = self._job(job), self._row(job)
        options, warnings = dict(found.options), found.warnings
        if found.followed and row.kind.startswith(REFINEMENT):
            options, trouble = await self._inspector.options_of_followed(found)
            warnings = (*warnings, trouble) if trouble else warnings
        return JobDetail(
            row=row,
            launch=found.launch,
            options=options,
            attempts=job_list.attempt_rows(self._parts.store.connection, job),
            after=found.launch.after,
            warnings=warnings,
        )

    async def iterations(self, job: int) -> list[dict[str, Any]]:
        """Give the finished iterations of a job."""
        found = self._job(job)
        try:
            return await self._parts.in_project(found.project, all_iterations, found.folder)
        except Hung as error:
            raise refused("unavailable", str(error)) from None

    async def files(self, job: int) -> JobFiles:
        """Tell where a job's files are."""
        return await self._inspector.files(self._job(job))

    async def check_form(self, draft: FormDraft) -> FormCheck:
        """Tell everything that is wrong with a form, and what the job would take."""
        return await self._inspector.check_form(draft, self._line.machine())

    async def write_form(self, options: Mapping[str, str]) -> FormText:
        """Write options as the text of a ``job.star``."""
        return form_as_text(options)

    async def read_form(self, text: str) -> FormText:
        """Read the text of a ``job.star``."""
        return form_from_text(text)

    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:
        """Complete a path in a project."""
        return await self._inspector.browse(Path(project), text, pattern)

    async def projects(self) -> list[ProjectRow]:
        """List the watched projects."""
        return self._projects.rows()

    async def ladders(self, project: str | None) -> list[LadderRow]:
        """List ladders."""
        return await self._ladders.rows(project)

    async def ladder(self, which: LadderName) -> LadderDetail:
        """Show a ladder."""
        return await self._ladders.show(which)

    async def cards(self) -> list[CardRow]:
        """List the cards."""
        await self._parts.cards.refresh()
        return self._parts.cards.rows()

    async def card_samples(self, since: float) -> list[CardSample]:
        """Tell what the cards did since a time."""
        return self._parts.card_history.since(since)

    async def host(self) -> HostRow:
        """Tell what the machine has and what running jobs use of it."""
        machine, taken = self._line.machine(), self._line.taken()
        partitions = self._parts.slurm.partitions
        partitions.refresh()
        return HostRow(
            host=platform.node(),
            cores=machine.cores,
            cores_leased=taken.cores,
            memory_mb=int(machine.memory_mb),
            memory_leased_mb=int(taken.memory_mb),
            cards_problem=machine.cards_problem,
            partitions=partitions.rows,
            slurm_problem=partitions.problem,
        )

    async def metrics(self) -> str:
        """Give the metrics."""
        return prometheus_text(snapshot(self._parts))

    async def events(self, since: int, job: int | None, follow: bool) -> AsyncIterator[EventRow]:
        """Give events, and wait for more."""
        while True:
            ring = self._parts.changed.next()
            found = self._parts.store.events(since, job, _EVENTS_AT_ONCE)
            for event in found:
                yield event
                since = event.rev
            if len(found) < _EVENTS_AT_ONCE:
                if not follow:
                    return
                await ring.wait(_BELL_S)

    # --- changing --------------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission, key: str) -> JobRow:
        """Queue a job."""
        self._check_writable()
        try:
            return self._row(await self._acceptance.accept(submission, key))
        except StoreUnavailable as error:
            raise refused("unavailable", f"the job was not accepted: {error}") from None

    async def hold(self, job: int, key: str) -> JobRow:
        """Keep a queued job from starting."""
        return self._change(job, (JobState.QUEUED,), JobState.HELD, "held", key)

    async def release(self, job: int, key: str) -> JobRow:
        """Let a held job start."""
        self._parts.live_of(job).preflight = None
        row = self._change(job, (JobState.HELD,), JobState.QUEUED, "released", key)
        self._parts.wake.set()
        return row

    async def prioritise(self, job: int, priority: int, key: str) -> JobRow:
        """Change a waiting job's priority."""
        waiting = (JobState.PREPARING, JobState.QUEUED, JobState.HELD)
        row = self._change(job, waiting, None, "priority", key, text=f"{priority}", priority=priority)
        self._parts.wake.set()
        return row

    async def stop(self, job: int, mode: StopMode, key: str) -> JobRow:
        """Stop a job."""
        found = self._own(job)
        if self._is_repeated(key, "stop", job):
            return self._row(job)
        if found.state is JobState.PREPARING:
            raise refused("conflict", f"{_called(found)} is being made; stop it in a moment.")
        if found.state.is_waiting:
            columns = {"reason": "stopped before it started", "ended": self._parts.clock.now()}
            self._write(
                lambda: self._parts.store.change_job(job, JobState.ABORTED, "aborted", "", key, "stop", **columns)
            )
            await self._stopping.settle(found)
        elif found.state.is_active:
            # a job without iterations has none to wait for
            has_iterations = found.kind.startswith(REFINEMENT)
            first: StopMode = "abort" if mode == "after_iteration" and not has_iterations else mode
            self._write(lambda: self._stopping.ask(found, first, key))
        else:
            raise refused("conflict", f"{_called(found)} is {found.state} already.")
        return self._row(job)

    async def resume(self, job: int, key: str) -> JobRow:
        """Clean up after a job, and queue it to go on from its last whole iteration."""
        found = self._own(job)
        if self._is_repeated(key, "resume", job):
            return self._row(job)
        if found.state.is_active and found.alarm:
            self._write(lambda: self._stopping.ask(found, "terminate", key, resume=True))
        elif found.state in (JobState.FAILED, JobState.ABORTED, JobState.LOST) and found.name:
            await self._stopping.queue_again(found, key)
        else:
            reason = "is not stalled" if found.state.is_active else f"is {found.state}"
            raise refused(
                "conflict", f"{_called(found)} {reason}; only what failed, was stopped, lost or stalls is resumed."
            )
        return self._row(job)

    async def watch(self, project: str, key: str) -> ProjectRow:
        """Watch a project from now on."""
        self._check_writable()
        path = Path(os.path.normpath(project))
        if not path.is_absolute():
            raise refused("bad_request", f"{project} is not an absolute path.")
        try:
            await self._parts.in_project(path, relion_project.make_project, path)
            self._parts.written(lambda: self._parts.store.add_project(path, key))
            await self._projects.begin(path)
        except relion_project.BadProject as error:
            self._parts.lanes.forget(path)
            raise refused("refused", str(error)) from None
        except (Hung, OSError, StoreUnavailable) as error:
            raise refused("unavailable", str(error)) from None
        return self._projects.row(path)

    async def unwatch(self, project: str, key: str) -> None:
        """Watch a project no more."""
        path = Path(project)
        if path not in self._parts.store.projects():
            if self._parts.store.request(key) is not None:
                return
            raise refused("not_found", f"{project} is not a watched project.")
        busy = [job for job in self._own_of(path) if not job.state.has_ended]
        if busy:
            raise refused("conflict", f"{busy[0].name} is {busy[0].state}; stop the jobs of {project} first.")
        self._write(lambda: self._parts.store.remove_project(path, key))
        await self._projects.end(path)

    async def begin_ladder(self, draft: LadderDraft, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Begin a ladder, or go on with it."""
        self._check_writable()
        return await self._ladders.begin(draft)

    async def stop_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Stop a ladder."""
        self._check_writable()
        return await self._ladders.stop(which)

    async def continue_ladder(self, which: LadderName, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Let a ladder go on."""
        self._check_writable()
        return await self._ladders.go_on(which)

    async def set_ladder_options(self, order: LadderOrder, key: str) -> LadderDetail:  # noqa: ARG002 (twice is once)
        """Set options of a step to come."""
        return await self._ladders.set_options(order)

    async def clean_card(self, uuid: str, key: str) -> CardRow:  # noqa: ARG002 (twice is once)
        """Take a card out of quarantine, or give up a dirty lease."""
        row = await self._parts.cards.clean(uuid)
        if row is None:
            raise refused("not_found", f"no card has the UUID {uuid}.")
        self._write(lambda: self._parts.store.note_event("card_cleaned", text=uuid))
        self._parts.wake.set()
        return row

    async def shut_down(self, key: str) -> None:  # noqa: ARG002 (twice is once)
        """End the daemon; running jobs go on."""
        self._end()

    # --- parts -----------------------------------------------------------------------------------------------------

    def _lively(self, row: JobRow) -> JobRow:
        live = self._parts.live.get(row.job)
        return row.model_copy(update=dict(live.figures)) if live and live.figures else row

    def _row(self, job: int) -> JobRow:
        row = job_list.row_of(self._parts.store.connection, job)
        if row is None:
            raise refused("not_found", f"there is no job {job}.")
        return self._lively(row)

    def _job(self, job: int) -> Job:
        found = self._parts.store.job(job)
        if found is None:
            raise refused("not_found", f"there is no job {job}.")
        return found

    def _own(self, job: int) -> Job:
        found = self._job(job)
        if found.followed:
            raise refused("conflict", f"{_called(found)} was started by somebody else; it is shown, and never touched.")
        self._check_writable()
        return found

    def _own_of(self, project: Path) -> list[Job]:
        return self._parts.store.jobs_where("followed = 0 AND project = ?", str(project))

    def _is_repeated(self, key: str, what: str, job: int) -> bool:
        earlier = self._parts.store.request(key)
        if earlier is not None and earlier != (what, job):
            raise refused("conflict", f"the key {key!r} was used for something else; choose a new one.")
        return earlier is not None

    def _change(
        self,
        job: int,
        allowed: tuple[JobState, ...],
        state: JobState | None,
        what: str,
        key: str,
        text: str = "",
        **columns: Any,
    ) -> JobRow:
        found = self._own(job)
        if self._is_repeated(key, what, job):
            return self._row(job)
        if found.state not in allowed:
            words = " or ".join(allowed)
            raise refused("conflict", f"{_called(found)} is {found.state}; this is for jobs that are {words}.")
        reason = {} if state is None else {"reason": ""}
        self._write(lambda: self._parts.store.change_job(job, state, what, text, key, **reason, **columns))
        return self._row(job)

    def _write(self, change: Any) -> None:
        try:
            self._parts.written(change)
        except StoreUnavailable as error:
            raise refused("unavailable", f"nothing was changed: {error}") from None

    def _check_writable(self) -> None:
        if self._parts.trouble:
            self._parts.try_store()
        if self._parts.trouble:
            raise refused("unavailable", self._parts.trouble)


def _called(job: Job) -> str:
    """What to call a job in a sentence."""
    return job.name or f"job {job.job}"
