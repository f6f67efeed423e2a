"""What to start now, and why everything else waits: a pure function of jobs, machine, limits and time.

Priority first, then age. A job that does not fit lets smaller ones behind it pass, until it has waited for
`Limits.patience_s`; from then on nothing passes it for cores, memory or cards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from halfmap.daemon.settings import Limits
from halfmap.daemon.state import JobState

_MB_PER_GB = 1024


@dataclass(frozen=True, slots=True)
class Need:
    """What a job takes of the machine."""

    cores: int
    memory_mb: float = 0.0
    cards: int = 0
    card_memory_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that could start.

    Attributes
    ----------
    name
        How reasons call it, such as ``job012``.
    after
        State of each job that must have finished first, by name; None for one that is not known.
    trouble
        What keeps its project from being used, or its pre-flight; empty if nothing does.
    elsewhere
        Whether it goes to Slurm and takes nothing of this machine.
    """

    job: int
    name: str
    project: str
    need: Need
    priority: int = 0
    since: float = 0.0
    held: bool = False
    begin: float | None = None
    after: Mapping[str, JobState | None] = field(default_factory=dict)
    trouble: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A job that has a part of the machine."""

    job: int
    project: str
    need: Need
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class CardSight:
    """A card as the scheduler sees it: whether it is free, and why not."""

    uuid: str
    index: int
    is_free: bool
    reason: str = ""
    free_memory_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is: cores and memory in all, and the cards."""

    cores: int
    memory_mb: float
    cards: tuple[CardSight, ...] = ()
    cards_problem: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Start this job, with these cards."""

    job: int
    cards: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start now, in this order, and why each other waiting job waits."""

    starts: tuple[Start, ...]
    reasons: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Free:
    """What is left while the plan is made; `kept_for` names a job that must not be overtaken."""

    cores: int
    memory_mb: float
    cards: tuple[CardSight, ...]
    running: tuple[Running, ...]
    kept_for: str = ""


def next_actions(
    waiting: Iterable[Waiting], running: Sequence[Running], machine: Machine, limits: Limits, now: float
) -> Plan:
    """Decide.

    Parameters
    ----------
    waiting, running
        Jobs; `running` holds those that are starting or stopping too.
    machine
        All of it, cards as they are just now: a leased card is not free.
    now
        Seconds since the epoch.
    """
    here = [job for job in running if not job.elsewhere]
    free = _Free(
        cores=_limited(machine.cores, limits.cores) - sum(_cores(job.need, machine, limits) for job in here),
        memory_mb=_limited(machine.memory_mb, limits.memory_mb) - sum(job.need.memory_mb for job in here),
        cards=tuple(sorted((card for card in machine.cards if card.is_free), key=lambda card: card.index)),
        running=tuple(running),
    )
    starts, reasons = [], {}
    for job in sorted(waiting, key=lambda job: (-job.priority, job.since, job.job)):
        reason = _not_yet(job, now) or _over_limits(job, free.running, limits)
        if not reason and not job.elsewhere:
            reason = _does_not_fit(job, free, machine, limits)
            if reason and now - job.since >= limits.patience_s and not free.kept_for:
                free = replace(free, kept_for=job.name)
        if reason:
            reasons[job.job] = reason
            continue
        cards = () if job.elsewhere else _chosen(job, free)
        starts.append(Start(job.job, cards))
        free = _without(free, job, cards, machine, limits)
    return Plan(tuple(starts), reasons)


def _limited(there: float, limit: float | None) -> int:
    return int(there if limit is None else min(there, limit))


def _cores(need: Need, machine: Machine, limits: Limits) -> int:
    """Cores that a job counts for: one that wants more than there are takes the whole machine."""
    return min(need.cores, _limited(machine.cores, limits.cores))


