"""What was submitted, read: the type of job by its label, and its options, all that is wrong with them at once."""

from collections.abc import Mapping

from halfmap.contract.job_form import JobForm
from halfmap.contract.job_types import JOB_TYPES, REFINE3D, JobType, job_from_texts, problems
from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Refused


def type_submitted(label: str | None) -> JobType:
    """Find a type of job by its label; a refinement without one.

    Raises
    ------
    Refused
        If jobs of this type cannot be queued.
    """
    found = next((kind for kind in JOB_TYPES if kind.label == (label or REFINE3D.label)), None)
    if found is None:
        known = ", ".join(kind.label for kind in JOB_TYPES)
        message = f"jobs of the type {f'{label}'[:80]} cannot be queued; there are {known}."
        raise Refused(Refusal(code="bad_request", message=message))
    return found


def job_submitted(label: str | None, options: Mapping[str, str]) -> JobForm:
    """Read a job from its options.

    Raises
    ------
    Refused
        If there are no such jobs or options, or the job cannot be run.
    """
    kind = type_submitted(label)
    if unknown := sorted(options.keys() - kind.options.keys()):
        message = f"options that this job does not have: {', '.join(unknown)[:500]}."
        raise Refused(Refusal(code="bad_request", message=message))
    job, unreadable = job_from_texts(kind, options)
    if found := [*unreadable, *problems(job)]:
        told = tuple(problem.message for problem in found)
        raise Refused(Refusal(code="refused", message="the job cannot be run:", problems=told))
    return job
