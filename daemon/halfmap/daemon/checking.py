"""Looking at a job's inputs before it starts, once for each start, in its project's thread."""

import asyncio
import contextlib
import json
import logging

from halfmap.daemon.command import demand
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.lanes import Hung
from halfmap.daemon.parts import Parts
from halfmap.daemon.preflight import Preflight, check, surroundings
from halfmap.daemon.starting import job_to_start
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Job

_log = logging.getLogger(__name__)


class Checking:
    """Pre-flights of jobs that are about to start."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks: set[asyncio.Task[None]] = set()

    def what_keeps(self, job: Job) -> str:
        """Tell what keeps a job from starting as far as its inputs go; the check is begun where it was not made yet."""
        live = self._parts.live_of(job.job)
        if live.preflight is not None:
            return ""
        if not live.is_checking:
            live.is_checking = True
            task = asyncio.get_running_loop().create_task(self._check(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return "its inputs are being looked at"

    async def _check(self, job: Job) -> None:
        live = self._parts.live_of(job.job)
        try:
            found = await self._parts.in_project(job.project, self._look, job)
        except Hung as error:
            self._parts.project_trouble[job.project] = str(error)
            return
        except Exception as error:  # a mistake of the look: the engine looks at its inputs itself
            _log.exception("%s: its inputs could not be looked at", job.name)
            found = Preflight(warnings=(f"Its inputs could not be looked at: {type(error).__name__}: {error}",))
        finally:
            live.is_checking = False
        if found.problems:
            self._hold(job, found)
        else:
            live.preflight = found
            self._keep_warnings(job, found)
        self._parts.wake.set()

    def _look(self, job: Job) -> Preflight:
        """In the project's thread."""
        options = job_to_start(job)
        peaks = self._parts.store.peaks()
        around = surroundings(job.project, is_here=job.launch.place == "here")
        return check(job.project, options, demand(options, job.launch), peaks, job.launch.engine, around)

    def _hold(self, job: Job, found: Preflight) -> None:
        """Keep a job whose inputs do not fit; a person mends them and releases it."""
        reason = f"refused before its start: {' '.join(found.problems)} Mend that and release it."
        with contextlib.suppress(StoreUnavailable):
            self._parts.written(
                lambda: self._parts.store.change_job(job.job, JobState.HELD, "refused", reason, reason=reason)
            )

    def _keep_warnings(self, job: Job, found: Preflight) -> None:
        with contextlib.suppress(StoreUnavailable):
            self._parts.written(
                lambda: self._parts.store.change_job(job.job, warnings=json.dumps(list(found.warnings)))
            )
