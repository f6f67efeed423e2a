"""Stopping attempts, rung by rung, and queueing jobs again to go on from where they were."""

from typing import Any

from halfmap.contract import job_directory
from halfmap.contract.job_directory import Marker, marker_file
from halfmap.contract.job_types import GO_ON, REFINE3D, type_labelled
from halfmap.daemon.ending import Ending
from halfmap.daemon.options import job_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.records import StopMode
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Job, Stop
from halfmap.daemon.sweeping import in_words, sweep
from halfmap.daemon.tending import Tending


class Stopping:
    """Takes requests to stop and to go on.

    Parameters
    ----------
    parts
        What the daemon is made of.
    tending, ending
        Who climbs the ladder, and who tells RELION.
    """

    def __init__(self, parts: Parts, tending: Tending, ending: Ending) -> None:
        self._parts = parts
        self._ending = ending
        self._tending = tending

    def ask(self, job: Job, mode: StopMode, key: str, resume: bool = False) -> None:
        """Note that a running job is to be stopped, and wake who does it."""
        attempt = self._parts.store.attempts(job.job)[0]
        live = self._parts.live_of(job.job)
        self._parts.store.request_stop(attempt.uuid, Stop(mode, live.iteration, resume), key)
        self._tending.poke(attempt.uuid)

    async def settle(self, job: Job) -> None:
        """Bring RELION's row to what the store says of a job."""
        await self._ending.settle(job)

    async def queue_again(self, job: Job, key: str) -> None:
        """Queue an ended job, to go on from its last whole iteration; nothing of an earlier attempt may be left.

        Raises
        ------
        halfmap.daemon.lanes.Hung, halfmap.daemon.database.StoreUnavailable
            If it cannot be done now.
        """
        uuids = [attempt.uuid for attempt in self._parts.store.attempts(job.job)]
        optimiser = await self._parts.in_project(job.project, clean_up, job, uuids)
        self._parts.live.pop(job.job, None)
        text = f"goes on from {optimiser}" if optimiser else _begins_again(job)
        columns: dict[str, Any] = {"reason": "", "alarm": "", "continue_from": optimiser, "ended": None}
        self._parts.written(
            lambda: self._parts.store.change_job(job.job, JobState.QUEUED, "resume", text, key, **columns)
        )
        self._parts.wake.set()


def _begins_again(job: Job) -> str:
    kind = type_labelled(job.kind)
    if kind is None or kind is REFINE3D:
        return "starts from the beginning; it had no whole iteration"
    goes_on = kind.redo(job_of(job.kind, job.options), job.launch.engine) == GO_ON
    return "goes on with what is not there yet" if goes_on else "starts from the beginning"


def clean_up(job: Job, uuids: list[str]) -> str:
    """In the project's thread: see that nothing of a job runs any more, and find what it can go on from.

    Returns
    -------
    str
        The optimiser file of the last whole iteration, relative to the project; "" if there is none.

    Raises
    ------
    OSError
        If something cannot be removed.
    """
    left = [process for uuid in uuids for process in sweep(uuid)]
    if left:
        raise OSError(f"processes of an earlier attempt cannot be removed: {in_words(left)}")
    marker_file(job.folder, Marker.ABORT_NOW).unlink(missing_ok=True)
    iteration = job_directory.last_whole_iteration(job.root)
    return "" if iteration is None else str(job_directory.optimiser_file(f"{job.name}run", iteration))
