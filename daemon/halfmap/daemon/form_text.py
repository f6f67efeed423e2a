"""A form as the text of a ``job.star``, for an editor, and back; what does not fit is told option by option."""

from collections.abc import Mapping

from halfmap.contract.job_star import JobStar, JobStarError, can_stand_in_star, job_star_from_text, job_star_text
from halfmap.contract.refine3d import OPTIONS, Refine3D, job_from_values, problem_with
from halfmap.daemon.inspection import LONGEST_FORM_TEXT, FormProblem, FormText
from halfmap.daemon.options import texts_of
from halfmap.daemon.records import Refusal
from halfmap.daemon.service import Refused


def form_as_text(options: Mapping[str, str]) -> FormText:
    """Write options as RELION does; what cannot be written is told, and has its default in the text.

    Raises
    ------
    Refused
        With ``too_large``, if nobody could read that much back.
    """
    unfit = [_unwritable(key) for key, text in options.items() if key in OPTIONS and not can_stand_in_star(text)]
    left_out = {problem.key for problem in unfit}
    job, unreadable = job_from_values({key: text for key, text in options.items() if key not in left_out})
    text = job_star_text(job, job.continues_a_run)
    if len(text) > LONGEST_FORM_TEXT:
        raise Refused(Refusal(code="too_large", message=f"the form is longer than {LONGEST_FORM_TEXT} characters."))
    found = (*(FormProblem(key=one.key, message=one.message) for one in unreadable), *unfit, *unknown_options(options))
    return FormText(text=text, options=texts_of(job), problems=found)


def form_from_text(text: str) -> FormText:
    """Read the text of a ``job.star``.

    A value that cannot be read is kept as it was typed, so that a form can show it beside what is wrong with it.

    Raises
    ------
    Refused
        With ``bad_request``, if it is no such text.
    """
    try:
        star = job_star_from_text(text)
    except JobStarError as error:
        raise Refused(Refusal(code="bad_request", message=f"this is no job.star that can be used: {error}.")) from None
    unreadable = {problem.key: star.texts[problem.key] for problem in star.unreadable}
    return FormText(text=text, options=texts_of(star.job) | unreadable, problems=tuple(_problems(star)))


def unknown_options(options: Mapping[str, str]) -> tuple[FormProblem, ...]:
    """Tell the options that this kind of job does not have."""
    return tuple(
        FormProblem(key=key, message=f"{key} is no option of this job; it is left out.")
        for key in sorted(options.keys() - OPTIONS.keys())
    )


def _unwritable(key: str) -> FormProblem:
    problem = problem_with(key, "holds a line break or another control character; take it out")
    return FormProblem(key=key, message=problem.message)


def _problems(star: JobStar[Refine3D]) -> list[FormProblem]:
    found = list(star.unreadable)
    if star.is_continue and not star.job.continues_a_run:
        found.append(problem_with("fn_cont", "is empty although rlnJobIsContinue is 1; name the optimiser file"))
    told = [FormProblem(key=one.key, message=one.message) for one in found]
    return [*told, *unknown_options(star.texts)]
