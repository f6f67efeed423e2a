"""Looking after one attempt from its start, or from its adoption after a restart, to its end.

One task for each live attempt. It only looks and writes down; the processes need neither it nor the daemon.
"""

import asyncio
import contextlib
import logging
import sqlite3
import uuid as uuids

from halfmap.daemon.attempt_files import Identity, Spec
from halfmap.daemon.command import CannotLaunch
from halfmap.daemon.database import StoreUnavailable
from halfmap.daemon.ending import Ending
from halfmap.daemon.figures import Figures
from halfmap.daemon.lanes import Hung
from halfmap.daemon.observing import Observation, Observer
from halfmap.daemon.parts import Parts
from halfmap.daemon.process_end import ended_process, reap
from halfmap.daemon.scheduler import Start
from halfmap.daemon.slurm import SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_states import end_without_word, standing
from halfmap.daemon.starting import launch, make_spec, prove_not_started
from halfmap.daemon.state import AttemptState, JobState
from halfmap.daemon.stop_ladder import StopLadder
from halfmap.daemon.store import Attempt, Job
from halfmap.daemon.sweeping import in_words, sweep

_IDENTITY_S = 15.0
_LOOK_S = 0.01
_RETRY_S = 3.0

_log = logging.getLogger(__name__)


class Tending:
    """The tasks of all live attempts.

    Parameters
    ----------
    parts
        What the daemon is made of.
    ending
        Who writes down how an attempt ended.
    """

    def __init__(self, parts: Parts, ending: Ending) -> None:
        self._parts = parts
        self._ending = ending
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pokes: dict[str, asyncio.Event] = {}

    def start(self, start: Start) -> bool:
        """Write an attempt and its leases down, and let it begin; False if the job cannot be launched as it is."""
        store = self._parts.store
        job = store.job(start.job)
        assert job is not None
        try:
            spec = make_spec(self._parts, job, f"{uuids.uuid4()}", start.cards)
        except CannotLaunch as error:
            reason = f"refused before its start: {error}"
            self._parts.written(lambda: store.change_job(job.job, JobState.HELD, "refused", reason, reason=reason))
            return False
        try:
            text = spec.model_dump_json()
            self._parts.written(lambda: store.begin_attempt(job.job, spec.uuid, text, start.cards, spec.slurm))
        except sqlite3.IntegrityError:
            _log.warning("job %d: a card was leased meanwhile; it goes on waiting", job.job)
            return False
        self._parts.live_of(job.job).preflight = None
        self.begin(spec.uuid, is_new=True)
        return True

    def begin(self, uuid: str, is_new: bool) -> None:
        """Look after an attempt from now on; a new one is started first, any other is adopted."""
        if uuid in self._tasks:
            return
        self._pokes[uuid] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._tend_safely(uuid, is_new), name=f"attempt {uuid}")
        self._tasks[uuid] = task
        task.add_done_callback(lambda _done: self._forget(uuid))

    def _forget(self, uuid: str) -> None:
        self._tasks.pop(uuid, None)
        self._pokes.pop(uuid, None)

    def poke(self, uuid: str) -> None:
        """Have an attempt looked at now."""
        if uuid in self._pokes:
            self._pokes[uuid].set()

    async def close(self) -> None:
        """Stop looking; the processes go on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tend_safely(self, uuid: str, is_new: bool) -> None:
        """Tend, whatever happens: a mistake here must not leave a job without anybody who looks after it."""
        while True:
            try:
                await _Care(self._parts, self._ending, self._pokes[uuid], uuid).tend(is_new)
                return
            except (Hung, StoreUnavailable, OSError) as error:
                _log.warning("attempt %s: %s", uuid, error)
                self._tell(uuid, str(error))
            except Exception:
                _log.exception("attempt %s: looking after it failed; it is tried again", uuid)
            is_new = False
            await asyncio.sleep(_RETRY_S)

    def _tell(self, uuid: str, alarm: str) -> None:
        live = self._parts.live_of(self._parts.store.attempt(uuid).job)
        live.figures = {**live.figures, "alarm": alarm}


class _Care:
    """Care of one attempt."""

    def __init__(self, parts: Parts, ending: Ending, poke: asyncio.Event, uuid: str) -> None:
        self._parts = parts
        self._ending = ending
        self._poke = poke
        self._uuid = uuid
        job = parts.store.job(parts.store.attempt(uuid).job)
        assert job is not None
        self._job: Job = job
        self._spec = Spec.model_validate_json(self._attempt().spec)
        self._observer = Observer(job, self._spec)
        self._over: tuple[AttemptState, str] | None = None
        self._ladder = StopLadder(parts, job, self._spec)
        self._figures = Figures(parts, job, self._spec)

    def _attempt(self) -> Attempt:
        return self._parts.store.attempt(self._uuid)

    async def tend(self, is_new: bool) -> None:
        """See the attempt through to its end."""
        if is_new and not await self._launched():
            return
        identity = await self._identity(patient=is_new or self._spec.slurm)
        if identity is None:
            await self._not_started("it never ran")
            return
        await self._follow(identity)

    async def _launched(self) -> bool:
        launcher = self._parts.slurm.launcher(self._job) if self._spec.slurm else self._parts.here
        try:
            start = self._parts.in_project_and_slurm if self._spec.slurm else self._parts.in_project
            await start(self._job.project, launch, self._job, self._spec, launcher)
        except Hung:
            raise
        except SlurmRefused as error:
            await self._not_started(f"Slurm refuses it: {error}", hold=True)
            return False
        except OSError as error:
            await self._not_started(f"could not be started: {error}")
            return False
        self._parts.counters.starts += 1
        return True

    async def _not_started(self, reason: str, hold: bool = False) -> None:
        """Queue the job again, or hold it, once it is certain that nothing of this attempt runs or ever will."""
        running = await self._parts.in_project(self._job.project, prove_not_started, self._job, self._spec)
        if running is not None:
            await self._follow(running)
            return
        if self._spec.slurm:
            # Slurm may have it in its queue all the same; started from there it would find that it must not
            with contextlib.suppress(SlurmRefused, SlurmUnavailable, Hung):
                await self._parts.slurm.cancel(self._uuid)
        if self._over is not None and self._over[0] is not AttemptState.NOT_STARTED:
            # what Slurm ended before it began would come to the same end again
            await self._ending.ended(self._job, self._spec, self._over, None)
            return
        await self._ending.never_ran(self._job, self._spec, reason, hold)

    async def _identity(self, patient: bool) -> Identity | None:
        """Wait until the launched process has said who it is; None if it has not."""
        until = self._parts.clock.monotonic() + _IDENTITY_S
        while True:
            found = await self._parts.in_project(self._job.project, self._observer.identity)
            if found is not None:
                return None if found.fenced else found
            if self._spec.slurm:
                if await self._is_over_in_slurm():
                    return None
            elif not patient or self._parts.clock.monotonic() > until:
                return None
            await self._rest(self._parts.settings.ticks.follow_s if self._spec.slurm else _LOOK_S)

    async def _is_over_in_slurm(self) -> bool:
        """Whether Slurm has no more to do with an attempt that has not begun; what it waits for is told."""
        sight = self._parts.slurm.sight(self._uuid)
        if self._attempt().stop is not None:
            await self._parts.slurm.cancel(self._uuid)
        self._figures.tell_reason(standing(sight.job).words)
        self._over = end_without_word(sight.job, has_started=False, silent_s=sight.silent_s)
        return self._over is not None

    async def _follow(self, identity: Identity) -> None:
        pause, usual = _LOOK_S, self._parts.settings.ticks.follow_s
        async with ended_process(identity, self._poke):
            while (seen := await self._look(identity)).end is None:
                self._note_begin(identity, seen)
                await self._figures.update(seen)
                await self._ladder.climb(identity, seen, self._attempt().stop)
                pause = min(2 * pause, usual) if self._attempt().state is AttemptState.STARTING else usual
                await self._rest(pause)
        self._note_begin(identity, seen)
        reap(identity)
        await self._figures.update(seen)
        state, reason = seen.end
        if seen.exit is None and seen.processes:
            # it has said how it ended, and its shim is not there any more to clean up after it
            left = await self._parts.in_project(self._job.project, sweep, self._uuid, seen.processes)
            reason += f"; could not be removed: {in_words(left)}" if left else ""
        await self._ending.ended(self._job, self._spec, (state, reason), seen.exit)

    def _note_begin(self, identity: Identity, seen: Observation) -> None:
        """Say that an attempt runs, once it does: a shim that has yet to look at its cards may still refuse."""
        if self._attempt().state is not AttemptState.STARTING:
            return
        if seen.end is not None:
            has_begun = seen.end[0] is not AttemptState.NOT_STARTED
        else:
            has_begun = not self._spec.cards or any(one.pid != identity.process_id for one in seen.processes)
        if has_begun:
            self._parts.written(lambda: self._running(identity))

    def _running(self, identity: Identity) -> None:
        started = identity.time or self._parts.clock.now()
        self._parts.store.change_attempt(
            self._uuid, AttemptState.RUNNING, JobState.RUNNING, started=started, process_id=identity.process_id
        )

    async def _look(self, identity: Identity) -> Observation:
        stop, project = self._attempt().stop is not None, self._job.project
        if not self._spec.slurm:
            return await self._parts.in_project(project, self._observer.look, identity, stop)
        sight = self._parts.slurm.sight(self._uuid)
        return await self._parts.in_project(project, self._observer.look_elsewhere, sight, stop)

    async def _rest(self, seconds: float) -> None:
        """Wait, or less if something happened."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._poke.wait(), seconds)
        self._poke.clear()
