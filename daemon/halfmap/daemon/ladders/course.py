"""Where a ladder stands and what comes next: a pure function of its file, its notes, its jobs and their results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfmap.contract.ladder_file import Ladder
from halfmap.contract.ladder_sampling import reason_to_stop
from halfmap.contract.ladder_steps import Known, Step, all_steps, identity, rung_steps
from halfmap.daemon.ladder_records import LadderState
from halfmap.daemon.ladders.notes import Notes
from halfmap.daemon.state import JobState


@dataclass(frozen=True, slots=True)
class Sight:
    """A job as it is now: its number in the daemon, its state and its reason; a job that is gone has no state."""

    state: JobState | None = None
    reason: str = ""
    number: int | None = None

    @property
    def is_broken(self) -> bool:
        """Whether nothing more comes of it unless somebody acts."""
        return self.state is None or (self.state.has_ended and self.state is not JobState.FINISHED)


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a decision depends on.

    Attributes
    ----------
    sights
        Jobs by their folders.
    """

    ladder: Ladder
    notes: Notes
    known: Known
    sights: Mapping[str, Sight] = field(default_factory=dict)

    def sight_of(self, step: str) -> Sight | None:
        """The job of a step; None if it was not queued."""
        note = self.notes.steps.get(step)
        return None if note is None else self.sights.get(note.job, Sight())

    def has_finished(self, step: str) -> bool:
        """Whether a step's job has finished."""
        sight = self.sight_of(step)
        return sight is not None and sight.state is JobState.FINISHED


@dataclass(frozen=True, slots=True)
class Submit:
    """Queue this step."""

    step: Step


@dataclass(frozen=True, slots=True)
class Rest:
    """Queue nothing now."""

    state: LadderState
    reason: str


def decide(standing: Standing) -> Submit | Rest:
    """Tell what to do now.

    All steps of a rung up to the refinement are queued one after the other and wait for each other in the queue. What
    depends on what the refinement came to is queued when it has finished: post-processing, and the next rung. A
    post-processing that failed holds up nothing, but keeps the ladder from being finished.
    """
    ladder, notes = standing.ladder, standing.notes
    if notes.stopped:
        return Rest("stopped", notes.stopped)
    if step := _sharpening_left_out(standing):
        return Submit(step)
    for place in range(current_rung(standing), len(ladder.binnings)):
        steps = needed_steps(standing, place)
        if broken := next((step for step in steps if step.name != "postprocess" and _is_broken(standing, step)), None):
            return _trouble(standing, broken)
        if step := next((step for step in steps if step.identity not in notes.steps), None):
            return Submit(step) if step.is_known else Rest("trouble", _not_known(step))
        if ending := _end_of_rung(standing, place):
            return _once_all_is_done(standing, ending) if ending.state == "finished" else ending
    return _once_all_is_done(standing, _arrived(standing))


def current_rung(standing: Standing) -> int:
    """Give the place of the last rung of which something was queued; what lies before it is done, and may be gone."""
    return max((place for place, steps in enumerate(_rungs(standing)) if _queued(standing, steps)), default=0)


def needed_steps(standing: Standing, place: int) -> list[Step]:
    """Give the steps of a rung that matter now.

    Once it is refined, what the refinement took may be gone; before, nothing can be said about post-processing.
    """
    binning = standing.ladder.binnings[place]
    is_refined = standing.has_finished(identity(binning, "refine"))
    if is_refined and binning not in standing.known.reached:
        return []
    return [
        step
        for step in rung_steps(standing.ladder, place, standing.known)
        if (step.name == "postprocess") is is_refined
    ]


def sharpening_steps(standing: Standing) -> list[Step]:
    """Give the post-processings that were queued and whose jobs are there."""
    queued = [step for steps in _rungs(standing) for step in _queued(standing, steps) if step.name == "postprocess"]
    return [step for step in queued if (standing.sight_of(step.identity) or Sight()).state is not None]


