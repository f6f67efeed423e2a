"""What the daemon tells its clients, and what they may ask: the words of the API, one frozen record each.

Times are seconds since the epoch (UTC). A reader passes over fields it does not know, so that an older client can talk
to a newer daemon.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from halfmap.daemon.state import AttemptState, JobState

API_VERSION = 1

ShortText = Annotated[str, Field(max_length=4096)]
StopMode = Literal["after_iteration", "abort", "terminate", "kill"]
"""The rungs of the ladder of stops, gentlest first; a stop climbs from where it was told to begin."""

STOP_MODES: tuple[StopMode, ...] = ("after_iteration", "abort", "terminate", "kill")


class Record(BaseModel):
    """What all records share."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Launch(Record):
    """How a job is to be run, besides its options.

    Attributes
    ----------
    engine
        ``halfmap``, or RELION's program where it is on the PATH.
    cards
        Number of cards to lease; None for what the options ask for.
    memory_mb
        Memory of all ranks together; None for what is predicted.
    priority
        Higher starts first.
    hold
        Wait until released.
    begin
        Not before this time.
    after
        Jobs that must have finished first, as ``Refine3D/job012/`` in the same project.
    place
        ``here``, or ``slurm`` or ``slurm:PARTITION``.
    notify_at_angstrom
        Notify when this resolution is reached.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["halfmap", "relion"] = "halfmap"
    cards: Annotated[int, Field(ge=0, le=1024)] | None = None
    memory_mb: Annotated[int, Field(ge=1)] | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    hold: bool = False
    begin: Annotated[float, Field(allow_inf_nan=False)] | None = None
    after: Annotated[tuple[ShortText, ...], Field(max_length=100)] = ()
    place: Annotated[str, Field(pattern=r"^(here|slurm(:[A-Za-z0-9_.-]{1,64})?)$")] = "here"
    notify_at_angstrom: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Submission(Record):
    """A job to queue: either options as in ``job.star``, or a job folder of the project that has them.

    Attributes
    ----------
    project
        Absolute path of the RELION project.
    kind
        RELION's type of job, such as ``relion.pseudosubtomo``; None for ``relion.refine3d.tomo``, or for what the job
        folder says.
    options
        Option to text, as in the table ``joboptions_values``; what is left out has its default.
    job_folder
        Such as ``Extract/job012/``, with a ``job.star`` in it that has not been run. Excludes `options`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: ShortText
    kind: ShortText | None = None
    options: Annotated[dict[str, str], Field(max_length=500)] | None = None
    job_folder: ShortText | None = None
    alias: Annotated[str, Field(max_length=200)] | None = None
    launch: Launch = Launch()


class JobRow(Record):
    """A job in a list.

    Attributes
    ----------
    job
        The daemon's number of it, unique over all projects.
    project, name
        Absolute path of the project, and ``Refine3D/job012/`` in it.
    kind
        RELION's type, such as ``relion.refine3d.tomo``.
    followed
        Whether somebody else started it: such a job is shown and never touched.
    reason
        Why it waits, or how it ended, in words.
    alarm
        What a person should see in red: a stall, processes left over; empty if all is well.
    step_seconds
        Learned duration of an iteration.
    ends_about
        When the current iteration may end.
    """

    job: int
    project: str
    name: str
    alias: str = ""
    kind: str = ""
    followed: bool = False
    state: JobState
    reason: str = ""
    alarm: str = ""
    priority: int = 0
    engine: str = "halfmap"
    place: str = "here"
    attempt: int = 0
    submitted: float = 0.0
    started: float | None = None
    ended: float | None = None
    begin: float | None = None
    iteration: int | None = None
    phase: str = ""
    fraction: float | None = None
    resolution_angstrom: float | None = None
    resolution_before_angstrom: float | None = None
    accuracy_rotation_deg: float | None = None
    accuracy_translation_angstrom: float | None = None
    angular_step_deg: float | None = None
    cards: tuple[str, ...] = ()
    cores: int = 0
    memory_mb: int | None = None
    step_seconds: float | None = None
    ends_about: float | None = None
    rev: int = 0


class AttemptRow(Record):
    """One start of a job."""

    attempt: int
    uuid: str
    state: AttemptState
    reason: str = ""
    argv: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    process_id: int | None = None
    slurm_job: int | None = None
    exit_code: int | None = None


