"""What the engine tells while it runs: the kinds of event, each a fact about the run.

Units stand in the names; None is written where a value is not known.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

Phase = Literal["noise", "accuracy", "expectation", "join", "fsc", "maximization", "write"]


def _known(value: float | None) -> float | None:
    """Turn NaN and infinities into None: JSON has no such numbers, and a reader should not have to know them."""
    return None if value is not None and not math.isfinite(value) else value


def _writable(text: object) -> object:
    """Replace what UTF-8 cannot hold, such as bytes of a file name in another encoding: no report fails for that."""
    return text.encode(errors="replace").decode() if isinstance(text, str) else text


def _within_one(value: float) -> float:
    return min(max(value, 0.0), 1.0)


Number = Annotated[float | None, AfterValidator(_known)]
"""A measured value; None where it is not known. NaN and infinities are not known either."""

Text = Annotated[str, BeforeValidator(_writable)]
"""A text from outside."""

Fraction = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_within_one)]
"""A share between 0 and 1; rounding beyond is cut off."""


class AnyEvent(BaseModel):
    """What all events share.

    Attributes
    ----------
    sequence
        Counts the events of a file from 1, over restarts too; 0 before the event is written.
    time
        When it was written (UTC); the epoch before that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int = 0
    time: datetime = datetime.fromtimestamp(0, UTC)

    @model_validator(mode="before")
    @classmethod
    def _pass_over_unknown_fields_of_a_file(cls, values: object, info: ValidationInfo) -> object:
        # A later engine may tell more than this reader knows; a misspelled name in a program stays an error.
        if info.mode == "json" and isinstance(values, dict):
            return {name: value for name, value in values.items() if name in cls.model_fields}
        return values


class RunStarted(AnyEvent):
    """The engine has read its input and begins.

    Attributes
    ----------
    version, argv
        The engine's version and the options it was started with.
    ranks, threads
        MPI processes, and threads of each.
    host
        Where the first rank runs.
    particles_per_half
        Number of particles of half set 1 and 2.
    box_size_px, pixel_size_angstrom
        Of the reference.
    continued_from_iteration
        None for a new run.
    """

    event: Literal["run_started"] = "run_started"
    version: str
    argv: tuple[Text, ...]
    ranks: int
    threads: int
    host: Text
    process_id: int | None = None
    output_root: Text = ""
    particles_per_half: tuple[int, int] | None = None
    box_size_px: int | None = None
    pixel_size_angstrom: Number = None
    symmetry: str = ""
    continued_from_iteration: int | None = None


class PhaseProgress(AnyEvent):
    """How far one phase of an iteration has come: `fraction` of it is done after `seconds`."""

    event: Literal["phase_progress"] = "phase_progress"
    iteration: int
    phase: Phase
    fraction: Fraction
    seconds: Annotated[float, Field(allow_inf_nan=False)]


class IterationFinished(AnyEvent):
    """What an iteration measured and decided; None where a value is not known.

    Attributes
    ----------
    resolution_angstrom
        RELION's resolution, from which the next iteration is planned.
    resolution_fsc_143_angstrom
        Where the FSC between the halves falls below 0.143.
    fsc
        FSC between the halves by shell.
    accuracy_rotation_deg, accuracy_translation_angstrom
        Estimated error of the alignment.
    angular_step_deg, offset_step_angstrom, offset_range_angstrom, healpix_order, local_searches
        The sampling that was used; steps are those after oversampling.
    current_size_px, coarse_size_px
        Image sizes of the fine and the coarse pass.
    changes_orientations_deg, changes_offsets_angstrom
        Mean change of the best poses since the iteration before.
    iterations_without_resolution_gain, iterations_without_assignment_changes
        The counters that decide about finer sampling and convergence.
    average_pmax, significant_samples_mean, log_likelihood, sigma_offset_angstrom
        Statistics over all particles of both halves.
    seconds
        Time spent in each phase.
    memory_mb
        Largest memory of each rank so far.
    converged
        Whether this was the last iteration, with both halves joined.
    """

    event: Literal["iteration_finished"] = "iteration_finished"
    iteration: int
    resolution_angstrom: Number = None
    resolution_fsc_143_angstrom: Number = None
    fsc: tuple[Number, ...] = ()
    accuracy_rotation_deg: Number = None
    accuracy_translation_angstrom: Number = None
    angular_step_deg: Number = None
    offset_step_angstrom: Number = None
    offset_range_angstrom: Number = None
    healpix_order: int | None = None
    local_searches: bool | None = None
    current_size_px: int | None = None
    coarse_size_px: int | None = None
    changes_orientations_deg: Number = None
    changes_offsets_angstrom: Number = None
    iterations_without_resolution_gain: int | None = None
    iterations_without_assignment_changes: int | None = None
    average_pmax: Number = None
    significant_samples_mean: Number = None
    log_likelihood: Number = None
    sigma_offset_angstrom: Number = None
    seconds: dict[Phase, Number] = Field(default_factory=dict)
    memory_mb: tuple[Number, ...] = ()
    converged: bool = False


class RunFinished(AnyEvent):
    """The run ended as it should: the final resolution, and the files that it leaves (none without convergence)."""

    event: Literal["run_finished"] = "run_finished"
    resolution_angstrom: Number = None
    files: tuple[Text, ...] = ()


class RunFailed(AnyEvent):
    """The run stopped on an error, told in a message for a person."""

    event: Literal["run_failed"] = "run_failed"
    message: Text
    exit_code: int


class RunAborted(AnyEvent):
    """The run was stopped on request, after `iteration` whole iterations."""

    event: Literal["run_aborted"] = "run_aborted"
    iteration: int | None = None
    message: Text = ""


Event = RunStarted | PhaseProgress | IterationFinished | RunFinished | RunFailed | RunAborted