def _not_yet(job: Waiting, now: float) -> str:
    if job.held:
        return "held; release it to let it start"
    if job.trouble:
        return job.trouble
    if job.begin is not None and job.begin > now:
        return f"not before {datetime.fromtimestamp(job.begin).astimezone():%Y-%m-%d %H:%M:%S}"
    for name, state in job.after.items():
        if state is None:
            return f"waits for {name}, which is not in this project"
        if state.has_ended and state is not JobState.FINISHED:
            return f"waits for {name}, which {_ended(state)}; resume that one, or stop this"
        if state is not JobState.FINISHED:
            return f"waits for {name}"
    return ""


def _ended(state: JobState) -> str:
    return {JobState.FAILED: "failed", JobState.ABORTED: "was stopped"}.get(state, "was lost")


def _over_limits(job: Waiting, running: Sequence[Running], limits: Limits) -> str:
    if limits.jobs is not None and len(running) >= limits.jobs:
        return f"{len(running)} jobs are running, and the limit is {limits.jobs}"
    here = sum(other.project == job.project for other in running)
    if limits.jobs_per_project is not None and here >= limits.jobs_per_project:
        return f"{here} jobs of its project are running, and the limit for one is {limits.jobs_per_project}"
    cards = sum(other.need.cards for other in running)
    if limits.cards is not None and cards + job.need.cards > limits.cards and job.need.cards:
        return f"needs {_cards(job.need.cards)}; {cards} are leased, and the limit is {limits.cards}"
    return ""


def _does_not_fit(job: Waiting, free: _Free, machine: Machine, limits: Limits) -> str:
    need = job.need
    cores = _cores(need, machine, limits)
    if cores > free.cores:
        return f"needs {need.cores} cores, {max(free.cores, 0)} free"
    # a job that is predicted to need more than there is at all was judged by its pre-flight; it runs alone
    memory = min(need.memory_mb, _limited(machine.memory_mb, limits.memory_mb))
    if memory > free.memory_mb:
        return f"needs {_gb(need.memory_mb)} of memory, {_gb(max(free.memory_mb, 0))} free"
    if need.cards > len(_fitting(job, free)):
        return _about_cards(job, free, machine)
    if free.kept_for:
        return f"{free.kept_for} has waited long and starts first"
    return ""


def _fitting(job: Waiting, free: _Free) -> list[CardSight]:
    return [card for card in free.cards if card.free_memory_mb >= job.need.card_memory_mb]


def _about_cards(job: Waiting, free: _Free, machine: Machine) -> str:
    if not machine.cards:
        why = machine.cards_problem or "this machine has none"
        return f"needs {_cards(job.need.cards)}: {why}"
    if len(machine.cards) < job.need.cards:
        return f"needs {_cards(job.need.cards)}; this machine has {len(machine.cards)}"
    fitting = {card.uuid for card in _fitting(job, free)}
    busy = [_card_reason(card, job, free) for card in machine.cards if card.uuid not in fitting]
    if len(machine.cards) == 1 or (job.need.cards == 1 and len(busy) == 1):
        return busy[0]
    return f"needs {_cards(job.need.cards)}, {len(fitting)} free: {'; '.join(busy)}"


def _card_reason(card: CardSight, job: Waiting, free: _Free) -> str:
    if card.reason:
        return card.reason
    if card in free.cards:
        return f"card {card.index} has {_gb(card.free_memory_mb)} free, {_gb(job.need.card_memory_mb)} needed"
    return f"card {card.index} goes to a job that starts now"


def _chosen(job: Waiting, free: _Free) -> tuple[str, ...]:
    return tuple(card.uuid for card in _fitting(job, free)[: job.need.cards])


def _without(free: _Free, job: Waiting, cards: Sequence[str], machine: Machine, limits: Limits) -> _Free:
    running = (*free.running, Running(job.job, job.project, job.need, job.elsewhere))
    if job.elsewhere:
        return replace(free, running=running)
    return replace(
        free,
        cores=free.cores - _cores(job.need, machine, limits),
        memory_mb=free.memory_mb - job.need.memory_mb,
        cards=tuple(card for card in free.cards if card.uuid not in cards),
        running=running,
    )


def _cards(number: int) -> str:
    return "1 card" if number == 1 else f"{number} cards"


def _gb(megabytes: float) -> str:
    return f"{megabytes / _MB_PER_GB:.1f} GB"
