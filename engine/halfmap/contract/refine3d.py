"""The job form of Refine3D: all its options, how they are read from text, and everything that can be wrong with them.

Names of the fields are RELION's keys in ``job.star``. Behaviour follows RELION 5.0.1 (RELION:
``RelionJob::initialiseAutorefineJob`` and ``getCommandsAutorefineJob``) with the options of 4.0 besides.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from halfmap.contract.option import (
    Declared,
    Option,
    Value,
    declared_options,
    is_enabled,
    number_from_text,
    number_problem,
)
from halfmap.contract.refine3d_helix_tab import HelixTab
from halfmap.contract.refine3d_input_tabs import InputTabs
from halfmap.contract.refine3d_running_tabs import RunningTabs, defaults_from_environment
from halfmap.contract.refine3d_search_tabs import ANGULAR_SAMPLINGS, SearchTabs
from halfmap.contract.spelling import SYMMETRIES, is_gpu_list, is_iteration_optimiser, is_symmetry

__all__ = [
    "ANGULAR_SAMPLINGS",
    "OPTIONS",
    "Problem",
    "Refine3D",
    "defaults_from_environment",
    "job_from_values",
    "problem_with",
    "problems",
]


class Refine3D(InputTabs, SearchTabs, HelixTab, RunningTabs):
    """All options of a Refine3D job on pseudo-subtomograms, with the form's defaults."""

    @property
    def continues_a_run(self) -> bool:
        """Whether this job goes on from an earlier iteration instead of starting anew."""
        return self.fn_cont != ""


OPTIONS: dict[str, Declared[Option]] = {option.name: option for option in declared_options(Refine3D)}
"""Every option of the form by its key, tab by tab."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change before the job can run: the option's key, and a sentence for the person who set it."""

    key: str
    message: str

    def __str__(self) -> str:
        return self.message


def problem_with(key: str, text: str) -> Problem:
    """Make a problem of one option; `text` continues the sentence after the option's label and key."""
    return Problem(key, f'"{OPTIONS[key].declaration.label.rstrip(":")}" ({key}) {text}.')


def job_from_values(values: Mapping[str, str]) -> tuple[Refine3D, list[Problem]]:
    """Read a job from texts as they stand in a ``job.star`` or a form.

    Parameters
    ----------
    values
        Option name to text; switches are ``Yes`` or ``No``. Options left out keep their defaults, unknown names are
        the caller's business and are passed over.

    Returns
    -------
    Refine3D
        The job; an option whose text could not be read has its default.
    list of Problem
        One for every such text. Together with `problems` they are all that is wrong.
    """
    known: dict[str, Value] = {}
    unreadable = []
    for key in OPTIONS.keys() & values.keys():
        try:
            known[key] = _value_from_text(OPTIONS[key], values[key])
        except ValueError as error:
            unreadable.append(problem_with(key, str(error)))
    return Refine3D.model_validate(known), _in_form_order(unreadable)


def _value_from_text(option: Declared[Option], text: str) -> Value:
    if option.kind == "text":
        return text
    if text.startswith("$$"):
        raise ValueError(f"is the scheme variable {text}; put a value in its place")
    if option.kind != "switch":
        return number_from_text(option.kind, text)
    if text not in ("Yes", "No"):
        raise ValueError(f"is {text!r}; write Yes or No")
    return text == "Yes"


def problems(job: Refine3D) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it; no file is looked at.

    Returns
    -------
    list of Problem
        In the order of the form; empty for a job that can be started.
    """
    started = [] if job.continues_a_run else [*_missing_inputs(job), *_contradictions(job)]
    return _in_form_order([*started, *_misspellings(job), *_unsuitable_numbers(job)])


def _in_form_order(found: list[Problem]) -> list[Problem]:
    places = list(OPTIONS)
    return sorted(found, key=lambda problem: places.index(problem.key))


def _missing_inputs(job: Refine3D) -> Iterator[Problem]:
    if job.use_direct_entries:
        if not (job.in_particles or job.fn_img):
            yield problem_with("in_particles", "is empty; name the STAR file of the particles")
        if not (job.in_tomograms or job.fn_img):
            yield problem_with("in_tomograms", "is empty; name the STAR file of the tomograms")
    elif not (job.in_optimisation or job.fn_img):
        direct = " or set use_direct_entries to Yes" if job.in_particles or job.in_tomograms else ""
        yield problem_with("in_optimisation", f"is empty; name an optimisation set{direct}")
    if job.fn_ref in ("", "None"):
        yield problem_with(
            "fn_ref", f"is {job.fn_ref or 'empty'}; name a map to start from, such as a Reconstruct particle job's"
        )


def _contradictions(job: Refine3D) -> Iterator[Problem]:
    if job.use_direct_entries and job.in_optimisation:
        yield problem_with(
            "in_optimisation",
            f"is {job.in_optimisation} although direct entries are used; empty it or set use_direct_entries to No",
        )
    if job.use_direct_entries and job.fn_img and job.in_particles not in ("", job.fn_img):
        yield problem_with("fn_img", f"is {job.fn_img} but in_particles is {job.in_particles}; keep one of them")
    if job.do_solvent_fsc and job.fn_mask in ("", "None"):
        yield problem_with("do_solvent_fsc", "is Yes but there is no mask; name one in fn_mask or set this to No")


def _misspellings(job: Refine3D) -> Iterator[Problem]:
    if ">" in job.other_args:
        yield problem_with("other_args", "holds a >; output always goes to run.out and run.err, so leave it out")
    if not job.do_parallel_discio:
        yield problem_with("do_parallel_discio", "is No, which pseudo-subtomograms do not allow; set it to Yes")
    for key, option in OPTIONS.items():
        text = getattr(job, key)
        wrong = _text_problem(option, text) if isinstance(text, str) and is_enabled(option.declaration, job) else ""
        if wrong:
            yield problem_with(key, wrong)


def _text_problem(option: Declared[Option], text: str) -> str:
    choices = option.declaration.choices
    is_well_spelled, advice = _SPELLINGS.get(option.name, (None, ""))
    if text.startswith("$$"):
        return f"is the scheme variable {text}; put a value in its place"
    if any(character < " " and character != "\t" for character in text):
        return f"is {text!r}; take out the line break or control character"
    if choices and text not in choices:
        return f"is {text!r}; choose one of {', '.join(choices)}"
    if is_well_spelled and not is_well_spelled(text):
        return f"is {text!r}; {advice}"
    return ""


_SPELLINGS: dict[str, tuple[Callable[[str], bool], str]] = {
    "fn_cont": (
        lambda name: name == "" or is_iteration_optimiser(name),
        "name the optimiser file of an iteration, such as run_it012_optimiser.star",
    ),
    "sym_name": (is_symmetry, f"give one of {SYMMETRIES}"),
    "gpu_ids": (is_gpu_list, "give numbers with colons and commas between, such as 0,1:2,3"),
}


def _unsuitable_numbers(job: Refine3D) -> Iterator[Problem]:
    for key, option in OPTIONS.items():
        wrong = number_problem(getattr(job, key), option.declaration.bounds)
        if wrong and is_enabled(option.declaration, job):
            yield problem_with(key, wrong)
    if job.nr_mpi > 2 and job.nr_mpi % 2 == 0:
        yield problem_with(
            "nr_mpi",
            f"is {job.nr_mpi}, which leaves the two half sets unequal numbers of ranks beside the leader; "
            f"give {job.nr_mpi - 1} or {job.nr_mpi + 1}",
        )
