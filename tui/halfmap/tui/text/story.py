"""What a refinement is doing and why, in sentences: its phase, what keeps the sampling, what convergence still needs.

The rules are those of auto-refinement (RELION: ``MlOptimiser::updateAngularSampling`` and ``checkConvergence``):
sampling becomes finer once neither the resolution nor the poses have improved for an iteration, unless its step is
below three quarters of the estimated accuracy already; then it is fine enough, and the next such rest is the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.job.course import Course, Iteration
from halfmap.tui.text.figures import is_refinement, rough_duration

ACCURACY_FACTOR = 0.75
"""A step below this share of the estimated accuracy is fine enough."""

_PHASES = {
    "noise": "estimating noise spectra",
    "accuracy": "estimating how accurately particles can be aligned",
    "expectation": "aligning particles",
    "join": "averaging the half maps at low resolution",
    "fsc": "comparing the half maps",
    "maximization": "reconstructing",
    "write": "writing files",
}


@dataclass(frozen=True, slots=True)
class Rest:
    """For how many iterations resolution and poses have rested; None if not known."""

    resolution: int | None
    poses: int | None

    @property
    def is_complete(self) -> bool:
        """Whether both have rested for an iteration."""
        return bool(self.resolution) and bool(self.poses)


def doing(row: JobRow, now: float) -> str:
    """Tell in a sentence what a job is doing at the moment.

    Parameters
    ----------
    row
        The job.
    now
        Seconds since the epoch.
    """
    if row.state in (JobState.RUNNING, JobState.STOPPING):
        told = _under_way(row, now)
        return f"Stopping: {row.reason or 'asked to end'}. {told}" if row.state is JobState.STOPPING else told
    if row.state.is_waiting:
        return f"Waiting: {row.reason}" if row.reason else f"{row.state.value.capitalize()}."
    return f"{row.state.value.capitalize()}{f': {row.reason}' if row.reason else '.'}"


def _under_way(row: JobRow, now: float) -> str:
    if not is_refinement(row):
        return "Working." if row.fraction is None else f"Working: {round(100 * row.fraction)} %."
    if row.iteration is None:
        return "Reading its input."
    phase = _PHASES.get(row.phase, row.phase or "working")
    share = "" if row.fraction is None else f", {round(100 * row.fraction)} %"
    if row.ends_about is None:
        return f"Iteration {row.iteration}: {phase}{share}."
    return f"Iteration {row.iteration}: {phase}{share}; {_ending(row.ends_about - now)}."


def _ending(left_s: float) -> str:
    # to the minute: what stays on a screen should not be drawn anew every second
    if left_s <= 0:
        return "it takes longer than the ones before"
    return "less than a minute to its end" if left_s < 60 else f"about {rough_duration(left_s)} to its end"


def why_not_finer(course: Course, ignores_poses: bool = False) -> str:
    """Tell what keeps the angular sampling as it is; empty before the first iteration and after the last.

    Parameters
    ----------
    course
        The iterations so far.
    ignores_poses
        The job goes on while poses still change (*Use finer angular sampling faster?*).
    """
    last = course.at(None)
    if last is None or last.converged or last.angular_step_deg is None:
        return ""
    step, rest = last.angular_step_deg, _rest(last, ignores_poses)
    if is_fine_enough(last):
        return f"Sampling stays at {step:.3g}°: it is below {_share(last)}, so a finer one would not help."
    if rest.is_complete:
        return f"Sampling becomes finer than {step:.3g}° next: resolution and poses have come to rest."
    waits = " and ".join(_restless(rest))
    return f"Sampling stays at {step:.3g}°: {waits} still improving." if waits else ""


def is_fine_enough(last: Iteration) -> bool:
    """Whether the step is below three quarters of the estimated accuracy."""
    step, accuracy = last.angular_step_deg, last.accuracy_rotation_deg
    return step is not None and accuracy is not None and step < ACCURACY_FACTOR * accuracy


def missing_for_convergence(course: Course, ignores_poses: bool = False) -> str:
    """Tell what a run still needs before its last iteration, in a sentence; empty before the first iteration."""
    last = course.at(None)
    if last is None:
        return ""
    if last.converged:
        return "Converged: both halves are joined in the final map."
    missing = list(_missing(last, ignores_poses))
    if not missing:
        return "Nothing is missing for convergence: the next iteration may be the last."
    return f"For convergence: {'; '.join(missing)}."


def _missing(last: Iteration, ignores_poses: bool) -> Iterator[str]:
    if not is_fine_enough(last):
        accuracy = last.accuracy_rotation_deg
        goal = "" if accuracy is None else f" (below {ACCURACY_FACTOR * accuracy:.2g}°)"
        step = "" if last.angular_step_deg is None else f" than {last.angular_step_deg:.3g}°"
        yield f"a finer sampling{step}{goal}"
    rest = _rest(last, ignores_poses)
    if not rest.resolution:
        yield "an iteration without gain in resolution"
    if not rest.poses:
        yield "an iteration in which poses come to rest"


def _rest(last: Iteration, ignores_poses: bool) -> Rest:
    poses = 1 if ignores_poses else last.iterations_without_assignment_changes
    return Rest(last.iterations_without_resolution_gain, poses)


def _restless(rest: Rest) -> Iterator[str]:
    if rest.resolution == 0:
        yield "the resolution is" if rest.poses != 0 else "the resolution"
    if rest.poses == 0:
        yield "poses are"


def _share(last: Iteration) -> str:
    accuracy = last.accuracy_rotation_deg or 0.0
    return f"{round(100 * ACCURACY_FACTOR)} % of the accuracy of {accuracy:.2g}°"
