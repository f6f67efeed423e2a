"""Jobs that somebody else started: what RELION's pipeline and the job folders tell of them. Nothing is changed here."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.daemon import project as relion_project
from halfmap.daemon.figures import progress_columns
from halfmap.daemon.following import Follower
from halfmap.daemon.state import JobState

_STATES = {
    "Running": JobState.RUNNING,
    "Scheduled": JobState.SCHEDULED,
    "Succeeded": JobState.FINISHED,
    "Failed": JobState.FAILED,
    "Aborted": JobState.ABORTED,
}
_MARKED = {
    Marker.SUCCESS: JobState.FINISHED,
    Marker.FAILURE: JobState.FAILED,
    Marker.ABORTED: JobState.ABORTED,
}
REFINEMENT = "relion.refine3d"
_ENDED_AT_ONCE = 20
"""So many refinements that have ended are read in one look, which holds up what else is asked of the project."""


def followed_state(status: str, markers: frozenset[Marker]) -> JobState:
    """State of a job that RELION runs: its row, or what the job has said since (RELION looks only now and then)."""
    state = _STATES.get(status, JobState.SCHEDULED)
    if state is not JobState.RUNNING:
        return state
    return next((_MARKED[marker] for marker in _MARKED if marker in markers), state)


class Followed:
    """Follows a project; to be used in its thread.

    Attributes
    ----------
    statuses
        RELION's status of every job by name, as of the last look.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._followers: dict[str, Follower] = {}
        self._ended: dict[str, Mapping[str, Any]] = {}
        self._read = 0
        self._own: Collection[str] = ()
        self._told: dict[str, Mapping[str, Any]] = {}
        self.statuses: dict[str, str] = {}

    def look(self, own: Collection[str] = ()) -> list[dict[str, Any]]:
        """Give the columns of each job that changed since the last look; ended jobs that are `own` are known anyway."""
        self._own = own
        rows = relion_project.list_processes(self._project)
        self._read = 0
        self.statuses = {row.name: row.status for row in rows}
        found = [self._columns(row.name, row.alias, row.kind, row.status) for row in rows]
        from_a_shell = relion_project.find_unregistered(self._project)
        found += [self._columns(name, "", f"{REFINEMENT}.tomo", "Running") for name in from_a_shell]
        news = [columns for columns in found if self._told.get(columns["name"]) != columns]
        self._told = {columns["name"]: columns for columns in found}
        return news

    def _columns(self, name: str, alias: str, kind: str, status: str) -> dict[str, Any]:
        state = _STATES.get(status, JobState.SCHEDULED)
        if state is JobState.RUNNING:
            state = followed_state(status, self._markers(name))
        columns = {"name": name, "alias": alias, "kind": kind, "state": state.value}
        if kind.startswith(REFINEMENT):
            columns |= self._progress(name, state)
        return columns

    def _markers(self, name: str) -> frozenset[Marker]:
        return frozenset(marker for marker in _MARKED if marker_file(self._project / name, marker).exists())

    def _progress(self, name: str, state: JobState) -> Mapping[str, Any]:
        """Look at a running refinement each time, at one that has ended once, and only at some of them in one look."""
        if state is JobState.RUNNING:
            self._ended.pop(name, None)
            return progress_columns(self._followers.setdefault(name, Follower(self._project / name)).look())
        if not state.has_ended:
            return {}
        follower = self._followers.pop(name, None)
        is_due = name not in self._ended and name not in self._own and self._read < _ENDED_AT_ONCE
        if follower is not None or is_due:
            self._read += 1
            self._ended[name] = progress_columns((follower or Follower(self._project / name)).look())
        return self._ended.get(name, {})
