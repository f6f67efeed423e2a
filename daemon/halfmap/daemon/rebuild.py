"""Making the store again out of the job folders, where every job of ours has left who it is and what became of it."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.contract.job_types import JOB_TYPES, REFINE3D
from halfmap.daemon.attempt_files import Exit, Identity, Spec, read_exit, read_identity, read_spec
from halfmap.daemon.ends import classify
from halfmap.daemon.processes import is_alive
from halfmap.daemon.records import Launch
from halfmap.daemon.state import AttemptState, JobState

_RECORD = "halfmap/job.json"
_EXITS = (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED)


@dataclass(frozen=True, slots=True)
class FoundAttempt:
    """An attempt as its folder tells."""

    spec: Spec
    state: AttemptState
    reason: str
    identity: Identity | None
    exit: Exit | None


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job of ours as its folder tells; `attempts` are in their order."""

    project: Path
    name: str
    record: Mapping[str, Any]
    attempts: tuple[FoundAttempt, ...]

    @property
    def state(self) -> JobState:
        """What it is now; one that was waiting is held, so that a person decides."""
        ran = [attempt for attempt in self.attempts if attempt.state is not AttemptState.NOT_STARTED]
        return JobState(ran[-1].state.value) if ran else JobState.HELD


def find_jobs(project: Path) -> Iterator[FoundJob]:
    """Read the folders of a project's jobs that halfmap made or took over; what cannot be read is passed over."""
    for path in sorted(_records(project), key=_by_number):
        folder = path.parent.parent
        if folder.is_symlink():
            continue
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            Launch.model_validate(record.get("launch", {}))
        except (OSError, ValueError):
            continue
        if "uuid" in record:
            name = f"{folder.relative_to(project)}/"
            yield FoundJob(project, name, record, tuple(_attempts(folder)))


def _by_number(record: Path) -> tuple[int, str]:
    name = record.parent.parent.name
    return len(name), name


def _records(project: Path) -> Iterator[Path]:
    for kind in JOB_TYPES:
        yield from project.glob(f"{kind.folder}/job*/{_RECORD}")


def _attempts(folder: Path) -> Iterator[FoundAttempt]:
    for path in sorted((folder / "halfmap").glob("attempt-*")):
        try:
            spec = read_spec(path)
        except (OSError, ValueError):
            continue
        identity, exit_ = read_identity(path), read_exit(path)
        yield FoundAttempt(spec, *_state(folder, identity, exit_), identity, exit_)


def _state(folder: Path, identity: Identity | None, exit_: Exit | None) -> tuple[AttemptState, str]:
    if identity is None or identity.fenced:
        return AttemptState.NOT_STARTED, "it never ran"
    markers = frozenset(marker for marker in _EXITS if marker_file(folder, marker).exists())
    return classify(exit_, markers, is_alive(identity), False) or (AttemptState.RUNNING, "")


def write_job(connection: sqlite3.Connection, found: FoundJob) -> bool:
    """Enter a job and its attempts, unless the store has it; True if it was entered.

    To be called within a transaction, with the project entered already.
    """
    uuid = found.record["uuid"]
    if connection.execute("SELECT 1 FROM job WHERE uuid = ?", (uuid,)).fetchone():
        return False
    connection.execute(
        "DELETE FROM job WHERE project = ? AND name = ? AND followed = 1", (str(found.project), found.name)
    )
    launch = Launch.model_validate(found.record.get("launch", {}))
    state = found.state
    columns: dict[str, Any] = {
        "uuid": uuid,
        "project": str(found.project),
        "name": found.name,
        "alias": found.record.get("alias", ""),
        "kind": found.record.get("kind", REFINE3D.label),
        "state": state.value,
        "reason": "restored from its folder; release it to let it start" if state is JobState.HELD else "restored",
        "priority": launch.priority,
        "begin_at": launch.begin,
        "launch": launch.model_dump_json(),
        "options": json.dumps(found.record.get("options", {})),
        "submitted": float(found.record.get("submitted", 0.0)),
        "attempts": max((attempt.spec.number for attempt in found.attempts), default=0),
    }
    job = _insert(connection, "job", columns)
    for attempt in found.attempts:
        _write_attempt(connection, job, attempt)
    return True


def _write_attempt(connection: sqlite3.Connection, job: int, found: FoundAttempt) -> None:
    started = found.identity.time if found.identity else None
    columns = {
        "uuid": found.spec.uuid,
        "job": job,
        "number": found.spec.number,
        "state": found.state.value,
        "reason": found.reason,
        "spec": found.spec.model_copy(update={"job": job}).model_dump_json(),
        "created": started or 0.0,
        "started": started,
        "ended": found.exit.ended if found.exit else None,
        "exit_code": found.exit.code if found.exit else None,
    }
    _insert(connection, "attempt", columns)
    if found.state.is_live:
        for card in found.spec.cards:
            connection.execute("INSERT OR IGNORE INTO lease VALUES (?, ?, ?)", (card, found.spec.uuid, started or 0.0))


def _insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> int:
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    return int(connection.execute(statement, list(columns.values())).lastrowid or 0)
