"""What the daemon must not forget, changed in whole steps: each method that changes something is one transaction.

The one writer is the daemon. Every change is an event too, with the next `rev`.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from halfmap.contract.job_types import REFINE3D
from halfmap.daemon.clock import Clock
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.database import writing
from halfmap.daemon.records import EventRow, Launch, StopMode
from halfmap.daemon.state import AttemptState, JobState, check_attempt_transition, check_job_transition

_LIVE = tuple(state.value for state in AttemptState if state.is_live)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it."""

    job: int
    uuid: str
    project: Path
    name: str
    alias: str
    kind: str
    followed: bool
    state: JobState
    reason: str
    alarm: str
    priority: int
    launch: Launch
    options: Mapping[str, str]
    continue_from: str
    submitted: float
    begin: float | None
    attempts: int
    warnings: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The job's folder, absolute."""
        return self.project / self.name

    @property
    def root(self) -> Path:
        """How the names of its results begin, absolute."""
        return self.folder / "run"


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop that was asked for: from which rung of the ladder on, at which iteration, and whether to go on then."""

    mode: StopMode
    iteration: int | None = None
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a job as the store knows it."""

    uuid: str
    job: int
    number: int
    state: AttemptState
    reason: str
    spec: str
    stop: Stop | None
    slurm_job: int | None
    created: float


