"""Cards (GPUs): what was read of them, and the judgement whether one may be leased. Standard library only.

A card is known by its UUID: indices change with the order in which a library lists them. An instance of a card that is
divided (MIG) is a card of its own; the divided card itself is never leased. Memory is in MB of 2**20 bytes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

CardState = Literal["free", "leased", "busy", "dirty", "quarantined", "gone"]

UNSEEN_SHARE = 0.1
"""Share of a card's memory that may be in use with no process to be seen for it; the driver keeps a part for itself."""

_MB_PER_GB = 1024
_NAMED = 3
"""As many processes are named; of more there is only the number."""


@dataclass(frozen=True, slots=True)
class CardProcess:
    """A process on a card.

    Attributes
    ----------
    user, command
        Both empty if the process cannot be seen from here: in a container the driver tells the numbers of the host.
    memory_mb
        None if the driver does not tell.
    kind
        ``graphics`` for a screen's processes, which keep nobody from computing.
    """

    pid: int
    user: str = ""
    command: str = ""
    memory_mb: float | None = None
    kind: Literal["compute", "graphics"] = "compute"

    @property
    def can_be_seen(self) -> bool:
        """Whether it is known whose it is."""
        return bool(self.user or self.command)


@dataclass(frozen=True, slots=True)
class Card:
    """A card as it was read.

    Attributes
    ----------
    index
        Its number in nvidia-smi; that of the divided card for an instance.
    memory_total_mb
        0 if the driver does not tell.
    power_w, utilisation, temperature_c
        W, % and °C; None if the driver does not tell.
    health
        Defects, in words; the same defect has the same words at each reading.
    mig_parent
        UUID of the divided card that this is an instance of.
    instance
        Its number among the instances of that card.
    is_divided
        Divided into instances, so not to be leased itself.
    is_lost
        It was there before and does not answer any more.
    """

    uuid: str
    index: int
    name: str = ""
    memory_total_mb: float = 0.0
    memory_used_mb: float = 0.0
    power_w: float | None = None
    utilisation: float | None = None
    temperature_c: float | None = None
    processes: tuple[CardProcess, ...] = ()
    health: tuple[str, ...] = ()
    mig_parent: str = ""
    instance: int | None = None
    is_divided: bool = False
    is_lost: bool = False

    @property
    def label(self) -> str:
        """What people call it: ``card 2``, ``card 0 instance 1``."""
        return f"card {self.index}" if self.instance is None else f"card {self.index} instance {self.instance}"

    @property
    def memory_free_mb(self) -> float:
        """Memory that nobody uses."""
        return max(0.0, self.memory_total_mb - self.memory_used_mb)


