"""The ladder of stops, from asking politely to proof that nothing is left: a pure function from facts to a step."""

from dataclasses import dataclass
from enum import StrEnum

from halfmap.daemon.records import STOP_MODES, StopMode
from halfmap.daemon.settings import Patience


class Step(StrEnum):
    """What to do now."""

    WAIT = "wait"
    ABORT = "abort"
    """Make RELION_JOB_ABORT_NOW."""
    TERMINATE = "terminate"
    """SIGTERM to the shim, which hands it on."""
    KILL = "kill"
    """SIGKILL to every process of the attempt."""
    LEFT_OVER = "left_over"
    """Tell in red that something cannot be removed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a stop.

    Attributes
    ----------
    mode
        Where on the ladder it was told to begin.
    done
        Rungs taken so far, with the seconds since each.
    has_new_iteration
        Whether an iteration was finished since the stop was asked for.
    """

    mode: StopMode
    done: tuple[tuple[Step, float], ...] = ()
    has_new_iteration: bool = False


_FIRST = {"abort": Step.ABORT, "terminate": Step.TERMINATE, "kill": Step.KILL}
assert set(_FIRST) | {"after_iteration"} == set(STOP_MODES)


def next_step(facts: Facts, patience: Patience) -> Step:
    """Decide what to do with an attempt that is to end and has not.

    Each rung is given its time; a rung that was taken is not taken again, but killing is.
    """
    if not facts.done:
        if facts.mode == "after_iteration":
            return Step.ABORT if facts.has_new_iteration else Step.WAIT
        return _FIRST[facts.mode]
    step, seconds = facts.done[-1]
    given = {
        Step.ABORT: (patience.abort_s, Step.TERMINATE),
        Step.TERMINATE: (patience.terminate_s, Step.KILL),
        Step.KILL: (patience.kill_s, Step.LEFT_OVER),
        Step.LEFT_OVER: (patience.kill_s, Step.KILL),
    }
    time_given, then = given[step]
    return then if seconds >= time_given else Step.WAIT
