"""The job form of Refine3D: all its options, how they are read from text, and everything that can be wrong with them.

Names of the fields are RELION's keys in ``job.star``. Behaviour follows RELION 5.0.1 (RELION:
``RelionJob::initialiseAutorefineJob`` and ``getCommandsAutorefineJob``) with the options of 4.0 besides.
"""

from collections.abc import Iterator, Mapping

from halfmap.contract.job_form import (
    JobForm,
    Problem,
    Spellings,
    form_from_values,
    in_form_order,
    option_problems,
    options_of,
    problem_about,
    redirections,
)
from halfmap.contract.option import Declared, Option
from halfmap.contract.queue_options import QueueOptions
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


class Refine3D(InputTabs, SearchTabs, HelixTab, QueueOptions, RunningTabs, JobForm):
    """All options of a Refine3D job on pseudo-subtomograms, with the form's defaults."""

    @property
    def continues_a_run(self) -> bool:
        """Whether this job goes on from an earlier iteration instead of starting anew."""
        return self.fn_cont != ""


OPTIONS: dict[str, Declared[Option]] = options_of(Refine3D)
"""Every option of the form by its key, tab by tab."""


def problem_with(key: str, text: str) -> Problem:
    """Make a problem of one option; `text` continues the sentence after the option's label and key."""
    return problem_about(Refine3D, key, text)


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
    return form_from_values(Refine3D, values)


def problems(job: Refine3D) -> list[Problem]:
    """Tell everything that keeps a job from running, as far as the options alone show it; no file is looked at.

    Returns
    -------
    list of Problem
        In the order of the form; empty for a job that can be started.
    """
    started = [] if job.continues_a_run else [*_missing_inputs(job), *_contradictions(job)]
    return in_form_order(Refine3D, [*started, *_misspellings(job), *_unsuitable_numbers(job)])


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
    yield from redirections(job)
    if not job.do_parallel_discio:
        yield problem_with("do_parallel_discio", "is No, which pseudo-subtomograms do not allow; set it to Yes")
    yield from option_problems(job, _SPELLINGS)


_SPELLINGS: Spellings = {
    "fn_cont": (
        lambda name: name == "" or is_iteration_optimiser(name),
        "name the optimiser file of an iteration, such as run_it012_optimiser.star",
    ),
    "sym_name": (is_symmetry, f"give one of {SYMMETRIES}"),
    "gpu_ids": (is_gpu_list, "give numbers with colons and commas between, such as 0,1:2,3"),
}


def _unsuitable_numbers(job: Refine3D) -> Iterator[Problem]:
    if job.nr_mpi > 2 and job.nr_mpi % 2 == 0:
        yield problem_with(
            "nr_mpi",
            f"is {job.nr_mpi}, which leaves the two half sets unequal numbers of ranks beside the leader; "
            f"give {job.nr_mpi - 1} or {job.nr_mpi + 1}",
        )
