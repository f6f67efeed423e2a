"""After a start: every attempt that was live is classified, and every half-made job is gone on with."""

import logging

from halfmap.daemon.parts import Parts
from halfmap.daemon.state import JobState
from halfmap.daemon.stopping import Stopping
from halfmap.daemon.tending import Tending

_log = logging.getLogger(__name__)

_RESUMABLE = (JobState.FAILED, JobState.ABORTED, JobState.LOST)


async def recover(parts: Parts, tending: Tending, stopping: Stopping) -> None:
    """Take up what an earlier daemon left.

    Attempts are looked after by their own tasks, so one on a file system that hangs keeps no other waiting.
    """
    for attempt in parts.store.live_attempts():
        _log.info("attempt %s of job %d is taken up again", attempt.uuid, attempt.job)
        tending.begin(attempt.uuid, is_new=False)
    for job in parts.store.own_jobs(*_RESUMABLE):
        latest = parts.store.attempts(job.job)[:1]
        # it was stopped in order to go on, and the daemon ended in between
        if latest and latest[0].stop is not None and latest[0].stop.resume:
            await stopping.queue_again(job, key="")
