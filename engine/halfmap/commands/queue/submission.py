"""What ``halfmap submit`` was given, made into what the daemon is asked for."""

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from halfmap.commands.queue.talking import Unusable, project_path
from halfmap.contract.job_form import JobForm
from halfmap.contract.job_star import JobStar, JobStarError, read_any_job_star
from halfmap.contract.job_types import JOB_TYPES, REFINE3D, JobType, job_from_texts, type_of
from halfmap.contract.option import value_text
from halfmap.daemon.client import Launch

_DELAY = re.compile(r"\+(?=.)" + "".join(rf"(?:(\d{{1,6}}(?:\.\d+)?){unit})?" for unit in "dhms"), re.ASCII)
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a job's options come from.

    Attributes
    ----------
    kind
        RELION's type of job; None if a folder has it.
    options
        Option to text; None if a folder has them.
    job_folder
        The folder, as a path relative to the project; None if there are options.
    project
        The project that the folder lies in; None if there is no folder.
    unknown
        Options of a file that this job does not have; they were left out.
    """

    kind: str | None = None
    options: Mapping[str, str] | None = None
    job_folder: str | None = None
    project: str | None = None
    unknown: tuple[str, ...] = ()


class NotAJob(Exception):
    """A file or folder that cannot be submitted: a sentence for everything that is wrong with it."""


KINDS = {kind.word: kind for kind in JOB_TYPES}
"""Types of job by the words of ``--kind``."""


def read_source(path: Path | None, settings: Sequence[str], project: Path | None, kind: str | None = None) -> Source:
    """Find a job's options.

    Parameters
    ----------
    path
        A ``job.star``, a job's folder, or None.
    settings
        ``key=value``, which overrule the file's.
    project
        The project, if it was named.
    kind
        One of `KINDS`; None for a refinement, or for what the file or the folder says.

    Raises
    ------
    Unusable
        If there is no such path, it has another kind of job, or a setting names no option.
    NotAJob
        If the file is no job.star, or cannot be run as it is.
    """
    asked = None if kind is None else KINDS[kind]
    if path is None:
        wanted = asked or REFINE3D
        return Source(kind=wanted.label, options=read_settings(settings, wanted))
    if path.is_dir():
        if asked:
            raise Unusable("the job.star of a job folder says what kind of job it is; leave --kind out.")
        if settings:
            raise Unusable("a job folder is queued as it is; leave --set out, or name its job.star for a new job.")
        return _folder(path, project)
    if not path.is_file():
        raise Unusable(f"{path} is neither a job.star nor a job folder.")
    try:
        star = read_any_job_star(path)
    except (JobStarError, OSError) as error:
        raise NotAJob(str(error)) from None
    found = type_of(star.job)
    if asked not in (None, found):
        raise Unusable(f"--kind {kind}: {path} is of a {star.label} job.")
    options = _options(star, read_settings(settings, found))
    return Source(kind=found.label, options=options, unknown=star.unknown_keys)


def read_settings(words: Sequence[str], kind: JobType = REFINE3D) -> dict[str, str]:
    """Read ``key=value`` words for a type of job; the last one of a key holds."""
    values: dict[str, str] = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign:
            raise Unusable(f"--set {word}: write key=value.")
        if key not in kind.options:
            closest = difflib.get_close_matches(key, kind.options, n=1)
            raise Unusable(f"--set {word}: there is no option {key}{f'; {closest[0]}?' if closest else '.'}")
        values[key] = value
    return values


def _options(star: JobStar[JobForm], overruling: Mapping[str, str]) -> dict[str, str]:
    kind = type_of(star.job)
    values = {key: value_text(getattr(star.job, key)) for key in kind.options if getattr(star.job, key) is not None}
    values |= overruling
    job, unreadable = job_from_texts(kind, values)
    still_unreadable = [problem for problem in star.unreadable if problem.key not in overruling]
    is_continue = job.continues_a_run if "fn_cont" in overruling else star.is_continue
    changed = replace(star, job=job, is_continue=is_continue, unreadable=(*still_unreadable, *unreadable))
    if found := changed.problems():
        raise NotAJob("\n".join(("the job cannot be run:", *(problem.message for problem in found))))
    return {key: text for key, text in values.items() if text != value_text(kind.options[key].default)}


def _folder(path: Path, project: Path | None) -> Source:
    folder = Path(project_path(path))
    inside = Path(project_path(project)) if project is not None else folder.parent.parent
    if not folder.is_relative_to(inside) or len(folder.relative_to(inside).parts) != 2:
        raise Unusable(f"{folder} is no job folder of {inside}, such as Refine3D/job012.")
    if not (folder / "job.star").is_file():
        raise NotAJob(f"{folder} has no job.star.")
    return Source(job_folder=f"{folder.relative_to(inside)}/", project=str(inside))


def read_launch(options: argparse.Namespace, now: float, after: Sequence[str]) -> Launch:
    """Read how a job is to be run; `after` names the jobs that it waits for as they are in the project.

    Raises
    ------
    Unusable
        If a value cannot be used, named by its option.
    """
    values: dict[str, Any] = {
        "engine": options.engine,
        "cards": options.cards,
        "memory_mb": options.memory_mb,
        "priority": options.priority,
        "hold": options.hold,
        "begin": None if options.begin is None else begin_time(options.begin, now),
        "after": tuple(after),
        "place": options.on,
        "notify_at_angstrom": options.notify_at,
    }
    try:
        return Launch.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        names = {"place": "on", "notify_at_angstrom": "notify_at"}
        name = names.get(f"{first['loc'][0]}", f"{first['loc'][0]}").replace("_", "-")
        raise Unusable(f"--{name} {first['input']}: {first['msg']}.") from None


def begin_time(text: str, now: float) -> float:
    """Read when a job may begin, in this place's time unless it says another.

    Parameters
    ----------
    text
        A date and time such as ``2026-07-01T20:00``, the next ``20:00``, or a delay such as ``+2h30m`` (d, h, m, s).
    now
        Seconds since the epoch.

    Returns
    -------
    float
        Seconds since the epoch.

    Raises
    ------
    Unusable
        If it is none of these.
    """
    if delay := _DELAY.fullmatch(text):
        days, hours, minutes, seconds = (float(number or 0) for number in delay.groups())
        return now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    try:
        if hour := _HOUR.fullmatch(text):
            return _next_time(int(hour[1]), int(hour[2]), now)
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise Unusable(
            f"--begin {text}: write a time such as 2026-07-01T20:00 or 20:00, or a delay such as +2h30m."
        ) from None


def _next_time(hour: int, minute: int, now: float) -> float:
    today = datetime.fromtimestamp(now).replace(hour=hour, minute=minute, second=0, microsecond=0)
    # by the calendar, so that a change to summer time does not move it
    return (today if today.timestamp() > now else today + timedelta(days=1)).timestamp()
