"""The database's tables. Rules that must never be broken stand here too: no mistake in the program can break them.

A new version appends a step to `MIGRATIONS`; steps that were released are never changed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from halfmap.daemon.state import ATTEMPT_TRANSITIONS, JOB_TRANSITIONS, AttemptState, JobState

_State = TypeVar("_State", bound=StrEnum)


def _listed(values: tuple[StrEnum, ...]) -> str:
    return ", ".join(f"'{value.value}'" for value in values)


def _transitions(table: str, known: Mapping[_State, frozenset[_State]]) -> str:
    rows = [f"('{table}', '{before.value}', '{after.value}')" for before in known for after in sorted(known[before])]
    return f"INSERT INTO transition VALUES {', '.join(rows)};"


def _guard(table: str, condition: str) -> str:
    return f"""
CREATE TRIGGER {table}_goes_by_the_table BEFORE UPDATE OF state ON {table}
WHEN {condition} OLD.state <> NEW.state AND NOT EXISTS
    (SELECT 1 FROM transition WHERE kind = '{table}' AND before = OLD.state AND after = NEW.state)
BEGIN SELECT RAISE(ABORT, 'illegal transition of {table}'); END;"""


def _never(table: str, verb: str) -> str:
    return f"""
CREATE TRIGGER {table}_never_{verb.lower()} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'table {table} only grows'); END;"""


_LIVE = tuple(state for state in AttemptState if state.is_live)

_VERSION_1 = f"""
CREATE TABLE project (path TEXT PRIMARY KEY, added REAL NOT NULL) STRICT;

CREATE TABLE job (
    job INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL REFERENCES project(path),
    name TEXT NOT NULL DEFAULT '',
    alias TEXT NOT NULL DEFAULT '',
    kind TEXT NOT NULL DEFAULT '',
    followed INTEGER NOT NULL DEFAULT 0 CHECK (followed IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ({_listed(tuple(JobState))})),
    reason TEXT NOT NULL DEFAULT '',
    alarm TEXT NOT NULL DEFAULT '',
    priority INTEGER NOT NULL DEFAULT 0,
    launch TEXT NOT NULL DEFAULT '{{}}',
    options TEXT NOT NULL DEFAULT '{{}}',
    warnings TEXT NOT NULL DEFAULT '[]',
    continue_from TEXT NOT NULL DEFAULT '',
    submitted REAL NOT NULL,
    begin_at REAL,
    started REAL,
    ended REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    iteration INTEGER,
    resolution REAL,
    figures TEXT NOT NULL DEFAULT '{{}}',
    rev INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX job_has_its_name ON job(project, name) WHERE name <> '';
CREATE INDEX job_by_state ON job(state);

CREATE TABLE attempt (
    uuid TEXT PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES job(job),
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({_listed(tuple(AttemptState))})),
    reason TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL,
    stop TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    process_id INTEGER,
    slurm_job INTEGER,
    exit_code INTEGER,
    memory_mb REAL,
    UNIQUE (job, number)
) STRICT;
CREATE UNIQUE INDEX job_has_one_live_attempt ON attempt(job) WHERE state IN ({_listed(_LIVE)});

CREATE TABLE lease (
    card TEXT PRIMARY KEY,
    attempt TEXT NOT NULL REFERENCES attempt(uuid),
    since REAL NOT NULL
) STRICT;

CREATE TABLE event (
    rev INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    job INTEGER,
    attempt INTEGER,
    text TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX event_of_job ON event(job, rev);

CREATE TABLE request (key TEXT PRIMARY KEY, job INTEGER, what TEXT NOT NULL, time REAL NOT NULL) STRICT;
CREATE TABLE notified (key TEXT PRIMARY KEY, time REAL NOT NULL) STRICT;
CREATE TABLE peak (
    version TEXT NOT NULL, box_px INTEGER NOT NULL, padding INTEGER NOT NULL,
    memory_mb REAL NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (version, box_px, padding)
) STRICT;
CREATE TABLE metric (time REAL NOT NULL, job INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL) STRICT;
CREATE INDEX metric_of_job ON metric(job, time);

CREATE TABLE transition (kind TEXT, before TEXT, after TEXT, PRIMARY KEY (kind, before, after)) STRICT;
{_transitions("job", JOB_TRANSITIONS)}
{_transitions("attempt", ATTEMPT_TRANSITIONS)}
{_guard("job", "NEW.followed = 0 AND OLD.followed = 0 AND")}
{_guard("attempt", "")}
{_never("event", "UPDATE")}
{_never("event", "DELETE")}
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1,)
"""SQL by version: applying the first n makes version n, which stands in ``PRAGMA user_version``."""
