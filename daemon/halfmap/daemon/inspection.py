"""What the daemon tells of a job's files, of a form that is being filled in, and of cards over time: words of the API.

As in `halfmap.daemon.records`, times are seconds since the epoch and readers pass over fields they do not know. Paths
are absolute: who asks is the same user on the same machine, and opens large files (logs, maps) itself.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from halfmap.daemon.records import Launch, Record, ShortText

LONGEST_FORM_TEXT = 2**19
"""Characters of a form as text."""


class IterationFiles(Record):
    """The files of one iteration that are there.

    Attributes
    ----------
    iteration
        Its number; the joined iteration has one more than the last numbered.
    is_joined
        Whether these are the final files, of both halves together.
    half_maps
        Maps of half 1 and half 2 (MRC), in this order; of the joined iteration the unfiltered ones. Empty texts for
        those that are missing.
    map
        The joined map; empty for other iterations.
    particles
        Particles with their poses (STAR); empty if it is missing.
    """

    iteration: int
    is_joined: bool = False
    half_maps: tuple[str, str] = ("", "")
    map: str = ""
    particles: str = ""


class JobFiles(Record):
    """Where a job's files are, and the grid that its maps and curves lie on.

    Attributes
    ----------
    folder
        The job's folder; empty while it has none.
    output, error
        What the job prints; they need not exist yet.
    iterations
        In order.
    mask
        The solvent mask (MRC) that the job uses; empty if none.
    box_px, pixel_size_angstrom
        Of the reference; None if not known yet. Shell s of a curve lies at s / (box · pixel size) 1/Å.
    particles
        Number of particles; None if not known.
    trouble
        What could not be read, in a sentence for a person; empty if all is well.
    """

    folder: str = ""
    output: str = ""
    error: str = ""
    iterations: tuple[IterationFiles, ...] = ()
    mask: str = ""
    box_px: int | None = None
    pixel_size_angstrom: float | None = None
    particles: int | None = None
    symmetry: str = ""
    particle_diameter_angstrom: float | None = None
    trouble: str = ""


class FormDraft(Record):
    """A form as far as it is filled in.

    Attributes
    ----------
    project
        Absolute path of the project.
    options
        Option to text, as in ``job.star``; what is left out has its default.
    looks_at_files
        Look at the inputs too, and predict what the job takes; that may take a second on a slow file system.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: ShortText
    options: Annotated[dict[str, str], Field(max_length=500)] = Field(default_factory=dict)
    launch: Launch = Launch()
    looks_at_files: bool = False


class FormProblem(Record):
    """One thing to change: the option's key (empty if it is none of one option's), and a sentence."""

    key: str = ""
    message: str


class FormCheck(Record):
    """What was found in a form; all problems at once.

    Attributes
    ----------
    problems
        What keeps the job from running.
    warnings
        What may be unwise.
    in_effect
        Keys of the options that the others leave in effect.
    command
        The program and its options as they would be run; empty while there are problems with options.
    set_names
        What the optimisation set holds: label (such as ``rlnTomoParticlesFile``) to file.
    memory_mb, disk_mb
        Predicted memory of all ranks, and size of all files of the run; None if not known.
    seconds
        Predicted duration, a rough figure; None if not known.
    seconds_are_from
        What that prediction rests on, in words.
    box_px, pixel_size_angstrom, particles
        Of the particle file; None if it was not looked at or could not be read.
    coarse_step_deg
        arctan(2 · resolution / diameter) at the initial low-pass, in degrees: the coarsest angular step that can tell
        apart what lies at the particle's edge; None if not known.
    """

    problems: tuple[FormProblem, ...] = ()
    warnings: tuple[str, ...] = ()
    in_effect: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    set_names: dict[str, str] = Field(default_factory=dict)
    memory_mb: float | None = None
    disk_mb: float | None = None
    seconds: float | None = None
    seconds_are_from: str = ""
    box_px: int | None = None
    pixel_size_angstrom: float | None = None
    particles: int | None = None
    coarse_step_deg: float | None = None


class FormText(Record):
    """A form as the text of a ``job.star``, and back.

    Attributes
    ----------
    text
        The file.
    options
        Option to text; those that differ from their defaults. A value that could not be read stands as it was typed.
    problems
        What could not be read or written as a value, options that this job does not have among it.
    """

    text: Annotated[str, Field(max_length=LONGEST_FORM_TEXT)] = ""
    options: dict[str, str] = Field(default_factory=dict)
    problems: tuple[FormProblem, ...] = ()


class PathRow(Record):
    """A file or folder that completes what was typed.

    Attributes
    ----------
    path
        As it would stand in the form: relative to the project, folders with a slash at their end.
    bytes
        Size of a file.
    """

    path: str
    is_folder: bool = False
    bytes: int | None = None
    changed: float | None = None


class CardSample(Record):
    """What a card did at a time."""

    time: float
    uuid: str
    memory_used_mb: float
    power_w: float | None = None
    utilisation: float | None = None
