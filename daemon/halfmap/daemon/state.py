"""States of a job and of an attempt, and which may follow which: one declaration for the code and for the database."""

from enum import StrEnum


class JobState(StrEnum):
    """What becomes of a job.

    A job that halfmap runs goes from PREPARING to one of the ends. A job that is only followed (started by RELION's GUI
    or from a shell) has whatever state its files tell.
    """

    PREPARING = "preparing"
    """Accepted and on disk in the store; its folder and its row in RELION's pipeline are being made."""
    SCHEDULED = "scheduled"
    """RELION's status of that name: made, and waiting for a person. Followed jobs only."""
    QUEUED = "queued"
    HELD = "held"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"
    LOST = "lost"
    """Its processes are gone and nothing tells how they ended."""

    @property
    def is_active(self) -> bool:
        """Whether processes of it may exist."""
        return self in (JobState.STARTING, JobState.RUNNING, JobState.STOPPING)

    @property
    def is_waiting(self) -> bool:
        """Whether it has yet to start."""
        return self in (JobState.PREPARING, JobState.SCHEDULED, JobState.QUEUED, JobState.HELD)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens unless somebody asks."""
        return not self.is_active and not self.is_waiting

    @property
    def is_trouble(self) -> bool:
        """Whether a person should look."""
        return self in (JobState.FAILED, JobState.LOST)


class AttemptState(StrEnum):
    """What becomes of one start of a job."""

    STARTING = "starting"
    """Written down with its cards; its processes may or may not exist."""
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"
    LOST = "lost"
    NOT_STARTED = "not_started"
    """Provably never ran: the identity file was never written, and can no longer be."""

    @property
    def is_live(self) -> bool:
        """Whether its processes may exist."""
        return self in (AttemptState.STARTING, AttemptState.RUNNING, AttemptState.STOPPING)


_ENDS = frozenset({JobState.FINISHED, JobState.FAILED, JobState.ABORTED, JobState.LOST})

JOB_TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.PREPARING: frozenset({JobState.QUEUED, JobState.HELD, JobState.FAILED}),
    JobState.SCHEDULED: frozenset({JobState.QUEUED, JobState.HELD}),
    JobState.QUEUED: frozenset({JobState.HELD, JobState.STARTING, JobState.FAILED, JobState.ABORTED}),
    JobState.HELD: frozenset({JobState.QUEUED, JobState.ABORTED}),
    # back to QUEUED only when the attempt provably never ran
    JobState.STARTING: frozenset({JobState.RUNNING, JobState.STOPPING, JobState.QUEUED}) | _ENDS,
    JobState.RUNNING: frozenset({JobState.STOPPING}) | _ENDS,
    JobState.STOPPING: _ENDS,
    JobState.FINISHED: frozenset(),
    JobState.FAILED: frozenset({JobState.QUEUED}),
    JobState.ABORTED: frozenset({JobState.QUEUED}),
    # the truth about a lost job may still arrive, from another node's file system
    JobState.LOST: frozenset({JobState.QUEUED, JobState.FINISHED, JobState.FAILED, JobState.ABORTED}),
}

_ATTEMPT_ENDS = frozenset({AttemptState.FINISHED, AttemptState.FAILED, AttemptState.ABORTED, AttemptState.LOST})

ATTEMPT_TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.STARTING: frozenset({AttemptState.RUNNING, AttemptState.STOPPING, AttemptState.NOT_STARTED})
    | _ATTEMPT_ENDS,
    AttemptState.RUNNING: frozenset({AttemptState.STOPPING}) | _ATTEMPT_ENDS,
    AttemptState.STOPPING: frozenset({AttemptState.NOT_STARTED}) | _ATTEMPT_ENDS,
    AttemptState.FINISHED: frozenset(),
    AttemptState.FAILED: frozenset(),
    AttemptState.ABORTED: frozenset(),
    AttemptState.LOST: frozenset({AttemptState.FINISHED, AttemptState.FAILED, AttemptState.ABORTED}),
    AttemptState.NOT_STARTED: frozenset(),
}


class IllegalTransition(Exception):
    """A change of state that the table does not know; a mistake in the program, never the user's."""


def check_job_transition(before: JobState, after: JobState) -> None:
    """Raise `IllegalTransition` unless a job may go from one state to the other."""
    if after not in JOB_TRANSITIONS[before]:
        raise IllegalTransition(f"a job cannot go from {before} to {after}")


def check_attempt_transition(before: AttemptState, after: AttemptState) -> None:
    """Raise `IllegalTransition` unless an attempt may go from one state to the other."""
    if after not in ATTEMPT_TRANSITIONS[before]:
        raise IllegalTransition(f"an attempt cannot go from {before} to {after}")