@dataclass(frozen=True, slots=True)
class Lease:
    """That an attempt has a card.

    Attributes
    ----------
    card
        UUID of the card.
    attempt
        UUID of the attempt.
    job
        The daemon's number of its job.
    since
        Seconds since the epoch.
    ended
        Whether the attempt has ended; the lease lasts until nothing of it is left on the card.
    """

    card: str
    attempt: str
    job: int
    since: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of a card; only a free one may be leased.

    Attributes
    ----------
    reason
        Why it is not free, in words.
    lease_is_over
        Its lease can be given back: the attempt has ended, and nothing of it is left.
    """

    state: CardState
    reason: str = ""
    lease_is_over: bool = False


class CardsUnreadable(Exception):
    """The cards could not be read this time; the message says why, and what to do."""


class CardReader(ABC):
    """Reads the cards.

    Attributes
    ----------
    problem
        Why there are no cards, or fewer than there should be; empty if all is well.
    """

    problem: str = ""

    @abstractmethod
    def read(self) -> list[Card]:
        """Read all cards; takes some ms for each, or hangs where a driver hangs.

        Raises
        ------
        CardsUnreadable
            If nothing can be said about the cards just now.
        """


def judge(
    card: Card | None, lease: Lease | None, ours: Mapping[int, int], live: bool, needed_mb: float = 0.0
) -> Verdict:
    """Judge a card.

    Parameters
    ----------
    card
        None if the reading does not have it.
    lease
        Who has it.
    ours
        Processes of this daemon's jobs on this machine, pid → job.
    live
        Whether processes of the leasing attempt exist on this machine; counts once it has ended.
    needed_mb
        Memory that a job would need on it; 0 if that does not matter.
    """
    if card is None or card.is_lost:
        return Verdict("gone", _gone(card, lease))
    if lease is None:
        return _without_lease(card, ours, needed_mb)
    if not lease.ended:
        also = (_intruders(card, lease, ours), *card.health)
        return Verdict("leased", "; ".join((f"{card.label} leased to job {lease.job}", *filter(None, also))))
    if left := _left_behind(card, lease, ours, live):
        return Verdict("dirty", left)
    return Verdict("leased", f"{card.label} is being given back by job {lease.job}", lease_is_over=True)


def use_by_others(card: Card, ours: Iterable[int]) -> str:
    """Say who else computes on a card, or that somebody does who cannot be seen; empty if nobody does."""
    others = _computing(card, without=ours)
    if others:
        return f"{card.label} used by {_named(others)}"
    unseen = _unexplained_mb(card)
    return f"{card.label} has {_gb(unseen)} in use by a process that cannot be seen from here" if unseen else ""


def lack_of_memory(card: Card, needed_mb: float) -> str:
    """Say how much memory is free and how much is needed; empty if it is enough, or not known."""
    if not card.memory_total_mb or card.memory_free_mb >= needed_mb:
        return ""
    return f"{card.label} has {_gb(card.memory_free_mb)} free, {_gb(needed_mb)} needed"


def _without_lease(card: Card, ours: Mapping[int, int], needed_mb: float) -> Verdict:
    """The first that applies decides."""
    findings: tuple[tuple[CardState, str], ...] = (
        ("quarantined", f"{card.label} is kept out of use: {'; '.join(card.health)}" if card.health else ""),
        ("busy", f"{card.label} is divided into instances, which are leased one by one" if card.is_divided else ""),
        ("dirty", _forgotten(card, ours)),
        ("busy", use_by_others(card, ours)),
        ("busy", lack_of_memory(card, needed_mb)),
    )
    return next((Verdict(state, words) for state, words in findings if words), Verdict("free"))


def _gone(card: Card | None, lease: Lease | None) -> str:
    holder = f", leased to job {lease.job}," if lease else ""
    if card is not None:
        return f"{card.label}{holder} does not answer any more; it needs a reset, or the machine a restart"
    return f"card {lease.card}{holder} is no longer there" if lease else "no such card"


def _intruders(card: Card, lease: Lease, ours: Mapping[int, int]) -> str:
    """Who shares a card with its lease's attempt; a process that cannot be seen may be the attempt's own."""
    its_own = [pid for pid, job in ours.items() if job == lease.job]
    others = [process for process in _computing(card, without=its_own) if process.can_be_seen]
    return f"also used by {_named(others)}" if others else ""


def _left_behind(card: Card, lease: Lease, ours: Mapping[int, int], live: bool) -> str:
    """What an attempt that has ended still has of a card."""
    processes = [
        process for process in _computing(card) if ours.get(process.pid) == lease.job or not process.can_be_seen
    ]
    if processes:
        return f"{card.label} still used by {_named(processes)}, of job {lease.job}, which has ended"
    if unseen := _unexplained_mb(card):
        return f"{card.label} has {_gb(unseen)} in use that job {lease.job} left behind"
    return f"{card.label} waits for the last processes of job {lease.job}, which has ended" if live else ""


def _forgotten(card: Card, ours: Mapping[int, int]) -> str:
    """Processes of jobs that never leased this card, or no longer do."""
    processes = [process for process in _computing(card) if process.pid in ours]
    jobs = ", ".join(str(job) for job in sorted({ours[process.pid] for process in processes}))
    return f"{card.label} used without a lease by {_named(processes)}, of job {jobs}" if processes else ""


def _computing(card: Card, without: Iterable[int] = ()) -> list[CardProcess]:
    left_out = frozenset(without)
    return [process for process in card.processes if process.kind == "compute" and process.pid not in left_out]


def _unexplained_mb(card: Card) -> float:
    """Memory in use that no process accounts for, if it is much; 0 otherwise, or if a process does not tell its own."""
    known = [process.memory_mb for process in card.processes if process.memory_mb is not None]
    if len(known) < len(card.processes):
        return 0.0
    unseen = card.memory_used_mb - sum(known)
    return unseen if unseen > UNSEEN_SHARE * card.memory_total_mb else 0.0


def _named(processes: list[CardProcess]) -> str:
    more = [f"and {len(processes) - _NAMED} more"] if len(processes) > _NAMED else []
    return "; ".join([_in_words(process) for process in processes[:_NAMED]] + more)


def _in_words(process: CardProcess) -> str:
    who = process.user if process.can_be_seen else "a process that cannot be seen from here"
    what = f"pid {process.pid} {process.command}".rstrip()
    memory = _gb(process.memory_mb) if process.memory_mb is not None else ""
    return ", ".join(filter(None, (who, what, memory)))


def _gb(megabytes: float) -> str:
    return f"{megabytes / _MB_PER_GB:.1f} GB"