def _sharpening_left_out(standing: Standing) -> Step | None:
    """Give the first post-processing of a rung that is done which is not queued: it was to be made anew."""
    for place in range(current_rung(standing)):
        for step in needed_steps(standing, place):
            if step.name == "postprocess" and step.identity not in standing.notes.steps:
                return step
    return None


def _end_of_rung(standing: Standing, place: int) -> Rest | None:
    """Tell why the rung after this one is not begun; None if it is."""
    ladder = standing.ladder
    binning = ladder.binnings[place]
    step = identity(binning, "refine")
    if not standing.has_finished(step):
        return _waits_for(standing, place)
    reached = standing.known.reached.get(binning)
    if reached is None:
        job = standing.notes.steps[step].job
        return Rest("trouble", f"{job} has finished without having converged: there is no joined map and no resolution")
    if place == len(ladder.binnings) - 1:
        return None
    pixel_size = standing.known.pixel_size_angstrom
    if pixel_size is None:
        return Rest("trouble", "the pixel size of the tilt series is not known; set pixel_size in ladder.toml")
    reason = reason_to_stop(reached, pixel_size, ladder.stop_below_nyquist)
    return Rest("finished", f"ended at bin {binning}: {reason}") if reason else None


def _waits_for(standing: Standing, place: int) -> Rest:
    """Tell which job the rung waits for; one that is held waits for a person."""
    binning = standing.ladder.binnings[place]
    for step in rung_steps(standing.ladder, place, standing.known):
        sight = standing.sight_of(step.identity)
        if sight is not None and sight.state is not None and sight.state is not JobState.FINISHED:
            job, told = standing.notes.steps[step.identity].job, f": {sight.reason}" if sight.reason else ""
            if sight.state is JobState.HELD:
                return Rest("trouble", f"{job} ({step.identity}) is held{told}")
            return Rest("running", f"bin {binning}: {job} is {sight.state}{told}")
    return Rest("running", f"bin {binning}")


def _is_broken(standing: Standing, step: Step) -> bool:
    sight = standing.sight_of(step.identity)
    return sight is not None and sight.is_broken


def _trouble(standing: Standing, step: Step) -> Rest:
    job, sight = standing.notes.steps[step.identity].job, standing.sight_of(step.identity) or Sight()
    if sight.state is None:
        return Rest("trouble", f"{job} ({step.identity}) is gone; continue the ladder to make it anew")
    told = f" ({sight.reason})" if sight.reason else ""
    return Rest(
        "trouble", f"{job} ({step.identity}) {_ENDED[sight.state]}{told}; resume that job, or continue the ladder"
    )


_ENDED = {JobState.FAILED: "failed", JobState.ABORTED: "was stopped", JobState.LOST: "was lost"}


def _not_known(step: Step) -> str:
    unknown = [f"{key} ({one.why})" for key, one in step.options.items() if one.value is None]
    return f"{step.identity} cannot be queued: not known yet: {', '.join(unknown)}"


def _arrived(standing: Standing) -> Rest:
    binning = standing.ladder.binnings[-1]
    reached = standing.known.reached.get(binning)
    told = f": {reached.resolution_angstrom:.2f} Å" if reached else ""
    return Rest("finished", f"bin {binning} is refined{told}")


def _once_all_is_done(standing: Standing, ending: Rest) -> Rest:
    """Have the end wait for post-processing, which nothing else waits for."""
    for step in sharpening_steps(standing):
        if _is_broken(standing, step):
            return _trouble(standing, step)
        if not standing.has_finished(step.identity):
            return Rest("running", f"{standing.notes.steps[step.identity].job} has not finished; then: {ending.reason}")
    return ending


def _rungs(standing: Standing) -> list[list[Step]]:
    return all_steps(standing.ladder, standing.known)


def _queued(standing: Standing, steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.identity in standing.notes.steps]
