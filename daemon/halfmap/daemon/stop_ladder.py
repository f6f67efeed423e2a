"""Climbing the ladder of stops for one attempt, and saying what cannot be removed."""

import logging
import signal
from collections.abc import Sequence

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.daemon.attempt_files import Identity, Spec
from halfmap.daemon.crash_points import crash_point
from halfmap.daemon.observing import Observation
from halfmap.daemon.parts import Parts
from halfmap.daemon.processes import ProcessSeen, kill_all
from halfmap.daemon.stop_steps import Facts, Step, next_step
from halfmap.daemon.store import Job, Stop
from halfmap.daemon.sweeping import in_words

_log = logging.getLogger(__name__)


class StopLadder:
    """The stop of one attempt; the patience of each rung begins anew with a new daemon.

    Parameters
    ----------
    parts, job, spec
        What the daemon is made of, and the attempt.
    """

    def __init__(self, parts: Parts, job: Job, spec: Spec) -> None:
        self._parts = parts
        self._job = job
        self._spec = spec
        self._stop: Stop | None = None
        self._done: list[tuple[Step, float]] = []
        self._told = ""

    async def climb(self, identity: Identity, seen: Observation, stop: Stop | None) -> None:
        """Take the next step if it is time."""
        if stop is None:
            return
        if stop != self._stop:
            self._stop, self._done = stop, []
        now = self._parts.clock.monotonic()
        iteration = seen.look.latest["iteration"] if seen.look.latest else None
        facts = Facts(
            mode=stop.mode,
            done=tuple((step, now - when) for step, when in self._done),
            has_new_iteration=iteration is not None and iteration > (stop.iteration or 0),
        )
        step = next_step(facts, self._parts.settings.stop)
        if step is Step.WAIT:
            return
        _log.info("%s: %s", self._job.name, step)
        self._done.append((step, now))
        if step is Step.LEFT_OVER:
            self._say_what_is_left(seen.processes)
        elif self._spec.slurm and step is not Step.ABORT:
            await self._in_slurm(step)
        else:
            await self._parts.in_project(self._job.project, self._take, step, identity, seen.processes)
        crash_point(f"stop.{step}")

    async def _in_slurm(self, step: Step) -> None:
        if step is Step.TERMINATE:
            await self._parts.slurm.signal(self._spec.uuid, "TERM")
        else:
            await self._parts.slurm.cancel(self._spec.uuid)

    def _take(self, step: Step, identity: Identity, processes: Sequence[ProcessSeen]) -> None:
        """In the project's thread: take a step."""
        if step is Step.ABORT:
            marker_file(self._job.folder, Marker.ABORT_NOW).touch()
            return
        shims = [process for process in processes if process.pid == identity.process_id]
        others = [process for process in processes if process.pid != identity.process_id]
        if step is Step.TERMINATE:
            # stopped processes take no other signal until they are continued
            kill_all(others, signal.SIGCONT)
            kill_all(shims or others, signal.SIGTERM)
            return
        # the shim last, when nothing else is left: it reaps the others, and tells that the end was wanted
        kill_all(shims if others else [], signal.SIGTERM)
        kill_all(others, signal.SIGKILL)
        kill_all(shims, signal.SIGCONT if others else signal.SIGKILL)

    def _say_what_is_left(self, processes: Sequence[ProcessSeen]) -> None:
        alarm = f"STOPPED IN VAIN: cannot be removed: {in_words(processes) or 'what Slurm has'}"
        if alarm == self._told:
            return
        self._told = alarm
        self._parts.written(
            lambda: self._parts.store.change_job(self._job.job, event="left_over", text=alarm, alarm=alarm)
        )
