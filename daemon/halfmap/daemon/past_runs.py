"""Earlier runs of a project that went to their end at once: what tells how long the next one may take."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from halfmap.contract.refine3d import Refine3D, job_from_values
from halfmap.daemon.duration import PastRun, workload
from halfmap.daemon.records import Launch
from halfmap.daemon.refinement_facts import facts_of_files

_MOST = 10
_STATEMENT = """
SELECT job.name, job.options, job.launch, attempt.ended - attempt.started AS seconds
FROM job JOIN attempt ON attempt.job = job.job
WHERE job.project = ? AND job.followed = 0 AND job.state = 'finished' AND job.attempts = 1
      AND job.kind LIKE 'relion.refine3d%'
      AND attempt.ended > attempt.started AND job.name <> ''
ORDER BY job.job DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job as the store tells: its name in the project, what was asked for, how long it ran (s)."""

    name: str
    options: Refine3D
    launch: Launch
    seconds: float


def ended_jobs(connection: sqlite3.Connection, project: Path) -> list[EndedJob]:
    """Give the latest jobs of a project that began anew and finished in one attempt, latest first."""
    rows = connection.execute(_STATEMENT, (str(project), _MOST)).fetchall()
    found = [
        EndedJob(
            row["name"],
            job_from_values(json.loads(row["options"]))[0],
            Launch.model_validate_json(row["launch"]),
            row["seconds"],
        )
        for row in rows
    ]
    return [job for job in found if not job.options.continues_a_run]


def past_runs(project: Path, jobs: Iterable[EndedJob]) -> Iterator[PastRun]:
    """In the project's thread: look up what those jobs had to do; those whose files are gone tell nothing."""
    for job in jobs:
        facts = facts_of_files(project / job.name / "run", 1)
        if facts.box_px and facts.particles:
            yield PastRun(job.name, workload(job.options, job.launch, facts.particles, facts.box_px), job.seconds)
