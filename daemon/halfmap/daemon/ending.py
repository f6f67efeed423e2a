"""The end of an attempt: written down, told to RELION and to people, its cards given back once they are clean."""

import logging
from collections.abc import Awaitable, Callable

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.daemon import project as relion_project
from halfmap.daemon.attempt_files import Exit, Spec
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.job_list import row_of
from halfmap.daemon.lanes import Hung
from halfmap.daemon.messages import What
from halfmap.daemon.parts import Parts
from halfmap.daemon.project_lock import ProjectLocked
from halfmap.daemon.state import AttemptState, JobState
from halfmap.daemon.store import Job

_log = logging.getLogger(__name__)

_JOB_STATE = {
    AttemptState.FINISHED: JobState.FINISHED,
    AttemptState.FAILED: JobState.FAILED,
    AttemptState.ABORTED: JobState.ABORTED,
    AttemptState.LOST: JobState.LOST,
    AttemptState.NOT_STARTED: JobState.QUEUED,
}
_STATUS = {
    JobState.FINISHED: "Succeeded",
    JobState.FAILED: "Failed",
    JobState.LOST: "Failed",
    JobState.ABORTED: "Aborted",
}
_TOLD: dict[AttemptState, What] = {
    AttemptState.FINISHED: "finished",
    AttemptState.FAILED: "failed",
    AttemptState.LOST: "failed",
}
_RETRY_S = 5.0


class Ending:
    """Ends attempts."""

    def __init__(self, parts: Parts) -> None:
        self.queue_again: Callable[[Job, str], Awaitable[None]] | None = None
        """What has a job go on that was stopped for that; put in by whoever puts the daemon together."""
        self._parts = parts

    async def never_ran(self, job: Job, spec: Spec, reason: str, hold: bool = False) -> None:
        """Put a job back in the queue whose attempt provably never ran; it is tried again after a while, or held."""
        stop = self._parts.store.attempt(spec.uuid).stop
        self._parts.live_of(job.job).retry_at = self._parts.clock.monotonic() + _RETRY_S
        state = JobState.ABORTED if stop else JobState.QUEUED
        now = self._parts.clock.now()
        self._parts.written(
            lambda: self._parts.store.change_attempt(spec.uuid, AttemptState.NOT_STARTED, state, reason, ended=now)
        )
        if hold and state is JobState.QUEUED:
            self._parts.written(
                lambda: self._parts.store.change_job(job.job, JobState.HELD, "refused", reason, reason=reason)
            )
        await self.settle(job)
        self._parts.wake.set()

    async def ended(self, job: Job, spec: Spec, end: tuple[AttemptState, str], exit_: Exit | None) -> None:
        """Write down how an attempt ended."""
        state, reason = end
        if state is AttemptState.NOT_STARTED:
            await self.never_ran(job, spec, reason)
            return
        if exit_ is not None and exit_.left:
            reason = f"{reason}; could not be removed: {', '.join(exit_.left)}"
        code = exit_.code if exit_ else None
        now = self._parts.clock.now()
        stop = self._parts.store.attempt(spec.uuid).stop
        self._parts.written(
            lambda: self._parts.store.change_attempt(
                spec.uuid,
                state,
                _JOB_STATE[state],
                reason,
                ended=exit_.ended if exit_ else now,
                exit_code=code,
                memory_mb=exit_.peak_memory_mb if exit_ else None,
            )
        )
        crash_point("end.written")
        await self.settle(job)
        await self._parts.cards.give_back_clean()
        self._parts.live.pop(job.job, None)
        self._parts.wake.set()
        if stop and stop.resume:
            await self._go_on(job)
        else:
            await self._tell(job, state)

    async def _go_on(self, job: Job) -> None:
        found = self._parts.store.job(job.job)
        if found is not None and self.queue_again is not None:
            await self.queue_again(found, "")

    async def _tell(self, job: Job, state: AttemptState) -> None:
        """Tell people of an end, unless they asked for it."""
        what: What | None = _TOLD.get(state)
        row = row_of(self._parts.store.connection, job.job)
        if what is None or row is None:
            return
        try:
            await self._parts.notifier.tell(what, row)
        except StoreUnavailable as error:
            _log.warning("%s: nobody was told that it %s: %s", job.name, what, error)

    async def settle(self, job: Job) -> None:
        """Bring RELION's row and markers to what the store says; what is in the way is tried again at the next scan."""
        found = self._parts.store.job(job.job)
        if found is None or not found.name:
            return
        try:
            await self._parts.in_project(found.project, settle_files, found)
        except (Hung, ProjectLocked, OSError) as error:
            _log.warning("%s: its row in the pipeline is brought up to date later: %s", found.name, error)


def relion_status(state: JobState) -> str:
    """What RELION's list should say of one of our jobs; "" if it does not matter."""
    if state in (JobState.QUEUED, JobState.HELD):
        return "Scheduled"
    return "Running" if state in (JobState.RUNNING, JobState.STOPPING) else _STATUS.get(state, "")


def settle_files(job: Job) -> None:
    """In the project's thread: RELION's row, nodes and markers of one of our jobs as its state has them."""
    if job.state is JobState.FINISHED:
        relion_project.record_success(job.project, job.name)
    elif status := relion_status(job.state):
        relion_project.set_status(job.project, job.name, status)
    if job.state is JobState.LOST and not any(
        marker_file(job.folder, marker).exists() for marker in (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED)
    ):
        marker_file(job.folder, Marker.FAILURE).touch()
