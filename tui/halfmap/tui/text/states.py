"""States of jobs in words: how many there are of each, and what each means."""

from collections.abc import Mapping

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.palette import STATE_ROLES
from halfmap.tui.text.cells import Cell

_ORDER = (
    JobState.RUNNING,
    JobState.STARTING,
    JobState.STOPPING,
    JobState.QUEUED,
    JobState.PREPARING,
    JobState.SCHEDULED,
    JobState.HELD,
    JobState.FAILED,
    JobState.LOST,
    JobState.ABORTED,
    JobState.FINISHED,
)


def state_cell(row: JobRow) -> Cell:
    """Tell a job's state; an alarm has a ``!``."""
    role = "alarm" if row.alarm else STATE_ROLES.get(row.state.value, "")
    return Cell(f"{row.state.value} !" if row.alarm else row.state.value, role)


def counts(jobs_by_state: Mapping[str, int]) -> tuple[Cell, ...]:
    """Tell how many jobs are in each state, what goes on first; states without jobs are left out."""
    found = [(state.value, jobs_by_state.get(state.value, 0)) for state in _ORDER]
    return tuple(Cell(f"{number} {state}", STATE_ROLES.get(state, "")) for state, number in found if number)
