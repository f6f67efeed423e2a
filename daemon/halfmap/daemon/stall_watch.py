"""Listening for silence in one attempt and saying who is silent. Nothing is done about it: that is for a person."""

import logging

from halfmap.daemon.activity import ActivityLog
from halfmap.daemon.attempt_files import Spec
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.job_list import row_of
from halfmap.daemon.observing import Observation
from halfmap.daemon.parts import Parts
from halfmap.daemon.stall import Stall, judge_stall
from halfmap.daemon.store import Job

_log = logging.getLogger(__name__)


class StallWatch:
    """Listens to one attempt.

    Parameters
    ----------
    parts, job, spec
        What the daemon is made of, and the attempt.
    """

    def __init__(self, parts: Parts, job: Job, spec: Spec) -> None:
        self._parts = parts
        self._job = job
        self._spec = spec
        self._activity = ActivityLog()
        self._is_stalled = bool(job.alarm)

    async def look(self, seen: Observation) -> None:
        """Take a look in, and raise or end the alarm; while it lasts its words are kept up to date."""
        now = self._parts.clock.monotonic()
        cards = self._parts.cards.of(self._spec.cards)
        activity = self._activity.observe(now, seen.look, seen.processes, cards)
        stall = judge_stall(activity, self._parts.settings.stall, now)
        if stall is not None:
            live = self._parts.live_of(self._job.job)
            live.figures = {**live.figures, "alarm": stall.text}
            if not self._is_stalled:
                await self._raise_alarm(stall)
        elif self._is_stalled and activity.signs:
            self._is_stalled = False
            self._change("goes_on", "it makes progress again", "")

    async def _raise_alarm(self, stall: Stall) -> None:
        self._is_stalled = True
        self._parts.counters.stalls += 1
        self._change("stalled", stall.text, stall.text)
        row = row_of(self._parts.store.connection, self._job.job)
        if row is None:
            return
        try:
            await self._parts.notifier.tell("stalled", row)
        except StoreUnavailable as error:
            _log.warning("%s: nobody was told that it stalls: %s", self._job.name, error)

    def _change(self, event: str, text: str, alarm: str) -> None:
        store, job = self._parts.store, self._job.job
        self._parts.written(lambda: store.change_job(job, event=event, text=text, alarm=alarm))
