"""What a daemon in memory knows: jobs, cards, projects and events, and what tests let happen to them."""

from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from halfmap.daemon.bell import Bell
from halfmap.daemon.inspection import CardSample, FormCheck, JobFiles, PathRow
from halfmap.daemon.records import (
    AttemptRow,
    CardRow,
    EventRow,
    HostRow,
    JobDetail,
    JobRow,
    ProjectRow,
    Refusal,
)
from halfmap.daemon.service import Refused
from halfmap.daemon.state import AttemptState, JobState, check_job_transition

REFINEMENT = "relion.refine3d.tomo"


def refuse(code: Literal["bad_request", "not_found", "conflict", "refused"], message: str, *found: str) -> NoReturn:
    """Refuse."""
    raise Refused(Refusal(code=code, message=message, problems=found))


class FakeMemory:
    """What the fake daemon knows, and how tests change it.

    Attributes
    ----------
    now
        Its time (s since the epoch); see `advance`.
    away
        While this is not empty, the daemon does not answer, for this reason.
    mode, reason
        What its status tells.
    machine
        What it tells of the machine.
    has_ended
        Whether somebody has ended it.
    job_files
        Where the files of a job are, by its number.
    paths
        What a project holds, for completion.
    samples
        What the cards did.
    looked_at
        What is found when the files of a form are looked at.
    """

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.away = ""
        self.mode: Literal["ok", "paused", "recovery"] = "ok"
        self.reason = ""
        self.machine = HostRow(host="fake", cores=16, cores_leased=0, memory_mb=64_000, memory_leased_mb=0)
        self.has_ended = False
        self.job_files: dict[int, JobFiles] = {}
        self.paths: dict[str, list[PathRow]] = {}
        self.samples: list[CardSample] = []
        self.looked_at = FormCheck()
        self._began = now
        self._accepted = 0
        self._jobs: dict[int, JobDetail] = {}
        self._iterations: dict[int, list[dict[str, Any]]] = {}
        self._projects: dict[str, ProjectRow] = {}
        self._cards: dict[str, CardRow] = {}
        self._events: list[EventRow] = []
        self._requests: dict[str, tuple[str, int | None]] = {}
        self._bell = Bell()

    # --- what tests do ---------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def add_project(self, project: str, **fields: Any) -> ProjectRow:
        """Watch a project; `fields` are those of `ProjectRow`."""
        given = {"project": project, "watching": "events", "file_system": "ext4"}
        self._projects[project] = ProjectRow.model_validate(given | fields)
        return self._projects[project]

    def add_card(self, card: CardRow) -> None:
        """Put a card into the machine, or change one."""
        self._cards[card.uuid] = card

    def add_job(self, project: str, options: Mapping[str, str] | None = None, **fields: Any) -> JobRow:
        """Put a job there in any state, such as one that is followed; `fields` are those of `JobRow`."""
        if project not in self._projects:
            self.add_project(project)
        name = fields.get("name") or self._next_name(project)
        given = {"name": name, "kind": REFINEMENT, "state": JobState.QUEUED, "submitted": self.now}
        row = JobRow.model_validate({"job": 0, "project": project} | given | fields)
        event = f"followed_{row.state}" if row.followed else "accepted"
        return self._add(row, event, options=dict(options or {}))

    def start(self, job: int, cards: tuple[str, ...] = (), argv: tuple[str, ...] = (), **fields: Any) -> JobRow:
        """Let a queued job run, with these cards and this command; `fields` are those of `JobRow`."""
        number = self._row(job).attempt + 1
        self._change(job, JobState.STARTING, attempt=number, reason="", alarm="", ended=None)
        detail = self._jobs[job]
        attempt = AttemptRow(
            attempt=number,
            uuid=f"{job}-{number}",
            state=AttemptState.RUNNING,
            argv=argv,
            cards=cards,
            created=self.now,
            started=self.now,
        )
        self._jobs[job] = detail.model_copy(update={"attempts": (attempt, *detail.attempts)})
        self._lease(cards, job)
        return self._change(job, JobState.RUNNING, started=self.now, cards=cards, **fields)

    def progress(self, job: int, **fields: Any) -> JobRow:
        """Change what a row tells of a running job: its iteration, fraction, resolution, alarm …; without an event."""
        return self._set(job, fields)

    def iterate(self, job: int, **fields: Any) -> JobRow:
        """Let an iteration end; `fields` are those of `IterationFinished`, and the row tells those that it has."""
        iterations = self._iterations.setdefault(job, [])
        finished = {"event": "iteration_finished", "iteration": len(iterations) + 1} | fields
        iterations.append(finished)
        # the memory that an iteration tells is of each rank, a row's of the whole job
        shared = JobRow.model_fields.keys() - {"memory_mb"}
        told: dict[str, Any] = {name: value for name, value in finished.items() if name in shared}
        told["resolution_before_angstrom"] = self._row(job).resolution_angstrom
        self._change(job, event="iteration")
        return self._set(job, told)

    def finish(self, job: int, state: JobState = JobState.FINISHED, reason: str = "") -> JobRow:
        """Let a running job end."""
        detail = self._jobs[job]
        if detail.attempts:
            update = {"state": AttemptState(state.value), "ended": self.now, "reason": reason}
            ended = detail.attempts[0].model_copy(update=update)
            self._jobs[job] = detail.model_copy(update={"attempts": (ended, *detail.attempts[1:])})
        self._lease(detail.row.cards, None)
        return self._change(job, state, reason=reason, ended=self.now, cards=())

    # --- parts -----------------------------------------------------------------------------------------------------

    def _rows(self) -> list[JobRow]:
        return [detail.row for detail in self._jobs.values()]

    def _row(self, job: int) -> JobRow:
        if job not in self._jobs:
            refuse("not_found", f"there is no job {job}.")
        return self._jobs[job].row

    def _add(self, row: JobRow, event: str, **more: Any) -> JobRow:
        """Enter a job under the next number."""
        self._accepted += 1
        self._jobs[self._accepted] = JobDetail(row=row.model_copy(update={"job": self._accepted}), **more)
        return self._change(self._accepted, event=event)

    def _next_name(self, project: str, folder: str = "Refine3D") -> str:
        taken = {row.name.partition("/")[2] for row in self._rows() if row.project == project}
        return next(f"{folder}/{name}" for n in range(1, 10_000) if (name := f"job{n:03d}/") not in taken)

    def _set(self, job: int, fields: Mapping[str, Any]) -> JobRow:
        row = self._row(job)
        # validated, so that a test which misspells a value hears of it
        if unknown := fields.keys() - JobRow.model_fields.keys():
            raise TypeError(f"a job's row has no {', '.join(sorted(unknown))}")
        changed = JobRow.model_validate(row.model_dump() | dict(fields))
        self._jobs[job] = self._jobs[job].model_copy(update={"row": changed})
        return changed

    def _change(self, job: int, state: JobState | None = None, event: str = "", **fields: Any) -> JobRow:
        """Change a job, with an event."""
        if state is not None:
            check_job_transition(self._row(job).state, state)
            fields["state"] = state
        rev = self._tell(event or f"{state}", job, str(fields.get("reason", "")))
        return self._set(job, fields | {"rev": rev})

    def _tell(self, kind: str, job: int | None, text: str = "") -> int:
        attempt = self._jobs[job].row.attempt if job in self._jobs else None
        rev = len(self._events) + 1
        self._events.append(EventRow(rev=rev, time=self.now, kind=kind, job=job, attempt=attempt or None, text=text))
        self._bell.ring()
        return rev

    def _lease(self, cards: tuple[str, ...], job: int | None) -> None:
        """Lease cards to a job, or give them back."""
        for uuid in cards:
            if uuid in self._cards:
                state = "free" if job is None else "leased"
                self._cards[uuid] = self._cards[uuid].model_copy(update={"leased_to": job, "state": state})
