"""A daemon in memory, for tests of clients.

It queues, holds, stops and tells events as the real one does, and starts nothing by itself: tests let time pass, and
let jobs start, advance and end.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from halfmap.contract.job_types import texts_of, type_of
from halfmap.daemon.browsing import MOST_ROWS, fits, natural
from halfmap.daemon.connection import DaemonAway
from halfmap.daemon.fake_ladders import FakeLadders
from halfmap.daemon.fake_memory import refuse
from halfmap.daemon.form import OptionRow, form
from halfmap.daemon.form_check import check_options
from halfmap.daemon.form_text import form_as_text, form_from_text
from halfmap.daemon.inspection import CardSample, FormCheck, FormDraft, FormText, JobFiles, PathRow
from halfmap.daemon.job_query import named, select
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
from halfmap.daemon.settings import Settings
from halfmap.daemon.state import JobState
from halfmap.daemon.submitted import job_submitted

_WAITING = (JobState.PREPARING, JobState.QUEUED, JobState.HELD)
_OF_OPTIONS = {"problems", "in_effect", "command", "coarse_step_deg"}
_RESUMABLE = (JobState.FAILED, JobState.ABORTED, JobState.LOST)


class FakeService(FakeLadders, Service):
    """The service without files, processes, or a socket. While `away` is set every method raises `DaemonAway`."""

    # --- looking ---------------------------------------------------------------------------------------------------

    async def status(self) -> DaemonStatus:
        """Tell how the daemon is."""
        self._check_here()
        return DaemonStatus(
            version="fake",
            process_id=1,
            started=self._began,
            mode=self.mode,
            reason=self.reason,
            rev=len(self._events),
            state_dir="/fake",
            jobs_by_state=Counter(row.state.value for row in self._rows()),
        )

    async def jobs(self, query: JobQuery) -> JobPage:
        """List jobs."""
        self._check_here()
        rows, total = select(self._rows(), query)
        return JobPage(jobs=tuple(rows), total=total, rev=len(self._events))

    async def find(self, name: str, project: str | None) -> JobRow:
        """Find a job by number, name or alias."""
        self._check_here()
        if name.isdecimal():
            return self._row(int(name))
        found = named(self._rows(), name, project)
        if not found:
            refuse("not_found", f"no job is called {name}{f' in {project}' if project else ''}.")
        if len(found) > 1:
            refuse("conflict", f"{name} may be several jobs: {', '.join(str(row.job) for row in found)}.")
        return found[0]

    async def job(self, job: int) -> JobDetail:
        """Show a job."""
        self._check_here()
        self._row(job)
        return self._jobs[job]

    async def iterations(self, job: int) -> list[dict[str, Any]]:
        """Give the finished iterations of a job."""
        self._check_here()
        self._row(job)
        return list(self._iterations.get(job, []))

    async def projects(self) -> list[ProjectRow]:
        """List the watched projects."""
        self._check_here()
        return [self._project_row(project) for project in self._projects]

    async def cards(self) -> list[CardRow]:
        """List the cards."""
        self._check_here()
        return list(self._cards.values())

    async def host(self) -> HostRow:
        """Tell what the machine has."""
        self._check_here()
        return self.machine

    async def metrics(self) -> str:
        """Give a metric."""
        self._check_here()
        return f"# TYPE halfmap_rev counter\nhalfmap_rev {len(self._events)}\n"

    async def options(self, kind: str = "") -> list[OptionRow]:
        """Give the form of a type of job, by RELION's label; "" for a refinement."""
        self._check_here()
        return list(form(kind))

    async def files(self, job: int) -> JobFiles:
        """Tell where a job's files are, as a test has said."""
        self._check_here()
        self._row(job)
        return self.job_files.get(job, JobFiles())

    async def check_form(self, draft: FormDraft) -> FormCheck:
        """Tell what is wrong with the options; `looked_at` says what the files hold."""
        self._check_here()
        checked = check_options(draft, Settings(), {})
        if not draft.looks_at_files:
            return checked
        self._check_watched(draft.project)
        seen = self.looked_at.model_dump(exclude=_OF_OPTIONS)
        problems = (*checked.problems, *self.looked_at.problems)
        return checked.model_copy(update=seen | {"problems": problems})

    async def write_form(self, options: Mapping[str, str]) -> FormText:
        """Write options as the text of a ``job.star``."""
        self._check_here()
        return form_as_text(options)

    async def read_form(self, text: str) -> FormText:
        """Read the text of a ``job.star``."""
        self._check_here()
        return form_from_text(text)

    async def browse(self, project: str, text: str, pattern: str) -> list[PathRow]:
        """Complete a path among those that a test has put there."""
        self._check_here()
        self._check_watched(project)
        folder, slash, _ = text.rpartition("/")
        matching = [row for row in self.paths.get(project, []) if row.path.startswith(text)]
        names = [(row.path.removeprefix(folder + slash).rstrip("/"), row) for row in matching]
        below = [row for name, row in names if name and "/" not in name]
        found = [row for row in below if row.is_folder or fits(row.path.rpartition("/")[2], pattern)]
        return sorted(found, key=lambda row: (not row.is_folder, natural(row.path)))[:MOST_ROWS]

    async def card_samples(self, since: float) -> list[CardSample]:
        """Tell what the cards did since a time."""
        self._check_here()
        return [one for one in self.samples if one.time > since]

    async def events(self, since: int, job: int | None, follow: bool) -> AsyncIterator[EventRow]:
        """Give events, and wait for more."""
        self._check_here()
        while True:
            ring = self._bell.next()
            for event in self._events[since:]:
                since = event.rev
                if job in (None, event.job):
                    yield event
            if not follow:
                return
            if since == len(self._events):
                await ring.wait()

    # --- changing --------------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission, key: str) -> JobRow:
        """Queue a job."""
        if self._is_repeated(key, "submit"):
            return self._row(self._requests[key][1] or 0)
        self._check_watched(submission.project)
        if (submission.options is None) == (submission.job_folder is None):
            refuse("bad_request", "give either options or a job folder.")
        kind, options, name = self._read(submission)
        launch = submission.launch
        row = JobRow(
            job=0,
            project=submission.project,
            name=name,
            alias=submission.alias or "",
            kind=kind,
            state=JobState.PREPARING,
            submitted=self.now,
            **launch.model_dump(include={"priority", "engine", "place", "begin"}),
        )
        job = self._add(row, "accepted", launch=launch, options=options, after=launch.after).job
        self._requests[key] = ("submit", job)
        return self._change(job, JobState.HELD if launch.hold else JobState.QUEUED)

    async def hold(self, job: int, key: str) -> JobRow:
        """Keep a queued job from starting."""
        return self._moved(job, (JobState.QUEUED,), JobState.HELD, "held", key)

    async def release(self, job: int, key: str) -> JobRow:
        """Let a held job start."""
        return self._moved(job, (JobState.HELD,), JobState.QUEUED, "released", key)

    async def prioritise(self, job: int, priority: int, key: str) -> JobRow:
        """Change a waiting job's priority."""
        return self._moved(job, _WAITING, None, "priority", key, priority=priority)

    async def stop(self, job: int, mode: StopMode, key: str) -> JobRow:
        """Stop a job: one that waits is aborted at once, one that runs is stopping until a test lets it end."""
        row = self._own(job)
        if self._is_repeated(key, "stop", job):
            return row
        if row.state.has_ended:
            refuse("conflict", f"{row.name} is {row.state} already.")
        if row.state in (JobState.PREPARING, JobState.SCHEDULED):
            refuse("conflict", f"{row.name} is {row.state}; it can be stopped when it is queued.")
        self._requests[key] = ("stop", job)
        if row.state.is_waiting:
            return self._change(job, JobState.ABORTED, reason="stopped before it started", ended=self.now)
        words = f"stopping ({mode.replace('_', ' ')})"
        if row.state is JobState.STOPPING:
            return self._change(job, event="stop_asked_for", reason=words)
        return self._change(job, JobState.STOPPING, "stop_asked_for", reason=words)

    async def resume(self, job: int, key: str) -> JobRow:
        """Queue a job again that failed, was stopped, lost or stalls."""
        row = self._own(job)
        if row.state.is_active and row.alarm and not self._is_repeated(key, "resume", job):
            self.finish(job, JobState.ABORTED, "stopped, to go on")
        return self._moved(job, _RESUMABLE, JobState.QUEUED, "resume", key, alarm="", ended=None)

    async def watch(self, project: str, key: str) -> ProjectRow:
        """Watch a project from now on."""
        self._is_repeated(key, "watch")
        if not project.startswith("/"):
            refuse("bad_request", f"{project} is not an absolute path.")
        if project not in self._projects:
            self.add_project(project)
            self._tell("project_watched", None, project)
        self._requests[key] = ("watch", None)
        return self._project_row(project)

    async def unwatch(self, project: str, key: str) -> None:
        """Watch a project no more."""
        if self._is_repeated(key, "unwatch"):
            return
        if project not in self._projects:
            refuse("not_found", f"{project} is not a watched project.")
        mine = [row for row in self._rows() if row.project == project]
        if busy := [row for row in mine if not row.followed and not row.state.has_ended]:
            refuse("conflict", f"{busy[0].name} is {busy[0].state}; stop the jobs of {project} first.")
        del self._projects[project]
        for row in mine:
            del self._jobs[row.job]
        self._requests[key] = ("unwatch", None)
        self._tell("project_left", None, project)

    async def clean_card(self, uuid: str, key: str) -> CardRow:
        """Take a card out of quarantine, or give up a dirty lease."""
        self._is_repeated(key, "clean")
        if uuid not in self._cards:
            refuse("not_found", f"no card has the UUID {uuid}.")
        card = self._cards[uuid]
        if card.state in ("quarantined", "dirty"):
            self._cards[uuid] = card.model_copy(update={"state": "free", "reason": "", "leased_to": None})
            self._tell("card_cleaned", None, uuid)
        self._requests[key] = ("clean", None)
        return self._cards[uuid]

    async def shut_down(self, key: str) -> None:
        """Remember that this was asked for."""
        self._is_repeated(key, "shutdown")
        self.has_ended = True

    # --- parts -----------------------------------------------------------------------------------------------------

    def _check_here(self) -> None:
        if self.away:
            raise DaemonAway(self.away)

    def _check_watched(self, project: str) -> None:
        if project not in self._projects:
            refuse("not_found", f"{project} is not a watched project.")

    def _is_repeated(self, key: str, what: str, job: int | None = None) -> bool:
        """Whether this was asked for earlier with this key."""
        self._check_here()
        earlier = self._requests.get(key)
        if earlier is None:
            return False
        if earlier[0] != what or job not in (None, earlier[1]):
            refuse("conflict", f"the key {key!r} was used for something else; choose a new one.")
        return True

    def _own(self, job: int) -> JobRow:
        self._check_here()
        row = self._row(job)
        if row.followed:
            refuse("conflict", f"{row.name} was started by somebody else; it is shown, and never touched.")
        return row

    def _moved(
        self, job: int, allowed: tuple[JobState, ...], state: JobState | None, what: str, key: str, **fields: Any
    ) -> JobRow:
        row = self._own(job)
        if self._is_repeated(key, what, job):
            return row
        if row.state not in allowed:
            refuse("conflict", f"{row.name} is {row.state}; this is for jobs that are {' or '.join(allowed)}.")
        self._requests[key] = (what, job)
        reason = {} if state is None else {"reason": ""}
        return self._change(job, state, what, **reason, **fields)

    def _read(self, submission: Submission) -> tuple[str, dict[str, str], str]:
        """Give a submission's type, options and folder's name; a folder that is known is not followed any more."""
        if submission.options is not None:
            job = job_submitted(submission.kind, submission.options)
            kind = type_of(job)
            return kind.label, texts_of(job), self._next_name(submission.project, kind.folder)
        folder = f"{submission.job_folder}".rstrip("/") + "/"
        known = [row for row in self._rows() if (row.project, row.name) == (submission.project, folder)]
        if not known:
            refuse("not_found", f"{folder} has no job.star.")
        if not known[0].followed or not known[0].state.is_waiting:
            refuse("conflict", f"{folder} is {known[0].state}; only a job that has not been run can be queued.")
        return known[0].kind, self._jobs.pop(known[0].job).options, folder

    def _project_row(self, project: str) -> ProjectRow:
        jobs = sum(row.project == project for row in self._rows())
        return self._projects[project].model_copy(update={"jobs": jobs})
