"""What a report is made of: what the daemon told of a job, and what its files hold."""

from dataclasses import dataclass, field

from halfmap.daemon.client import CardRow, CardSample, DaemonStatus, HostRow, JobDetail, JobFiles, OptionRow
from halfmap.tui.job.course import Course
from halfmap.tui.report.checksums import Checked
from halfmap.tui.report.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Told:
    """What the daemon told.

    Attributes
    ----------
    detail, course, files
        The job, its iterations, and where its files are.
    form
        All options that a job can have.
    samples
        What the job's cards did, as far as the daemon remembers it.
    trouble
        What it could not tell, in a sentence.
    status, host, cards
        The daemon that told, its machine, and the cards that are in it now.
    """

    detail: JobDetail
    course: Course = field(default_factory=Course)
    files: JobFiles = field(default_factory=JobFiles)
    form: tuple[OptionRow, ...] = ()
    samples: tuple[CardSample, ...] = ()
    trouble: str = ""
    status: DaemonStatus | None = None
    host: HostRow | None = None
    cards: tuple[CardRow, ...] = ()


@dataclass(frozen=True, slots=True)
class SlicedMap:
    """The central slices of a map, as pictures.

    Attributes
    ----------
    name
        What map it is.
    pictures
        PNG files as addresses, XY, XZ and YZ; empty if the map could not be read.
    outlines
        For each picture the mask's outline as an SVG path in pixels of the map; empty texts without a mask.
    box_px
        Edge of the pictures.
    note
        Size and place, or why there is no picture.
    """

    name: str
    pictures: tuple[str, ...] = ()
    outlines: tuple[str, ...] = ()
    box_px: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matter:
    """Everything that a report shows.

    Attributes
    ----------
    record
        What the run wrote of itself.
    inputs, outputs
        Files that went in and came out, with their checksums.
    slices
        Of the maps.
    version
        Of halfmap, which writes this report.
    now
        When it is written (s since the epoch).
    """

    told: Told
    record: RunRecord = field(default_factory=RunRecord)
    inputs: tuple[Checked, ...] = ()
    outputs: tuple[Checked, ...] = ()
    slices: tuple[SlicedMap, ...] = ()
    version: str = ""
    now: float = 0.0