class Store:
    """All tables, through an open connection; see `halfmap.daemon.database.open_database`."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.connection = connection
        self.on_change: Callable[[], None] = lambda: None
        self._clock = clock

    # --- what is known ---------------------------------------------------------------------------------------------

    def rev(self) -> int:
        """Number of the last event."""
        return int(self._one("SELECT coalesce(max(rev), 0) FROM event")[0])

    def projects(self) -> list[Path]:
        """All watched projects."""
        return [Path(row[0]) for row in self._all("SELECT path FROM project ORDER BY added, path")]

    def job(self, job: int) -> Job | None:
        """Look a job up."""
        rows = self.jobs_where("job = ?", job)
        return rows[0] if rows else None

    def jobs_where(self, condition: str, *values: object) -> list[Job]:
        """Jobs for which an SQL condition of this program holds, oldest first."""
        return [_job(row) for row in self._all(f"SELECT * FROM job WHERE {condition} ORDER BY job", *values)]

    def names_where(self, condition: str, *values: object) -> frozenset[str]:
        """Names of such jobs alone: the options of thousands of them take their time to be read."""
        return frozenset(row[0] for row in self._all(f"SELECT name FROM job WHERE {condition}", *values))

    def own_jobs(self, *states: JobState) -> list[Job]:
        """Jobs that halfmap runs, in any of these states."""
        marks = ", ".join("?" * len(states))
        return self.jobs_where(f"followed = 0 AND state IN ({marks})", *(state.value for state in states))

    def named(self, project: Path, name: str) -> Job | None:
        """The job of a project with this name."""
        rows = self.jobs_where("project = ? AND name = ?", str(project), name)
        return rows[0] if rows else None

    def attempts(self, job: int) -> list[Attempt]:
        """A job's attempts, latest first."""
        return [_attempt(row) for row in self._all("SELECT * FROM attempt WHERE job = ? ORDER BY number DESC", job)]

    def attempt(self, uuid: str) -> Attempt:
        """Look an attempt up."""
        return _attempt(self._one("SELECT * FROM attempt WHERE uuid = ?", uuid))

    def job_of_attempt(self, uuid: str) -> int | None:
        """The job of an attempt; None for an attempt that is not known."""
        rows = self._all("SELECT job FROM attempt WHERE uuid = ?", uuid)
        return int(rows[0][0]) if rows else None

    def live_attempts(self) -> list[Attempt]:
        """Attempts whose processes may exist."""
        marks = ", ".join("?" * len(_LIVE))
        return [_attempt(row) for row in self._all(f"SELECT * FROM attempt WHERE state IN ({marks})", *_LIVE)]

    def leases(self) -> list[sqlite3.Row]:
        """Leases with ``card``, ``attempt``, ``since``, ``job``, ``number``, ``name`` and ``live``."""
        return self._all(
            "SELECT card, lease.attempt, since, attempt.job, attempt.number, job.name, "
            f"attempt.state IN ({', '.join('?' * len(_LIVE))}) AS live FROM lease "
            "JOIN attempt ON attempt.uuid = lease.attempt JOIN job ON job.job = attempt.job",
            *_LIVE,
        )

    def request(self, key: str) -> tuple[str, int | None] | None:
        """What was asked for under a key, and the job it is about; None if nothing was."""
        rows = self._all("SELECT what, job FROM request WHERE key = ?", key)
        return (rows[0]["what"], rows[0]["job"]) if rows else None

    def events(self, since: int, job: int | None, limit: int) -> list[EventRow]:
        """Events after `since`, oldest first."""
        about = "" if job is None else "AND job = ?"
        values = (since, *(() if job is None else (job,)), limit)
        return [
            EventRow(**dict(row))
            for row in self._all(f"SELECT * FROM event WHERE rev > ? {about} ORDER BY rev LIMIT ?", *values)
        ]

    def peaks(self) -> dict[tuple[str, int, int], float]:
        """Largest memory of a rank (MB) seen so far, by engine version, box (px) and padding."""
        return {(row[0], row[1], row[2]): row[3] for row in self._all("SELECT * FROM peak")}

    # --- what changes ----------------------------------------------------------------------------------------------

    def add_project(self, path: Path, key: str) -> None:
        """Watch a project."""
        with self._writing():
            self._do("INSERT OR IGNORE INTO project VALUES (?, ?)", str(path), self._clock.now())
            self._asked(key, "watch", None)
            self._event("project_watched", None, None, str(path))

    def remove_project(self, path: Path, key: str) -> None:
        """Watch a project no more, and forget the jobs in it; their folders stay, and the events."""
        with self._writing():
            jobs = [row[0] for row in self._all("SELECT job FROM job WHERE project = ?", str(path))]
            for table in ("metric", "attempt"):
                self._do(f"DELETE FROM {table} WHERE job IN (SELECT value FROM json_each(?))", json.dumps(jobs))
            self._do("DELETE FROM job WHERE project = ?", str(path))
            self._do("DELETE FROM project WHERE path = ?", str(path))
            self._asked(key, "unwatch", None)
            self._event("project_left", None, None, str(path))

    def add_job(
        self, uuid: str, project: Path, launch: Launch, options: Mapping[str, str], key: str, **more: Any
    ) -> int:
        """Accept a job; `more` names further columns. From here on it is never lost."""
        columns: dict[str, Any] = {
            "uuid": uuid,
            "project": str(project),
            "state": JobState.PREPARING.value,
            "launch": launch.model_dump_json(),
            "options": json.dumps(dict(options)),
            "priority": launch.priority,
            "begin_at": launch.begin,
            "submitted": self._clock.now(),
            "kind": REFINE3D.label,
        } | more
        with self._writing():
            marks = ", ".join("?" * len(columns))
            # a followed job that is queued now: RELION had made it, and from here on it is run here
            self._do("DELETE FROM job WHERE project = ? AND name = ? AND name <> '' AND followed = 1",
                     str(project), columns.get("name", ""))  # fmt: skip
            done = self._do(f"INSERT INTO job ({', '.join(columns)}) VALUES ({marks})", *columns.values())
            job = int(done.lastrowid or 0)
            self._asked(key, "submit", job)
            self._event("accepted", job, None, "")
        crash_point("submit.accepted")
        return job

    def name_job(self, job: int, name: str) -> None:
        """Note the number that a job takes in its project, before the folder is made."""
        with self._writing():
            project = self._one("SELECT project FROM job WHERE job = ?", job)[0]
            self._do("DELETE FROM job WHERE followed = 1 AND project = ? AND name = ?", project, name)
            self._do("UPDATE job SET name = ? WHERE job = ?", name, job)
        crash_point("submit.named")

    def change_job(
        self,
        job: int,
        state: JobState | None = None,
        event: str = "",
        text: str = "",
        key: str = "",
        asked: str = "",
        **columns: Any,
    ) -> None:
        """Change a job's state and other columns, with an event, and the request if it is called otherwise."""
        with self._writing():
            self._change_job(job, state, event, text, columns)
            self._asked(key, asked or event, job)

    def note_reasons(self, reasons: Sequence[tuple[int, str, bool]]) -> None:
        """Note why jobs wait: each one's number, the reason, and whether that is news."""
        with self._writing():
            for job, reason, is_news in reasons:
                event, text = ("waits", reason) if is_news else ("", "")
                self._change_job(job, None, event, text, {"reason": reason})

    def begin_attempt(self, job: int, uuid: str, spec: str, cards: Sequence[str], slurm: bool) -> int:
        """Write an attempt down and lease its cards, before anything is started.

        Returns
        -------
        int
            The attempt's number, from 1.

        Raises
        ------
        sqlite3.IntegrityError
            If a card is leased already, or the job has a live attempt: nothing was changed.
        """
        now = self._clock.now()
        with self._writing():
            number = int(self._one("SELECT attempts + 1 FROM job WHERE job = ?", job)[0])
            self._do(
                "INSERT INTO attempt (uuid, job, number, state, spec, created) VALUES (?, ?, ?, ?, ?, ?)",
                uuid, job, number, AttemptState.STARTING.value, spec, now,
            )  # fmt: skip
            for card in cards:
                self._do("INSERT INTO lease VALUES (?, ?, ?)", card, uuid, now)
            reason = "handed to Slurm" if slurm else ""
            self._change_job(
                job, JobState.STARTING, "starting", "", {"attempts": number, "alarm": "", "reason": reason}
            )
        crash_point("start.leased")
        return number

    def change_attempt(
        self, uuid: str, state: AttemptState, job_state: JobState | None, text: str = "", **columns: Any
    ) -> None:
        """Change an attempt's state, and with it its job's; leases of one that never ran are given back."""
        found = self.attempt(uuid)
        check_attempt_transition(found.state, state) if state != found.state else None
        with self._writing():
            changed = {"state": state.value, "reason": text} | columns
            self._set("attempt", changed, "uuid = ?", uuid)
            if state is AttemptState.NOT_STARTED:
                self._do("DELETE FROM lease WHERE attempt = ?", uuid)
            if job_state is not None:
                times = {"started": columns["started"]} if "started" in columns else {}
                times |= {"ended": columns["ended"]} if "ended" in columns and job_state.has_ended else {}
                self._change_job(found.job, job_state, job_state.value, text, {"reason": text} | times, found.number)
        crash_point(f"attempt.{state.value}")

    def request_stop(self, uuid: str, stop: Stop, key: str) -> None:
        """Note that an attempt is to be stopped; a later, harder request replaces an earlier one."""
        found = self.attempt(uuid)
        text = json.dumps({"mode": stop.mode, "iteration": stop.iteration, "resume": stop.resume})
        with self._writing():
            self._set("attempt", {"stop": text, "state": AttemptState.STOPPING.value}, "uuid = ?", uuid)
            words = f"stopping ({stop.mode.replace('_', ' ')})"
            self._change_job(found.job, JobState.STOPPING, "stop_asked_for", words, {"reason": words}, found.number)
            self._asked(key, "resume" if stop.resume else "stop", found.job)
        crash_point("stop.noted")

    def note_slurm_job(self, uuid: str, slurm_job: int) -> None:
        """Remember which Slurm job an attempt is."""
        with self._writing():
            self._set("attempt", {"slurm_job": slurm_job}, "uuid = ?", uuid)

    def give_back(self, card: str, text: str = "") -> None:
        """End a lease."""
        with self._writing():
            self._do("DELETE FROM lease WHERE card = ?", card)
            self._event("lease_ended", None, None, text or card)

    def note_event(self, kind: str, job: int | None = None, attempt: int | None = None, text: str = "") -> None:
        """Write an event that changes nothing."""
        with self._writing():
            self._event(kind, job, attempt, text)

    def note_peak(self, version: str, box_px: int, padding: int, memory_mb: float) -> None:
        """Learn how much memory a rank takes."""
        with self._writing():
            self._do(
                "INSERT INTO peak VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                "memory_mb = max(memory_mb, excluded.memory_mb), time = excluded.time",
                version, box_px, padding, memory_mb, self._clock.now(),
            )  # fmt: skip

    def note_metrics(self, samples: Iterable[tuple[int, str, float]]) -> None:
        """Keep samples (job, name, value) of running jobs for their charts."""
        now = self._clock.now()
        with self._writing():
            rows = [(now, *sample) for sample in samples]
            self.connection.executemany("INSERT INTO metric VALUES (?, ?, ?, ?)", rows)

    def first_notice(self, key: str) -> bool:
        """Whether something has not been told yet; from now on it has."""
        with self._writing():
            done = self._do("INSERT OR IGNORE INTO notified VALUES (?, ?)", key, self._clock.now())
        return done.rowcount == 1

    def follow_jobs(self, project: Path, found: Sequence[Mapping[str, Any]]) -> None:
        """Bring the followed jobs of a project up to what its files tell; halfmap's own are passed over."""
        with self._writing():
            for columns in found:
                self._follow(project, columns)

    def touch(self) -> None:
        """Write the least there is, to see whether it can be done."""
        with self._writing():
            self._do("INSERT OR REPLACE INTO notified VALUES ('store', ?)", self._clock.now())

    def forget(self, before: float) -> None:
        """Delete samples, requests and notices older than a time."""
        with self._writing():
            for table in ("metric", "request", "notified"):
                self._do(f"DELETE FROM {table} WHERE time < ?", before)

    def back_up(self, path: Path) -> None:
        """Write a whole copy beside the store."""
        temporary = path.with_suffix(".part")
        temporary.unlink(missing_ok=True)
        self._do("VACUUM INTO ?", str(temporary))
        temporary.replace(path)

    # --- parts of a change -----------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with writing(self.connection):
            yield
        self.on_change()

    def _follow(self, project: Path, columns: Mapping[str, Any]) -> None:
        known = self._all("SELECT * FROM job WHERE project = ? AND name = ?", str(project), columns["name"])
        if not known:
            all_columns = {"uuid": f"{project}/{columns['name']}", "project": str(project), "followed": 1, **columns}
            all_columns |= {"submitted": columns.get("submitted", self._clock.now())}
            marks = ", ".join("?" * len(all_columns))
            done = self._do(f"INSERT INTO job ({', '.join(all_columns)}) VALUES ({marks})", *all_columns.values())
            job = done.lastrowid
        elif not known[0]["followed"] or all(known[0][name] == value for name, value in columns.items()):
            return
        else:
            job = known[0]["job"]
            self._set("job", columns, "job = ?", job)
        rev = self._event(f"followed_{columns['state']}", job, None, "")
        self._do("UPDATE job SET rev = ? WHERE job = ?", rev, job)

    def _change_job(
        self,
        job: int,
        state: JobState | None,
        event: str,
        text: str,
        columns: Mapping[str, Any],
        attempt: int | None = None,
    ) -> None:
        if state is not None:
            before = JobState(self._one("SELECT state FROM job WHERE job = ?", job)[0])
            if state != before:
                check_job_transition(before, state)
            columns = {"state": state.value, **columns}
        rev = {"rev": self._event(event, job, attempt, text)} if event else {}
        self._set("job", {**columns, **rev}, "job = ?", job)

    def _event(self, kind: str, job: int | None, attempt: int | None, text: str) -> int:
        done = self._do(
            "INSERT INTO event (time, kind, job, attempt, text) VALUES (?, ?, ?, ?, ?)",
            self._clock.now(), kind, job, attempt, text,
        )  # fmt: skip
        return int(done.lastrowid or 0)

    def _asked(self, key: str, what: str, job: int | None) -> None:
        if key:
            self._do("INSERT OR IGNORE INTO request VALUES (?, ?, ?, ?)", key, job, what, self._clock.now())

    def _set(self, table: str, columns: Mapping[str, Any], condition: str, value: object) -> None:
        if columns:
            assigned = ", ".join(f"{name} = ?" for name in columns)
            self._do(f"UPDATE {table} SET {assigned} WHERE {condition}", *columns.values(), value)

    def _do(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self.connection.execute(statement, values)

    def _all(self, statement: str, *values: object) -> list[sqlite3.Row]:
        return self._do(statement, *values).fetchall()

    def _one(self, statement: str, *values: object) -> sqlite3.Row:
        found = self._do(statement, *values).fetchone()
        assert isinstance(found, sqlite3.Row)
        return found


# the queue is looked at often, and its jobs have not changed: these are never changed once they are made


@lru_cache(maxsize=256)
def _launch(text: str) -> Launch:
    return Launch.model_validate_json(text)


@lru_cache(maxsize=512)
def _options(text: str) -> Mapping[str, str]:
    return MappingProxyType(json.loads(text))


@lru_cache(maxsize=64)
def _path(text: str) -> Path:
    return Path(text)


def _job(row: sqlite3.Row) -> Job:
    return Job(
        job=row["job"],
        uuid=row["uuid"],
        project=_path(row["project"]),
        name=row["name"],
        alias=row["alias"],
        kind=row["kind"],
        followed=bool(row["followed"]),
        state=JobState(row["state"]),
        reason=row["reason"],
        alarm=row["alarm"],
        priority=row["priority"],
        launch=_launch(row["launch"]),
        options=_options(row["options"]),
        continue_from=row["continue_from"],
        submitted=row["submitted"],
        begin=row["begin_at"],
        attempts=row["attempts"],
        warnings=tuple(json.loads(row["warnings"])),
    )


def _attempt(row: sqlite3.Row) -> Attempt:
    return Attempt(
        uuid=row["uuid"],
        job=row["job"],
        number=row["number"],
        state=AttemptState(row["state"]),
        reason=row["reason"],
        spec=row["spec"],
        stop=Stop(**json.loads(row["stop"])) if row["stop"] else None,
        slurm_job=row["slurm_job"],
        created=row["created"],
    )
