"""Asking Slurm about all of our attempts at once, and remembering what it said."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from halfmap.daemon.clock import Clock
from halfmap.daemon.command import demand
from halfmap.daemon.lanes import Hung, Lanes
from halfmap.daemon.launcher import Launcher
from halfmap.daemon.options import job_of
from halfmap.daemon.settings import BadSettings, Slurm
from halfmap.daemon.slurm import OverSlurm, SlurmRefused, SlurmUnavailable
from halfmap.daemon.slurm_partitions import SlurmPartitions
from halfmap.daemon.slurm_script import Asked
from halfmap.daemon.slurm_states import SlurmJob, standing
from halfmap.daemon.store import Job, Store

_LANE = Path("/slurm")
_PATIENCE_S = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlurmSight:
    """What Slurm said last of an attempt.

    Attributes
    ----------
    job
        None if it does not know it.
    silent_s
        For how long (s) it has been over or unknown there.
    was_asked
        Whether Slurm has answered yet since the daemon's start: until then nothing can be concluded.
    """

    job: SlurmJob | None
    silent_s: float
    was_asked: bool = True


class SlurmWatch:
    """What Slurm says.

    Parameters
    ----------
    settings, environ
        Template and options; the daemon's environment.
    store, lanes, clock
        Which attempts are Slurm's; the thread that asks; the time.

    Attributes
    ----------
    partitions
        Slurm's partitions.

    Raises
    ------
    BadSettings
        If the template or an option cannot be used.
    """

    def __init__(self, settings: Slurm, environ: Mapping[str, str], store: Store, lanes: Lanes, clock: Clock) -> None:
        try:
            template = Path(settings.template).expanduser().read_text(encoding="utf-8") if settings.template else ""
            self._over = OverSlurm(environ, template, settings.options)
        except (OSError, ValueError) as error:
            raise BadSettings(f"daemon.toml: slurm: {error}") from None
        self.partitions = SlurmPartitions(environ, lanes, clock)
        self._store = store
        self._lanes = lanes
        self._clock = clock
        self._jobs: dict[str, SlurmJob] = {}
        self._silent_since: dict[str, float] = {}
        self._asked: set[str] = set()

    def launcher(self, job: Job) -> Launcher:
        """Give what hands a job to Slurm."""
        wanted = demand(job_of(job.kind, job.options), job.launch)
        partition = job.launch.place.partition(":")[2]
        return self._over.asking(Asked(partition, wanted.ranks, wanted.threads, wanted.cards, job.launch.memory_mb))

    def sight(self, uuid: str) -> SlurmSight:
        """What is known of an attempt; an attempt that Slurm was not asked about yet is not silent."""
        since = self._silent_since.get(uuid)
        silent_s = 0.0 if since is None else self._clock.monotonic() - since
        return SlurmSight(self._jobs.get(uuid), silent_s, uuid in self._asked)

    async def look(self) -> None:
        """Ask about all attempts that Slurm has, with one call; an answer that does not come changes nothing."""
        uuids = [attempt.uuid for attempt in self._store.live_attempts() if '"slurm":true' in attempt.spec]
        if not uuids:
            return
        try:
            found = await self._lanes.run(_LANE, self._over.look, uuids, patience_s=_PATIENCE_S)
        except (SlurmUnavailable, SlurmRefused, Hung) as error:
            _log.warning("Slurm: %s", error)
            return
        now = self._clock.monotonic()
        for uuid in uuids:
            job = found.get(uuid)
            if standing(job).may_run:
                self._silent_since.pop(uuid, None)
            else:
                self._silent_since.setdefault(uuid, now)
            if job is not None:
                self._note(uuid, job)
        self._jobs, self._asked = found, set(uuids)

    def _note(self, uuid: str, job: SlurmJob) -> None:
        before = self._jobs.get(uuid)
        if before is None or before.id != job.id:
            self._store.note_slurm_job(uuid, job.id)

    async def cancel(self, uuid: str) -> None:
        """Have Slurm cancel an attempt."""
        await self._lanes.run(_LANE, self._over.cancel, uuid, patience_s=_PATIENCE_S)

    async def signal(self, uuid: str, name: str) -> None:
        """Have Slurm signal an attempt's shim."""
        await self._lanes.run(_LANE, self._over.signal, uuid, name, patience_s=_PATIENCE_S)
