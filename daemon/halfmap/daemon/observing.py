"""What can be seen of a running attempt: its processes, its files, its end if it has come. Nothing is changed here."""

from dataclasses import dataclass

from halfmap.contract.job_directory import Marker, marker_file
from halfmap.daemon.attempt_files import Exit, Identity, Spec, read_exit, read_identity
from halfmap.daemon.ends import classify
from halfmap.daemon.following import Follower, Look
from halfmap.daemon.processes import ProcessSeen, is_alive, processes_of
from halfmap.daemon.slurm_states import counts, end_without_word, explanation, standing
from halfmap.daemon.slurm_watch import SlurmSight
from halfmap.daemon.starting import folder_of
from halfmap.daemon.state import AttemptState
from halfmap.daemon.store import Job

_EXITS = (Marker.SUCCESS, Marker.FAILURE, Marker.ABORTED)


@dataclass(frozen=True, slots=True)
class Observation:
    """One look at an attempt.

    Attributes
    ----------
    look
        Its progress.
    processes
        Those of it that exist on this machine, its shim among them.
    end
        How it ended, and in words; None while it runs.
    exit
        What its shim wrote at the end.
    """

    look: Look
    processes: tuple[ProcessSeen, ...]
    end: tuple[AttemptState, str] | None
    exit: Exit | None = None


class Observer:
    """Looks at one attempt; to be used in its project's thread."""

    def __init__(self, job: Job, spec: Spec) -> None:
        self._folder = folder_of(job, spec)
        self._control = job.folder
        self._spec = spec
        self._follower = Follower(job.folder)
        self._known: tuple[ProcessSeen, ...] = ()

    def identity(self) -> Identity | None:
        """Who the attempt's shim says it is; None if it has not said so."""
        return read_identity(self._folder)

    def exit(self) -> Exit | None:
        """What the attempt's shim wrote at its end."""
        return read_exit(self._folder)

    def markers(self) -> frozenset[Marker]:
        """RELION's exit markers that are there."""
        return frozenset(marker for marker in _EXITS if marker_file(self._control, marker).exists())

    def look(self, identity: Identity, stop_asked_for: bool) -> Observation:
        """Look at an attempt on this machine; `stop_asked_for` tells whether an end is what was wanted."""
        # first whether it lives, then what it left: an end that comes in between is seen at the next look
        shim_lives = is_alive(identity)
        # what once belonged to it still does, when its shim is gone and it has left session and environment behind
        self._known = processes = tuple(processes_of(self._spec.uuid, identity.process_id, self._known))
        markers, exit_ = self.markers(), self.exit()
        # without its shim an attempt goes on as long as its ranks do, unless it has said that it ended
        alive = shim_lives or (bool(processes) and not markers)
        return Observation(self._follower.look(), processes, classify(exit_, markers, alive, stop_asked_for), exit_)

    def look_elsewhere(self, slurm: SlurmSight, stop_asked_for: bool) -> Observation:
        """Look at an attempt in Slurm's hands: its files, and what Slurm says."""
        exit_ = self.exit()
        if not slurm.was_asked:
            return Observation(self._follower.look(), (), None)
        end = end_without_word(slurm.job, has_started=True, silent_s=slurm.silent_s)
        if exit_ is not None and (end is not None or counts(exit_.code, standing(slurm.job))):
            end = classify(exit_, self.markers(), False, stop_asked_for)
            if end is not None and (words := explanation(slurm.job)):
                end = end[0], f"{end[1]}; {words}"
        return Observation(self._follower.look(), (), end, exit_ if end else None)
