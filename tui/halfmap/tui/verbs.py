"""What can be done with jobs: one declaration for each verb, used by keys, help and palette."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.text.figures import is_refinement, known_as
from halfmap.tui.text.plain import cut

_LONGEST = 60
_WAITING = frozenset({JobState.QUEUED, JobState.HELD})
_ACTIVE = frozenset({JobState.STARTING, JobState.RUNNING, JobState.STOPPING})
_ANY = frozenset(JobState)


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be done with jobs.

    Attributes
    ----------
    name
        In one word, for programs.
    key
        On the screens that show jobs.
    short
        One or two words, for a line of keys.
    description
        What it does.
    done
        What was done with a job, after its name: ``is held``.
    states
        The states in which it can be done.
    needs
        These states in words, for who tries it in another.
    is_change
        Whether the daemon does something; jobs of others are then refused.
    is_single
        Whether it is for one job at a time.
    always_asks
        Whether it is asked about for one job, too; for several it always is.
    """

    name: str
    key: str
    short: str
    description: str
    done: str = ""
    states: frozenset[JobState] = _ANY
    needs: str = ""
    is_change: bool = True
    is_single: bool = False
    always_asks: bool = False

    @property
    def binding(self) -> Binding:
        """The key of this verb, for a screen with `action_verb`."""
        return Binding(self.key, f"verb('{self.name}')", self.short, tooltip=self.description)

    def refusal(self, row: JobRow) -> str:
        """Tell in a sentence why this cannot be done with a job; empty if it can."""
        if self.is_change and row.followed:
            return f"{named([row])} was started by somebody else; it is shown, and never touched."
        if self in (EDIT, NEXT) and not is_refinement(row):
            return f"{named([row])} is no refinement; the form here is for refinements, `halfmap submit` for others."
        if row.state in self.states or (self is RESUME and row.state.is_active and row.alarm):
            return ""
        return f"{named([row])} is {row.state}; {self.needs}."


EDIT: Final = Verb(
    "edit",
    "e",
    "edit as new",
    "Edit as new: this job's parameters, for another job",
    is_change=False,
    is_single=True,
)
NEXT: Final = Verb(
    "next",
    "greater_than_sign",
    "next step",
    "Next step: fill in a new job from this finished one",
    states=frozenset({JobState.FINISHED}),
    needs="a next step is made from a job that has finished",
    is_change=False,
    is_single=True,
)
HOLD: Final = Verb(
    "hold",
    "h",
    "hold",
    "Hold: keep it from starting until it is released",
    "is held",
    frozenset({JobState.QUEUED}),
    "only a queued job can be held",
)
RELEASE: Final = Verb(
    "release",
    "l",
    "release",
    "Release: let a held job start",
    "is queued",
    frozenset({JobState.HELD}),
    "only a held job can be released",
)
RAISE: Final = Verb(
    "raise",
    "plus",
    "priority up",
    "Priority up: let it start before others",
    "has a higher priority",
    _WAITING | {JobState.PREPARING},
    "only the priority of a waiting job can be changed",
)
LOWER: Final = Verb(
    "lower",
    "minus",
    "priority down",
    "Priority down: let others start before it",
    "has a lower priority",
    _WAITING | {JobState.PREPARING},
    "only the priority of a waiting job can be changed",
)
STOP: Final = Verb(
    "stop",
    "X",
    "stop",
    "Stop; asks how: after the iteration, abort, terminate, kill",
    "is told to stop",
    _WAITING | _ACTIVE,
    "only a job that waits or runs can be stopped",
    always_asks=True,
)
RESUME: Final = Verb(
    "resume",
    "C",
    "clean up, go on",
    "Clean up and go on, after a failure, a stop, a loss or a stall",
    "goes on",
    frozenset({JobState.FAILED, JobState.ABORTED, JobState.LOST}),
    "only what failed, was stopped, was lost or stalls goes on",
    always_asks=True,
)

VERBS: tuple[Verb, ...] = (EDIT, NEXT, HOLD, RELEASE, RAISE, LOWER, STOP, RESUME)
BY_NAME = {verb.name: verb for verb in VERBS}


def allowed(verb: Verb, rows: Sequence[JobRow]) -> tuple[tuple[JobRow, ...], tuple[str, ...]]:
    """Part jobs into those that a verb can be done with, and sentences about the others."""
    found = [(row, verb.refusal(row)) for row in rows]
    return tuple(row for row, refusal in found if not refusal), tuple(refusal for _, refusal in found if refusal)


def named(rows: Sequence[JobRow]) -> str:
    """Call one job by its name, which is cut if it is very long, several by their number."""
    return cut(known_as(rows[0]), _LONGEST) if len(rows) == 1 else f"{len(rows)} jobs"
