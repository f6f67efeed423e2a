"""Thousands of jobs, for benches and tests: the same ones every time."""

from halfmap.daemon.client import JobState
from halfmap.daemon.fake import FakeService

_PROJECTS = 12
_STATES = (
    JobState.FINISHED, JobState.FINISHED, JobState.FINISHED, JobState.ABORTED, JobState.FINISHED, JobState.FAILED,
    JobState.QUEUED, JobState.RUNNING, JobState.HELD, JobState.FINISHED, JobState.LOST, JobState.FINISHED,
)  # fmt: skip
_SPECIES = ("ribosome", "capsid", "proteasome", "nucleosome", "atp_synthase", "spike")
_REASONS = {
    JobState.FAILED: "exit code 1: The run stopped on an error; the last lines of run.err say which.",
    JobState.QUEUED: "needs 2 cards, 1 free: card 0 leased to job 17",
    JobState.LOST: "its processes are gone and nothing tells how they ended",
}


def many_jobs(service: FakeService, number: int) -> None:
    """Add so many jobs in a dozen projects, in all states; every job of a kind that the daemon follows or runs."""
    begin = service.now - 60.0 * number
    for nth in range(number):
        state = _STATES[nth % len(_STATES)]
        species = _SPECIES[nth % len(_SPECIES)]
        submitted = begin + 60.0 * nth
        has_started = state.is_active or state.has_ended
        service.add_job(
            f"/data/projects/{species}_{nth % _PROJECTS:02d}",
            name=f"Refine3D/job{nth + 1:04d}/",
            alias=f"Refine3D/{species}_bin{1 + nth % 4}_{nth}/" if nth % 3 else "",
            state=state,
            followed=nth % 7 == 3,
            reason=_REASONS.get(state, ""),
            priority=nth % 5,
            submitted=submitted,
            started=submitted + 30.0 if has_started else None,
            ended=submitted + 3600.0 + 7.0 * (nth % 900) if state.has_ended else None,
            iteration=1 + nth % 25 if has_started else None,
            phase="expectation" if state is JobState.RUNNING else "",
            fraction=(nth % 100) / 100 if state is JobState.RUNNING else None,
            resolution_angstrom=round(4.0 + (nth * 37 % 400) / 20, 2) if has_started else None,
            resolution_before_angstrom=round(4.4 + (nth * 37 % 400) / 20, 2) if has_started else None,
            accuracy_rotation_deg=round(0.4 + (nth % 40) / 20, 2) if has_started else None,
            accuracy_translation_angstrom=round(0.6 + (nth % 50) / 25, 2) if has_started else None,
            angular_step_deg=(7.5, 3.75, 1.875, 0.9375)[nth % 4] if has_started else None,
            cores=4,
        )
