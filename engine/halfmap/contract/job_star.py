"""The job form as RELION's ``job.star``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from halfmap.contract.option import Value, value_text
from halfmap.contract.refine3d import OPTIONS, Problem, Refine3D, job_from_values, problem_with, problems
from halfmap.contract.star_text import Row, StarError, list_text, loop_text, read_tables
from halfmap.contract.whole_file import write_whole

LABEL = "relion.refine3d.tomo"

_KEY, _VALUE = "rlnJobOptionVariable", "rlnJobOptionValue"


class JobStarError(ValueError):
    """A file that is no job.star of this kind of job; the message names the file, the line, and what to change."""


@dataclass(frozen=True, slots=True)
class JobStar:
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

    job: Refine3D
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


def read_job_star(path: str | Path) -> JobStar:
    """Read a job.star, a full one or a short one that names only what differs from the defaults.

    Raises
    ------
    JobStarError
        If the file is no STAR file as RELION reads it, lacks a table, names an option twice, or belongs to another kind
        of job. Values that do not fit are no error here: see `JobStar.problems`.
    OSError
        If the file cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            return job_star_from_text(file.read())
    except JobStarError as error:
        raise JobStarError(f"{path}, {error}") from None


def job_star_from_text(text: str) -> JobStar:
    """Read the text of a job.star, as `read_job_star` does.

    Raises
    ------
    JobStarError
        As there; the message begins with the line or the table.
    """
    try:
        tables = read_tables(text)
        about = _values(tables.get("job", []))
        label = _label(about)
        texts = _options(tables.get("joboptions_values", []))
    except StarError as error:
        raise JobStarError(str(error)) from None
    job, unreadable = job_from_values(texts)
    unknown = tuple(key for key in texts if key not in OPTIONS)
    return JobStar(job, about.get("rlnJobIsContinue") == "1", label, unknown, tuple(unreadable), texts)


def _values(rows: Iterable[Row]) -> dict[str, str]:
    return {label: value for row in rows for label, value in row.values.items()}


def _label(about: dict[str, str]) -> str:
    label = about.get("rlnJobTypeLabel", "")
    if not label:
        raise JobStarError("table job: it does not say rlnJobTypeLabel, so the kind of job is not known")
    if not f"{label}.".startswith("relion.refine3d."):
        raise JobStarError(f"table job: rlnJobTypeLabel is {label}; this must be a {LABEL} job")
    if about.get("rlnJobIsTomo", "1") != "1":
        raise JobStarError("table job: rlnJobIsTomo is 0; a single-particle job cannot be run here")
    return label


def _options(rows: list[Row]) -> dict[str, str]:
    values: dict[str, str] = {}
    for row in rows:
        if not row.values.keys() >= {_KEY, _VALUE}:
            raise StarError(row.line, f"the table joboptions_values must have the labels {_KEY} and {_VALUE}")
        if row.values[_KEY] in values:
            raise StarError(row.line, f"{row.values[_KEY]} is given a second time; keep one of them")
        values[row.values[_KEY]] = row.values[_VALUE]
    return values


def write_job_star(job: Refine3D, path: str | Path, is_continue: bool = False) -> None:
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


def job_star_text(job: Refine3D, is_continue: bool = False) -> str:
    """Give the text that `write_job_star` writes."""
    label = f"{LABEL}.helical" if job.do_helix else LABEL
    values = {key: getattr(job, key) for key in sorted(OPTIONS) if _is_written(key, getattr(job, key))}
    return list_text(
        "job", {"rlnJobTypeLabel": label, "rlnJobIsContinue": int(is_continue), "rlnJobIsTomo": 1}
    ) + loop_text("joboptions_values", (_KEY, _VALUE), ((key, _cell(key, value)) for key, value in values.items()))


def _is_written(key: str, value: Value) -> bool:
    return value is not None and not (key == "fn_img" and value == "")


def _cell(key: str, value: Value) -> str:
    text = value_text(value)
    if not can_stand_in_star(text):
        raise ValueError(problem_with(key, f"is {text!r}; take out the line break or control character").message)
    return text


def can_stand_in_star(text: str) -> bool:
    """Whether a text has no line break and no other control character than tabs."""
    return not any(character < " " and character != "\t" for character in text)
