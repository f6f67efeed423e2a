"""What a ladder has done, as it is kept beside its file: ``Ladder/NAME/state.json``."""

from collections.abc import Collection, Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from halfmap.contract.ladder_sampling import Chosen
from halfmap.contract.ladder_steps import Step


class StepNote(BaseModel):
    """A step that was queued: its job's folder, and the options that it was queued with, with their reasons."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job: str
    options: dict[str, tuple[str, str]] = Field(default_factory=dict)

    def has_options_of(self, step: Step) -> bool:
        """Whether the step would be queued with the same options now."""
        return {key: value for key, (value, _) in self.options.items()} == values_of(step)


class Notes(BaseModel):
    """All that a ladder remembers; whatever else there is to know is in the job folders.

    Attributes
    ----------
    uuid
        Who this ladder is: part of the keys under which its jobs are queued.
    stopped
        Why nothing is queued any more; empty if it goes on.
    steps
        Those that were queued, by their identities.
    renewed
        How often a step was queued anew in another job.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    uuid: str
    stopped: str = ""
    steps: dict[str, StepNote] = Field(default_factory=dict)
    renewed: dict[str, int] = Field(default_factory=dict)

    @property
    def jobs(self) -> Mapping[str, str]:
        """Folder of each step's job."""
        return {step: note.job for step, note in self.steps.items()}

    def key(self, step: str) -> str:
        """Under which key a step is queued: the same step is queued only once."""
        return f"ladder:{self.uuid}:{step}:{self.renewed.get(step, 0)}"

    def queued(self, step: Step, job: str) -> Self:
        """Note that a step was queued."""
        options = {key: (one.value or "", one.why) for key, one in step.options.items()}
        return self.model_copy(update={"steps": {**self.steps, step.identity: StepNote(job=job, options=options)}})

    def without(self, steps: Collection[str]) -> Self:
        """Forget the jobs of steps, so that these are queued anew."""
        kept = {step: note for step, note in self.steps.items() if step not in steps}
        renewed = self.renewed | {step: self.renewed.get(step, 0) + 1 for step in steps}
        return self.model_copy(update={"steps": kept, "renewed": renewed})

    def with_stop(self, reason: str) -> Self:
        """Note that the ladder is stopped, or with an empty reason that it goes on."""
        return self.model_copy(update={"stopped": reason})


def values_of(step: Step) -> dict[str, str]:
    """Options of a step as they are queued."""
    return {key: one.value or "" for key, one in step.options.items()}


def chosen_of(note: StepNote) -> dict[str, Chosen]:
    """Options of a note, with their reasons."""
    return {key: Chosen(value, why) for key, (value, why) in note.options.items()}
