"""What the daemon tells of ladders, and what may be asked about them: the words of the API, one frozen record each."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from halfmap.daemon.records import Record, ShortText

LadderState = Literal["running", "stopped", "trouble", "finished"]
"""``stopped``: by a person; ``trouble``: a step has failed, or the file cannot be used, and a person should look."""

LONGEST_LADDER_TEXT = 1 << 18


class LadderName(Record):
    """Which ladder: the project's absolute path, and the name of the ladder's folder in ``Ladder/``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: ShortText
    name: Annotated[str, Field(max_length=64)]


class LadderDraft(LadderName):
    """A ladder to begin, or to go on with: the text of its file."""

    text: Annotated[str, Field(max_length=LONGEST_LADDER_TEXT)]


class LadderOrder(LadderName):
    """Options to set for a step that is not queued yet, such as ``bin2.refine``; an empty dict changes nothing.

    A value of None takes the option out of the file again, so that it is derived.
    """

    step: Annotated[str, Field(max_length=64)]
    options: Annotated[dict[str, str | None], Field(max_length=500)]


class LadderOption(Record):
    """An option of a step: its value (None while it depends on a rung that is not done) and why it has it."""

    key: str
    value: str | None
    why: str = ""


class LadderStep(Record):
    """One job of a ladder.

    Attributes
    ----------
    step
        Such as ``bin2.refine``.
    binning, does
        Its rung, and what it does there.
    job, job_name
        The daemon's number and the folder of its job; None and "" while it is not queued.
    state
        ``planned`` before it is queued, ``not needed`` if the ladder ended before it, else the job's state.
    reason
        The job's reason, or what the step is for.
    resolution_angstrom
        What a refinement came to.
    """

    step: str
    binning: int
    does: str
    job: int | None = None
    job_name: str = ""
    state: str = "planned"
    reason: str = ""
    resolution_angstrom: float | None = None
    options: tuple[LadderOption, ...] = ()


class LadderRow(Record):
    """A ladder in a list.

    Attributes
    ----------
    reason
        What it waits for, how it ended, or what is wrong.
    binning
        The rung that it stands on.
    binnings
        All of them.
    resolution_angstrom
        Of the last refinement that has finished.
    """

    project: str
    name: str
    state: LadderState
    reason: str = ""
    binning: int | None = None
    binnings: tuple[int, ...] = ()
    steps_done: int = 0
    steps: int = 0
    resolution_angstrom: float | None = None


class LadderDetail(Record):
    """A ladder with all its steps, the text of its file, and what should be told about it."""

    row: LadderRow
    steps: tuple[LadderStep, ...] = ()
    text: str = ""
    warnings: tuple[str, ...] = ()
