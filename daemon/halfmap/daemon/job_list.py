"""Lists of jobs out of the store: filtered, sorted and cut into pages by the database."""

import json
import re
import sqlite3
from typing import Any

from halfmap.contract.job_types import JOB_TYPES
from halfmap.daemon.records import AttemptRow, JobPage, JobQuery, JobRow, Refusal
from halfmap.daemon.service import Refused

_SORTS = {
    "newest": "job DESC",
    "oldest": "job",
    "name": "project, length(name), name",
    "state": "state, job DESC",
    "priority": "priority DESC, job",
    "resolution": "resolution IS NULL, resolution, job DESC",
}
_NESTED = re.compile(r"\([^()]*[+*}][^()]*\)\s*[+*{]")
_TEXT = "name || ' ' || alias || ' ' || project || ' ' || state || ' ' || reason"


def page(connection: sqlite3.Connection, query: JobQuery, rev: int) -> JobPage:
    """Give one page of the jobs that a query asks for."""
    condition, values = _condition(query)
    found = connection.execute(
        f"SELECT job FROM job WHERE {condition} ORDER BY {_SORTS[query.sort]}", values
    ).fetchall()
    # the pattern is looked for once in each job, not once more to count them
    wanted = [row[0] for row in found[query.offset : query.offset + query.limit]]
    marks = ", ".join("?" * len(wanted))
    rows = {row["job"]: row for row in connection.execute(f"SELECT * FROM job WHERE job IN ({marks})", wanted)}
    return JobPage(jobs=tuple(job_row(connection, rows[job]) for job in wanted), total=len(found), rev=rev)


def row_of(connection: sqlite3.Connection, job: int) -> JobRow | None:
    """Give a job's row."""
    found = connection.execute("SELECT * FROM job WHERE job = ?", (job,)).fetchone()
    return None if found is None else job_row(connection, found)


def found_by_name(connection: sqlite3.Connection, name: str, project: str | None) -> list[JobRow]:
    """Give the jobs that a person may mean: ``job012``, ``Refine3D/job012/`` or an alias."""
    plain = name.strip("/")
    spellings = [f"{plain}/", *(f"{kind.folder}/{plain}/" for kind in JOB_TYPES)]
    marks = ", ".join("?" * len(spellings))
    where = f"(name IN ({marks}) OR (alias <> '' AND alias IN ({marks}, ?))) AND (? IS NULL OR project = ?)"
    values = (*spellings, *spellings, plain, project, project)
    rows = connection.execute(f"SELECT * FROM job WHERE {where} ORDER BY job", values).fetchall()
    return [job_row(connection, row) for row in rows]


def attempt_rows(connection: sqlite3.Connection, job: int) -> tuple[AttemptRow, ...]:
    """Give a job's attempts, latest first."""
    rows = connection.execute("SELECT * FROM attempt WHERE job = ? ORDER BY number DESC", (job,))
    return tuple(_attempt_row(row) for row in rows)


def _attempt_row(row: sqlite3.Row) -> AttemptRow:
    spec = json.loads(row["spec"])
    return AttemptRow(
        attempt=row["number"],
        uuid=row["uuid"],
        state=row["state"],
        reason=row["reason"],
        argv=spec.get("argv", ()),
        cards=spec.get("cards", ()),
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        process_id=row["process_id"],
        slurm_job=row["slurm_job"],
        exit_code=row["exit_code"],
    )


def _condition(query: JobQuery) -> tuple[str, list[Any]]:
    parts, values = ["1"], list[Any]()
    if query.project is not None:
        parts.append("project = ?")
        values.append(query.project)
    if query.states:
        parts.append(f"state IN ({', '.join('?' * len(query.states))})")
        values += [state.value for state in query.states]
    if query.refinements_only:
        parts.append("(kind LIKE 'relion.refine3d%' OR followed = 0)")
    if query.problems_only:
        parts.append("(state IN ('failed', 'lost') OR alarm <> '')")
    if query.match:
        negation, pattern = ("NOT ", query.match[1:]) if query.match.startswith("!") else ("", query.match)
        _check_pattern(pattern)
        parts.append(f"{negation}({_TEXT}) REGEXP ?")
        values.append(pattern)
    return " AND ".join(parts), values


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        message = f"{pattern!r} is no regular expression: {error}."
        raise Refused(Refusal(code="bad_request", message=message)) from None
    if _NESTED.search(pattern):
        message = f"{pattern!r} repeats what repeats itself, which may take for ever; write it without that."
        raise Refused(Refusal(code="bad_request", message=message))


def job_row(connection: sqlite3.Connection, row: sqlite3.Row) -> JobRow:
    """Make a record of a row of the table; figures of the last iteration come with it."""
    figures = json.loads(row["figures"])
    leased = ()
    if row["state"] in ("starting", "running", "stopping"):
        statement = "SELECT card FROM lease JOIN attempt ON attempt.uuid = lease.attempt WHERE attempt.job = ?"
        leased = tuple(found[0] for found in connection.execute(statement, (row["job"],)))
    launch = json.loads(row["launch"])
    return JobRow(
        **{
            **figures,
            "job": row["job"],
            "project": row["project"],
            "name": row["name"],
            "alias": row["alias"],
            "kind": row["kind"],
            "followed": bool(row["followed"]),
            "state": row["state"],
            "reason": row["reason"],
            "alarm": row["alarm"],
            "priority": row["priority"],
            "engine": launch.get("engine", "halfmap"),
            "place": launch.get("place", "here"),
            "attempt": row["attempts"],
            "submitted": row["submitted"],
            "started": row["started"],
            "ended": row["ended"],
            "begin": row["begin_at"],
            "iteration": row["iteration"],
            "resolution_angstrom": row["resolution"],
            "cards": leased,
            "rev": row["rev"],
        }
    )
