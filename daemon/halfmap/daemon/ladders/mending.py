"""What to do with the jobs of a ladder that is to stop or to go on: pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from halfmap.daemon.ladders.course import Sight, Standing, current_rung, needed_steps, sharpening_steps
from halfmap.daemon.state import JobState

STOPPED = "stopped by a person; continue it to go on"

_RESUMABLE = (JobState.FAILED, JobState.ABORTED, JobState.LOST)
_STOPPABLE = (JobState.STARTING, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobOrders:
    """Jobs by their numbers, and what is to be done with them."""

    stop: tuple[int, ...] = ()
    hold: tuple[int, ...] = ()
    release: tuple[int, ...] = ()
    resume: tuple[int, ...] = ()


def to_stop(sights: Iterable[Sight]) -> JobOrders:
    """Stop what runs, and hold what waits."""
    seen = [*sights]
    return JobOrders(stop=_numbers(seen, *_STOPPABLE), hold=_numbers(seen, JobState.QUEUED))


def to_go_on(standing: Standing) -> tuple[frozenset[str], JobOrders]:
    """Give the steps to queue in new jobs, and what to do with the jobs that there are.

    A broken step is made anew if its options have changed or its job is gone, and with it what waits for it; else its
    job is resumed. What is held is released.
    """
    anew = _to_make_anew(standing)
    sights = {step: standing.sight_of(step) or Sight() for step in standing.notes.steps}
    replaced = [sight for step, sight in sights.items() if step in anew and sight.state and sight.state.is_waiting]
    kept = [sight for step, sight in sights.items() if step not in anew]
    return anew, JobOrders(
        stop=_numbers(replaced, *JobState), release=_numbers(kept, JobState.HELD), resume=_numbers(kept, *_RESUMABLE)
    )


def _to_make_anew(standing: Standing) -> frozenset[str]:
    anew: set[str] = set()
    for step in [*needed_steps(standing, current_rung(standing)), *sharpening_steps(standing)]:
        note, sight = standing.notes.steps.get(step.identity), standing.sight_of(step.identity)
        if note is None or sight is None or sight.state is JobState.FINISHED:
            continue
        is_other = sight.is_broken and not note.has_options_of(step)
        if sight.state is None or is_other or anew & {*step.after}:
            anew.add(step.identity)
    return frozenset(anew)


def _numbers(sights: Iterable[Sight], *states: JobState) -> tuple[int, ...]:
    return tuple(sight.number for sight in sights if sight.number is not None and sight.state in states)
