"""The queue looked at: what store, cards and pre-flights tell goes into the scheduler, and starts come out."""

import os
import re
import time

from halfmap.daemon.checking import Checking
from halfmap.daemon.command import Demand, demand
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.options import job_of
from halfmap.daemon.parts import Parts
from halfmap.daemon.scheduler import Machine, Need, Running, Waiting, next_actions
from halfmap.daemon.state import JobState
from halfmap.daemon.store import Job
from halfmap.daemon.tending import Tending

_ACTIVE = (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)
_DAY_S = 86400.0
_NUMBERS = re.compile(r"\d+(\.\d+)?")


class WaitingLine:
    """Jobs that wait.

    Parameters
    ----------
    parts
        What the daemon is made of.
    tending
        Who starts them.
    checking
        Who looks at their inputs first.

    Attributes
    ----------
    next_begin
        When the next job may begin that waits for its time (s since the epoch); None if there is none for a day.
    """

    def __init__(self, parts: Parts, tending: Tending, checking: Checking) -> None:
        self._parts = parts
        self._tending = tending
        self._checking = checking
        self.next_begin: float | None = None

    async def look(self) -> None:
        """Start what can start, and tell why the rest waits."""
        began = time.monotonic()
        queued = self._parts.store.own_jobs(JobState.QUEUED, JobState.HELD)
        if any(self._demand(job).cards for job in queued):
            await self._parts.cards.refresh()
            queued = self._parts.store.own_jobs(JobState.QUEUED, JobState.HELD)
        if self._parts.trouble:
            return
        # nothing is awaited between the plan and the leases: what was free is free
        try:
            self._act(queued)
        except StoreUnavailable:
            return
        self._parts.counters.schedule_seconds = time.monotonic() - began

    def _act(self, queued: list[Job]) -> None:
        waiting = [self._waiting(job) for job in queued]
        plan = next_actions(waiting, self._running(), self.machine(), self._parts.settings.limits, self._now())
        started = [self._tending.start(start) for start in plan.starts]
        self._tell([(job, plan.reasons[job.job]) for job in queued if job.job in plan.reasons])
        self.next_begin = min(
            (job.begin for job in queued if job.begin is not None and 0 < job.begin - self._now() < _DAY_S),
            default=None,
        )
        if any(started):
            self._parts.wake.set()

    def _now(self) -> float:
        return self._parts.clock.now()

    def _tell(self, reasons: list[tuple[Job, str]]) -> None:
        """Keep why jobs wait, all at once; it is an event when more than the numbers changed."""
        changed = [
            (job.job, reason, _NUMBERS.sub("#", reason) != _NUMBERS.sub("#", job.reason))
            for job, reason in reasons
            if job.state is JobState.QUEUED and reason != job.reason
        ]
        if changed:
            self._parts.written(lambda: self._parts.store.note_reasons(changed))

    def _demand(self, job: Job) -> Demand:
        return demand(job_of(job.kind, job.options), job.launch)

    def _need(self, job: Job) -> Need:
        wanted, live = self._demand(job), self._parts.live_of(job.job)
        predicted = live.preflight.memory_mb_per_rank if live.preflight else None
        memory = job.launch.memory_mb or wanted.ranks * (predicted or 0)
        on_card = live.preflight.memory_mb_per_card if live.preflight else None
        return Need(wanted.cores, memory, wanted.cards, (on_card or 0) if wanted.cards else 0)

    def _waiting(self, job: Job) -> Waiting:
        after = {self._short(name): self._state_of(job, name) for name in job.launch.after}
        unready = any(state is not JobState.FINISHED for state in after.values())
        later = job.begin is not None and job.begin > self._now()
        trouble = self._parts.project_trouble.get(job.project, "")
        if not (trouble or unready or later or job.state is JobState.HELD):
            trouble = self._retry_later(job) or self._checking.what_keeps(job)
        return Waiting(
            job=job.job,
            name=self._short(job.name),
            project=str(job.project),
            need=self._need(job),
            priority=job.priority,
            since=job.submitted,
            held=job.state is JobState.HELD,
            begin=job.begin,
            after=after,
            trouble=trouble,
            elsewhere=job.launch.place != "here",
        )

    def _retry_later(self, job: Job) -> str:
        seconds = self._parts.live_of(job.job).retry_at - self._parts.clock.monotonic()
        # the reason of the start that did not work stays until the next try
        return job.reason or "its start did not work; it is tried again" if seconds > 0 else ""

    def _state_of(self, job: Job, name: str) -> JobState | None:
        found = self._parts.store.named(job.project, name)
        return None if found is None else found.state

    @staticmethod
    def _short(name: str) -> str:
        return name.rstrip("/").rpartition("/")[2]

    def _running(self) -> list[Running]:
        return [
            Running(job.job, str(job.project), self._need(job), job.launch.place != "here")
            for job in self._parts.store.own_jobs(*_ACTIVE)
        ]

    def taken(self) -> Need:
        """What running jobs have of this machine."""
        here = [job.need for job in self._running() if not job.elsewhere]
        return Need(sum(need.cores for need in here), sum(need.memory_mb for need in here))

    def next_look_s(self, at_most_s: float) -> float:
        """When the queue should be looked at again, if nothing happens: in time for the next try of a start."""
        later = [live.retry_at for live in self._parts.live.values()]
        waits = [seconds for at in later if (seconds := at - self._parts.clock.monotonic()) > 0]
        return min([at_most_s, *waits])

    def machine(self) -> Machine:
        """What this machine has."""
        return Machine(cores_here(), memory_mb_here(), self._parts.cards.sights(), self._parts.cards.problem)


def cores_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_mb_here() -> float:
    """Memory of this machine, or of its container."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(name, encoding="ascii") as file:  # noqa: PTH123 (a kernel file, read at each look)
                text = file.read().strip()
        except OSError:
            continue
        if text.isdecimal():
            return min(physical, int(text) / 2**20)
    return physical
