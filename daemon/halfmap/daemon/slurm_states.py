"""What follows from what Slurm says of a job: where it stands, in words, and whether an attempt is over.

Nothing is asked or done here.
"""

from dataclasses import dataclass

from halfmap.daemon.slurm_words import STATES, Phase, why_waiting
from halfmap.daemon.state import AttemptState

PATIENCE_S = 60.0
"""How long, in seconds, a job's last files may take from its node to this machine: NFS does not look each time."""

_TELLING = frozenset({"OUT_OF_MEMORY", "TIMEOUT", "DEADLINE", "NODE_FAIL", "PREEMPTED", "CANCELLED"})
_REQUEUED = frozenset({"REQUEUED", "REQUEUE", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"})


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """One job as ``squeue`` tells it.

    Attributes
    ----------
    id
        Slurm's number of it. A controller that lost its state gives a number again; the name alone says whose it is.
    uuid
        Of the attempt.
    state, flags
        Slurm's word for its state, such as PENDING, and further ones beside it, such as COMPLETING or REQUEUED.
    reason
        As Slurm has it; "" for none.
    restarts
        How often it was queued again; None where ``squeue`` does not tell.
    node
        Where it runs or ran; "" before its start.
    starts
        When it started or is expected to, in seconds since the epoch; None if that is open.
    """

    id: int
    uuid: str
    state: str
    flags: frozenset[str] = frozenset()
    reason: str = ""
    restarts: int | None = None
    node: str = ""
    starts: float | None = None

    @property
    def was_requeued(self) -> bool:
        """Whether it had started before."""
        return bool(self.restarts) or not _REQUEUED.isdisjoint({self.state, *self.flags})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands, and how that is told to the person who waits for it."""

    phase: Phase
    words: str

    @property
    def may_run(self) -> bool:
        """Whether it has processes, or will have some unless it is cancelled."""
        return self.phase not in (Phase.ENDED, Phase.UNSEEN)


def standing(job: SlurmJob | None) -> Standing:
    """Tell where a job stands; None is one that is not in Slurm's answer."""
    if job is None:
        return Standing(Phase.UNSEEN, "Slurm does not know it, or no longer")
    told = {job.state, *job.flags}
    phase, words = next(
        (known for word, known in STATES.items() if word in told),
        # of a word of some later Slurm only this is certain: that the job is not over
        (Phase.RUNNING, f"is {job.state} in Slurm, a state that is not known here"),
    )
    if phase is Phase.WAITING:
        return _waiting(job, words)
    place = f", on {job.node}" if job.node and phase is Phase.RUNNING else ""
    reason = f" ({job.reason})" if phase in (Phase.STUCK, Phase.ENDED) and job.reason not in ("", "None") else ""
    return Standing(phase, words.format(job=job.id) + place + reason)


def _waiting(job: SlurmJob, words: str) -> Standing:
    phase, why = why_waiting(job.reason)
    again = ", to go on from its last whole iteration" if job.was_requeued else ""
    return Standing(phase, f"{words}{again}" + (f": {why.format(job=job.id)}" if why else ""))


def counts(exit_code: int | None, where: Standing) -> bool:
    """Tell whether what an attempt's shim wrote at its end is its end.

    It is if all went well, or once Slurm has let go of the job. Until then the shim of a job that is preempted, or
    queued again, has said how the ranks were ended, and is about to be started once more.
    """
    return exit_code == 0 or not where.may_run


def explanation(job: SlurmJob | None) -> str:
    """Tell what Slurm knows of an end that an exit code does not tell, such as too much memory; "" if nothing."""
    return standing(job).words if job is not None and job.state in _TELLING else ""


def end_without_word(
    job: SlurmJob | None, has_started: bool, silent_s: float, patience_s: float = PATIENCE_S
) -> tuple[AttemptState, str] | None:
    """Tell how an attempt ended whose shim has not said so; None as long as nothing can be concluded.

    Parameters
    ----------
    job
        From Slurm's latest answer; None if it is not in there.
    has_started
        Whether the shim has written who it is.
    silent_s
        Seconds since Slurm was first seen to say that the job is over, or to say nothing of it.

    Returns
    -------
    state and reason
        NOT_STARTED is for a fence to prove first. A job that Slurm ended before it began has ended all the same:
        queued again, it would come to the same end.
    """
    where = standing(job)
    if where.may_run or silent_s < patience_s:
        return None
    if job is None:
        if not has_started:
            return AttemptState.NOT_STARTED, "Slurm does not know it, and it has not started"
        return AttemptState.LOST, "Slurm no longer knows it, and it has not written how it ended"
    if job.state == "CANCELLED":
        return AttemptState.ABORTED, where.words
    if job.state == "COMPLETED" and has_started:
        return AttemptState.LOST, f"{where.words}, but it has not written how it ended"
    return AttemptState.FAILED, where.words if has_started else f"{where.words}; it never began"
