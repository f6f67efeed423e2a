"""All that the panes of a job show: one frozen picture, made anew when the daemon told something new."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfmap.daemon.client import CardSample, JobDetail, JobFiles, OptionRow
from halfmap.tui.job.course import Course


@dataclass(frozen=True, slots=True)
class OtherJob:
    """A job that this one is compared with: its name, and its options that differ from their defaults."""

    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobPicture:
    """A job as it was last told.

    Attributes
    ----------
    detail
        None before the first answer.
    course
        Its iterations.
    files
        Where its files are.
    overlays
        Courses of other jobs, to be drawn behind this one's.
    cursor
        The iteration that is looked at, in all panes; None for the latest.
    samples
        What the job's cards did while it ran.
    form
        All options that a job has.
    others
        Jobs that the parameters are compared with: its parent first, then those that are laid over.
    trouble
        Why something is missing, in a sentence; empty if all is well.
    """

    detail: JobDetail | None = None
    course: Course = field(default_factory=Course)
    files: JobFiles = field(default_factory=JobFiles)
    overlays: tuple[Course, ...] = ()
    cursor: int | None = None
    samples: tuple[CardSample, ...] = ()
    form: tuple[OptionRow, ...] = ()
    others: tuple[OtherJob, ...] = ()
    trouble: str = ""
