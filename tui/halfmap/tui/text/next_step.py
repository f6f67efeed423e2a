"""The job that follows a finished one: which options it starts with, and why, in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from halfmap.daemon.client import IterationFiles, JobDetail, JobFiles
from halfmap.tui.job.course import Iteration

_LOCAL_FROM = "1.8 degrees"
"""Where local searches begin if a job does not say it."""
_SET = "run_optimisation_set.star"
_TAKEN_BACK = ("in_particles", "in_tomograms", "in_trajectories", "fn_img", "use_direct_entries", "fn_cont")


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a form is filled in with.

    Attributes
    ----------
    options
        Option to text.
    sentences
        Each choice with its reason, to be shown to the person.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def next_step(detail: JobDetail, files: JobFiles, iterations: Sequence[Iteration]) -> NextStep:
    """Choose options for the job that follows a finished refinement.

    It keeps the options of the finished one and starts from its particles, with their poses, and from its map.

    Parameters
    ----------
    detail, files, iterations
        The finished job; the daemon's records of iterations are read by `halfmap.tui.job.course.iterations_from`.
    """
    joined = next((one for one in reversed(files.iterations) if one.is_joined), None)
    if joined is None:
        return NextStep(detail.options, ("The job has no final files, so its own options are shown as they were.",))
    last = iterations[-1] if iterations else None
    options = {key: text for key, text in detail.options.items() if key not in _TAKEN_BACK}
    sentences = ["All options are the finished job's, except these:"]
    for choose in (_particles, _map):
        chosen, told = choose(joined, detail.row.project)
        options |= chosen
        sentences += told
    chosen, told = _low_pass(detail, last)
    options |= chosen
    sentences += told
    chosen, told = _local_searches(detail, last)
    return NextStep(options | chosen, (*sentences, *told))


def _particles(joined: IterationFiles, project: str) -> tuple[dict[str, str], list[str]]:
    if not joined.particles:
        text = "Its particles (run_data.star) are missing, so the optimisation set is left empty: choose one."
        return {"in_optimisation": ""}, [text]
    name = _inside(PurePath(joined.particles).with_name(_SET), project)
    return {"in_optimisation": name}, [f"Optimisation set: {name}, the particles with their refined poses."]


def _map(joined: IterationFiles, project: str) -> tuple[dict[str, str], list[str]]:
    if not joined.map:
        return {"fn_ref": ""}, ["Its final map (run_class001.mrc) is missing: choose a reference."]
    name = _inside(PurePath(joined.map), project)
    return {"fn_ref": name, "ref_correct_greyscale": "Yes"}, [
        f"Reference: {name}, the joined map of both halves.",
        "Absolute grey scale: Yes, for the map was made from these very particles.",
    ]


def _low_pass(detail: JobDetail, last: Iteration | None) -> tuple[dict[str, str], list[str]]:
    reached = detail.row.resolution_angstrom or (last.resolution_angstrom if last else None)
    if reached is None or not math.isfinite(reached) or reached <= 0:
        return {}, ["Initial low-pass: as before, for the reached resolution is not known."]
    text = f"{coarser(reached):g}"
    return {"ini_high": text}, [
        f"Initial low-pass: {text} Å, the reached {reached:.1f} Å rounded up. The map holds both halves' detail up to "
        "there; with a coarser one they find more of it independently."
    ]


def coarser(resolution_angstrom: float) -> float:
    """Round a resolution up, to 5 Å above 20 Å, to 2 Å above 10 Å, to 1 Å above 5 Å, and to 0.5 Å below."""
    steps = ((20.0, 5.0), (10.0, 2.0), (5.0, 1.0))
    step = next((step for above, step in steps if resolution_angstrom > above), 0.5)
    return math.ceil(round(resolution_angstrom / step, 6)) * step


def _local_searches(detail: JobDetail, last: Iteration | None) -> tuple[dict[str, str], list[str]]:
    if last is None or not last.local_searches:
        return {}, ["Angular sampling: as before, for the run ended without local searches."]
    step = detail.options.get("auto_local_sampling", _LOCAL_FROM)
    reached = "" if last.angular_step_deg is None else f" at a step of {last.angular_step_deg:.2g}°"
    return {"sampling": step}, [
        f"Initial angular sampling: {step}, where local searches begin, for the run ended in them{reached}. "
        "Choose a coarser one to search all orientations again."
    ]


def _inside(path: PurePath, project: str) -> str:
    return str(path.relative_to(project)) if path.is_relative_to(project) else str(path)
