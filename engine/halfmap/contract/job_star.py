"""The forms of all types of job as RELION's ``job.star``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, cast

from halfmap.contract.job_form import Form, JobForm, Problem, problem_about
from halfmap.contract.job_types import JOB_TYPES, REFINE3D, JobType, job_from_texts, problems, type_labelled, type_of
from halfmap.contract.option import Value, value_text
from halfmap.contract.refine3d import Refine3D, problem_with
from halfmap.contract.star_text import Row, StarError, list_text, loop_text, read_tables
from halfmap.contract.whole_file import write_whole

LABEL = REFINE3D.label

_KEY, _VALUE = "rlnJobOptionVariable", "rlnJobOptionValue"


class JobStarError(ValueError):
    """A file that is no job.star of this kind of job; the message names the file, the line, and what to change."""


@dataclass(frozen=True, slots=True)
class JobStar(Generic[Form]):
    """A job as it was read.

    Attributes
    ----------
    job
        Its options. What the file does not name, or what could not be read, has its default.
    is_continue
        What the file says about continuing a run.
    label
        RELION's type of job, such as ``relion.refine3d.tomo``.
    unknown_keys
        Options in the file that this form does not have; they were left out.
    unreadable
        A problem for each text that could not be read as a value of its option.
    texts
        Every option of the file as it stands there, also those of `unknown_keys` and `unreadable`.
    """

    job: Form
    is_continue: bool
    label: str
    unknown_keys: tuple[str, ...] = ()
    unreadable: tuple[Problem, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    def problems(self) -> list[Problem]:
        """Tell everything that keeps this job from running: unreadable texts first, then all else."""
        return [*self.unreadable, *self._disagreement(), *problems(self.job)]

    def _disagreement(self) -> list[Problem]:
        # Differs from RELION: there rlnJobIsContinue alone decides, and a file name that is left over has no effect.
        if not isinstance(self.job, Refine3D):
            return []
        if self.is_continue and not self.job.fn_cont:
            return [problem_with("fn_cont", "is empty although rlnJobIsContinue is 1; name the optimiser file")]
        if self.job.fn_cont and not self.is_continue:
            return [
                problem_with(
                    "fn_cont",
                    f"is {self.job.fn_cont} although rlnJobIsContinue is 0; empty it for a new run, or set that to 1",
                )
            ]
        return []


def read_job_star(path: str | Path) -> JobStar[Refine3D]:
    """Read a refinement's job.star, a full one or a short one that names only what differs from the defaults.

    Raises
    ------
    JobStarError
        If the file is no STAR file as RELION reads it, lacks a table, names an option twice, or belongs to another kind
        of job. Values that do not fit are no error here: see `JobStar.problems`.
    OSError
        If the file cannot be read.
    """
    return cast("JobStar[Refine3D]", _read(path, (REFINE3D,)))


def read_any_job_star(path: str | Path) -> JobStar[JobForm]:
    """Read the job.star of a job of any type that can be queued; raises as `read_job_star` does."""
    return _read(path, JOB_TYPES)


def _read(path: str | Path, types: tuple[JobType, ...]) -> JobStar[JobForm]:
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return _from_text(file.read(), types)
    except JobStarError as error:
        raise JobStarError(f"{path}, {error}") from None


def job_star_from_text(text: str) -> JobStar[Refine3D]:
    """Read the text of a refinement's job.star, as `read_job_star` does.

    Raises
    ------
    JobStarError
        As there; the message begins with the line or the table.
    """
    return cast("JobStar[Refine3D]", _from_text(text, (REFINE3D,)))


def _from_text(text: str, types: tuple[JobType, ...]) -> JobStar[JobForm]:
    try:
        tables = read_tables(text)
        about = _values(tables.get("job", []))
        label = about.get("rlnJobTypeLabel", "")
        kind = _type(about, types)
        texts = _options(tables.get("joboptions_values", []))
    except StarError as error:
        raise JobStarError(str(error)) from None
    job, unreadable = job_from_texts(kind, texts)
    unknown = tuple(key for key in texts if key not in kind.options)
    return JobStar(job, about.get("rlnJobIsContinue") == "1", label, unknown, tuple(unreadable), texts)


def _values(rows: Iterable[Row]) -> dict[str, str]:
    return {label: value for row in rows for label, value in row.values.items()}


def _type(about: dict[str, str], types: tuple[JobType, ...]) -> JobType:
    label = about.get("rlnJobTypeLabel", "")
    if not label:
        raise JobStarError("table job: it does not say rlnJobTypeLabel, so the kind of job is not known")
    kind = type_labelled(label)
    if kind is None or kind not in types:
        known = " or ".join(one.label for one in types)
        raise JobStarError(f"table job: rlnJobTypeLabel is {label}; this must be a {known} job")
    if kind is REFINE3D and about.get("rlnJobIsTomo", "1") != "1":
        raise JobStarError("table job: rlnJobIsTomo is 0; a single-particle job cannot be run here")
    return kind


def _options(rows: list[Row]) -> dict[str, str]:
    values: dict[str, str] = {}
    for row in rows:
        if not row.values.keys() >= {_KEY, _VALUE}:
            raise StarError(row.line, f"the table joboptions_values must have the labels {_KEY} and {_VALUE}")
        if row.values[_KEY] in values:
            raise StarError(row.line, f"{row.values[_KEY]} is given a second time; keep one of them")
        values[row.values[_KEY]] = row.values[_VALUE]
    return values


def write_job_star(job: JobForm, path: str | Path, is_continue: bool = False) -> None:
    """Write a job.star as RELION 5 does, byte for byte; the file appears whole or not at all.

    Parameters
    ----------
    job
        The options. RELION 4's ``fn_img`` and the extra queue arguments are written only if they are set.
    path
        The file, in a folder that exists.
    is_continue
        Whether the job goes on from ``fn_cont``.

    Raises
    ------
    ValueError
        If a text holds a line break or another control character, which STAR cannot hold.
    """
    write_whole(Path(path), job_star_text(job, is_continue))


def job_star_text(job: JobForm, is_continue: bool = False) -> str:
    """Give the text that `write_job_star` writes."""
    kind = type_of(job)
    about: dict[str, str | int] = {
        "rlnJobTypeLabel": label_of(job),
        "rlnJobIsContinue": int(is_continue),
        "rlnJobIsTomo": int(kind.is_tomo),
    }
    values = {key: getattr(job, key) for key in sorted(kind.options) if _is_written(key, getattr(job, key))}
    cells = ((key, _cell(job, key, value)) for key, value in values.items())
    return list_text("job", about) + loop_text("joboptions_values", (_KEY, _VALUE), cells)


def label_of(job: JobForm) -> str:
    """Give RELION's label of a job, in its ``job.star`` and in the list of jobs."""
    return f"{LABEL}.helical" if isinstance(job, Refine3D) and job.do_helix else type_of(job).label


def _is_written(key: str, value: Value) -> bool:
    return value is not None and not (key == "fn_img" and value == "")


def _cell(job: JobForm, key: str, value: Value) -> str:
    text = value_text(value)
    if not can_stand_in_star(text):
        wrong = f"is {text!r}; take out the line break or control character"
        raise ValueError(problem_about(type(job), key, wrong).message)
    return text


def can_stand_in_star(text: str) -> bool:
    """Whether a text has no line break and no other control character than tabs."""
    return not any(character < " " and character != "\t" for character in text)
