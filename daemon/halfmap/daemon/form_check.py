"""What is wrong with a form and what it asks for, as far as the options by themselves tell; no file is looked at."""

import math
import re
from collections.abc import Iterable, Mapping

from halfmap.contract.conversion import launch_problems
from halfmap.contract.option import is_enabled
from halfmap.contract.refine3d import OPTIONS, Refine3D, job_from_values, problems
from halfmap.daemon.command import CannotLaunch, build_command
from halfmap.daemon.form_text import unknown_options
from halfmap.daemon.inspection import FormCheck, FormDraft, FormProblem
from halfmap.daemon.records import Launch
from halfmap.daemon.settings import Settings

JOB_TO_COME = "Refine3D/jobNNN/"
"""Stands in a command for the number that the job has not got yet."""

_NAMED = re.compile(r'"[^"]*" \((\w+)\) ')
_FLAG = re.compile(r"--\w+")
_KEY_OF_FLAG = {flag: key for key, option in reversed(OPTIONS.items()) for flag in option.declaration.flags}
_PATHS = (*(key for key, option in OPTIONS.items() if option.declaration.file_pattern), "scratch_dir")


def check_options(draft: FormDraft, settings: Settings, environ: Mapping[str, str]) -> FormCheck:
    """Check a form's options.

    Parameters
    ----------
    settings, environ
        What a command is made with, see `halfmap.daemon.command.build_command`.
    """
    job, unreadable = job_from_values(draft.options)
    found = [FormProblem(key=one.key, message=one.message) for one in (*unreadable, *problems(job))]
    found += unknown_options(draft.options)
    command: tuple[str, ...] = ()
    if not found:
        command, messages = _launched(job, draft.launch, settings, environ)
        found = as_problems(messages, job)
    return FormCheck(
        problems=tuple(found), in_effect=in_effect(job), command=command, coarse_step_deg=coarse_step_deg(job)
    )


def _launched(
    job: Refine3D, launch: Launch, settings: Settings, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], list[str]]:
    """Give the command, or what keeps it from being made."""
    # what this version's engine does not do, RELION's program may
    if launch.engine == "halfmap" and (found := launch_problems(job)):
        return (), found
    try:
        return build_command(job, launch, JOB_TO_COME, settings, environ), []
    except CannotLaunch as error:
        return (), [str(error)]


def in_effect(job: Refine3D) -> tuple[str, ...]:
    """Name the options that have an effect as the others are; a continued run keeps many of its own."""
    return tuple(
        key
        for key, option in OPTIONS.items()
        if is_enabled(option.declaration, job) and (option.declaration.continues or not job.continues_a_run)
    )


def coarse_step_deg(job: Refine3D) -> float | None:
    """Give the coarsest angular step that tells apart what lies at the particle's edge, at the initial low-pass."""
    if not (job.ini_high > 0 and job.particle_diameter > 0):
        return None
    step = math.degrees(math.atan(2 * job.ini_high / job.particle_diameter))
    return step if math.isfinite(step) else None


def as_problems(messages: Iterable[str], job: Refine3D) -> list[FormProblem]:
    """Find the options that sentences are about."""
    return [FormProblem(key=_key_of(message, job), message=message) for message in messages]


def _key_of(message: str, job: Refine3D) -> str:
    """Name the option that a sentence begins with: by its label, its flag or its file; "" if it begins with none."""
    if named := _NAMED.match(message):
        return named[1] if named[1] in OPTIONS else ""
    if flag := _FLAG.match(message):
        return _KEY_OF_FLAG.get(flag[0], "")
    files = {getattr(job, key): key for key in reversed(_PATHS) if getattr(job, key)}
    return next((key for file, key in files.items() if message.startswith((f"{file}: ", f"{file}, line "))), "")