class JobDetail(Record):
    """A job with everything about it: its attempts (latest first), options, and what it waits for.

    Attributes
    ----------
    options
        Those that differ from their defaults. Of jobs that others made they come from their files, as `warnings` tell.
    """

    row: JobRow
    launch: Launch = Launch()
    options: dict[str, str] = Field(default_factory=dict)
    attempts: tuple[AttemptRow, ...] = ()
    after: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class JobPage(Record):
    """A page of jobs; `total` counts all that match."""

    jobs: tuple[JobRow, ...]
    total: int
    rev: int


class JobQuery(Record):
    """Which jobs to list.

    Attributes
    ----------
    match
        Regular expression over name, alias, project, state and reason; a leading ``!`` inverts it.
    refinements_only
        Leave out others' jobs of other types than refinement.
    """

    project: str | None = None
    states: tuple[JobState, ...] = ()
    match: Annotated[str, Field(max_length=200)] = ""
    problems_only: bool = False
    refinements_only: bool = True
    sort: Literal["newest", "oldest", "name", "state", "priority", "resolution"] = "newest"
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class CardProcessRow(Record):
    """A process on a card; `ours` names the job it belongs to."""

    process_id: int
    user: str = ""
    command: str = ""
    memory_mb: float | None = None
    ours: int | None = None


class CardRow(Record):
    """A card: what it is, what it does, who has it, and whether it can be leased (`reason` says why not)."""

    uuid: str
    index: int
    name: str
    memory_total_mb: float
    memory_used_mb: float
    power_w: float | None = None
    utilisation: float | None = None
    temperature_c: float | None = None
    processes: tuple[CardProcessRow, ...] = ()
    leased_to: int | None = None
    state: Literal["free", "leased", "busy", "dirty", "quarantined", "gone"] = "free"
    reason: str = ""


class PartitionRow(Record):
    """A partition of Slurm, as ``sinfo`` tells it.

    Attributes
    ----------
    time_limit
        In Slurm's spelling, such as ``2-00:00:00`` or ``infinite``.
    cores, cores_free
        Of all its nodes.
    generic_resources
        What its kinds of nodes have, such as ``gpu:a100:4``.
    """

    name: str
    is_default: bool = False
    is_up: bool = True
    time_limit: str = ""
    nodes: int = 0
    cores: int = 0
    cores_free: int = 0
    generic_resources: tuple[str, ...] = ()


class HostRow(Record):
    """The machine: cores and memory, those that running jobs have, and what is wrong with reading the cards.

    Attributes
    ----------
    partitions, slurm_problem
        Slurm's partitions, as last told, where it is on the PATH; why it does not tell.
    """

    host: str
    cores: int
    cores_leased: int
    memory_mb: int
    memory_leased_mb: int
    cards_problem: str = ""
    partitions: tuple[PartitionRow, ...] = ()
    slurm_problem: str = ""


class ProjectRow(Record):
    """A watched project.

    Attributes
    ----------
    watching
        ``events`` or ``polling``; `reason` says why not events.
    trouble
        Why nothing is started there (its file system hangs, its pipeline is locked …).
    """

    project: str
    file_system: str = ""
    watching: Literal["events", "polling", ""] = ""
    reason: str = ""
    trouble: str = ""
    jobs: int = 0


class EventRow(Record):
    """Something that happened; `rev` counts all events of this daemon's store and never goes back."""

    rev: int
    time: float
    kind: str
    job: int | None = None
    attempt: int | None = None
    text: str = ""


class DaemonStatus(Record):
    """The daemon itself.

    Attributes
    ----------
    mode
        ``ok``; ``recovery``: the store cannot be read, nothing is started and nothing written; ``paused``: the disk is
        full or the store cannot be written, so nothing new is started.
    reason
        Why it is not ``ok``.
    """

    api: int = API_VERSION
    version: str
    process_id: int
    started: float
    mode: Literal["ok", "paused", "recovery"] = "ok"
    reason: str = ""
    rev: int = 0
    state_dir: str = ""
    jobs_by_state: dict[str, int] = Field(default_factory=dict)


class Refusal(Record):
    """Why something asked for was not done: a code for programs, sentences for people."""

    code: Literal["bad_request", "not_found", "conflict", "refused", "forbidden", "unavailable", "too_large"]
    message: str
    problems: tuple[str, ...] = ()
