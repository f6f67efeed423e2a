"""What a running job was seen to do and when, folded from one look to the next; no clock and no file is used here."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from halfmap.daemon.cards import Card
from halfmap.daemon.following import Look
from halfmap.daemon.processes import ProcessSeen

STOPPED, WAITING_FOR_DISK, ENDED = frozenset("Tt"), frozenset("D"), frozenset("ZX")

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_BUSY_SHARE_OF_A_CORE = 0.02
_GAPS_KEPT = 101
# observations further apart than this do not tell when in between a sign came
_CLOSE_S = 30.0


@dataclass(frozen=True, slots=True)
class RankActivity:
    """One rank of a job, or its only process.

    Attributes
    ----------
    rank
        None for a job without MPI.
    state
        The kernel's letter for it; empty once it is gone.
    busy_at
        When it last used more than a fiftieth of a core (monotonic seconds); before that, when it was first seen.
    """

    rank: int | None
    pid: int
    start_time: int
    state: str
    cpu_ticks: int
    busy_at: float


@dataclass(frozen=True, slots=True)
class CardActivity:
    """One leased card; `usual_power_w` is the most it drew while the job made progress, None if it was never told."""

    uuid: str
    label: str
    utilisation: float | None
    power_w: float | None
    usual_power_w: float | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """A job's signs of life. Times are monotonic seconds.

    Attributes
    ----------
    seen
        Time of the last observation.
    sign_at
        When progress was last seen: a new event, growth of run.out, a new or rewritten iteration file. Before the first
        sign, when the job was first seen.
    signs
        How often that was.
    gaps, longest_gap
        The last times between signs, and the longest of all, in seconds. A silence that was explained by something
        stopped, gone, or waiting for a disk is not among them.
    tells_events
        The engine tells its progress every second or so; otherwise run.out is all there is.
    step_seconds
        How long an iteration takes; None before two are known.
    is_disturbed
        Something was stopped, gone, or waiting for a disk since the last sign.
    processes_at
        When the processes were last looked at.
    gone
        Ranks that were there and are no more.
    """

    seen: float
    sign_at: float
    progress: tuple[int, int, str, float]
    signs: int = 0
    gaps: tuple[float, ...] = ()
    longest_gap: float = 0.0
    is_disturbed: bool = False
    tells_events: bool = False
    newest_file: str = ""
    step_seconds: float | None = None
    processes_at: float = 0.0
    ranks: tuple[RankActivity, ...] = ()
    gone: tuple[RankActivity, ...] = ()
    cards: tuple[CardActivity, ...] = ()


@dataclass
class ActivityLog:
    """Keeps the activity of one attempt, from the first look at it in this life of the daemon."""

    activity: Activity | None = field(default=None)

    def observe(self, now: float, look: Look, processes: Sequence[ProcessSeen], cards: Sequence[Card]) -> Activity:
        """Take in one look.

        Parameters
        ----------
        now
            Monotonic time of the look.
        look
            What the job's files show.
        processes
            All processes of the attempt on this machine.
        cards
            Those it has leased.
        """
        self.activity = first_seen(now, look) if self.activity is None else with_look(self.activity, now, look)
        self.activity = with_cards(with_processes(self.activity, processes), cards)
        return self.activity


def first_seen(now: float, look: Look) -> Activity:
    """Begin: what is there already is no sign of life."""
    return _with_names(Activity(now, now, _progress(look)), look)


def with_look(activity: Activity, now: float, look: Look) -> Activity:
    """Take in what the files show."""
    activity = _with_names(activity, look)
    if _progress(look) == activity.progress:
        return replace(activity, seen=now)
    # in a long time without observations the sign may have come at any moment, at once even
    gap = (now if now - activity.seen <= _CLOSE_S else activity.seen) - activity.sign_at
    learned = activity if activity.is_disturbed else _with_gap(activity, gap)
    return replace(
        learned,
        seen=now,
        sign_at=now,
        progress=_progress(look),
        signs=activity.signs + 1,
        is_disturbed=False,
    )


def _with_gap(activity: Activity, gap: float) -> Activity:
    gaps = (*activity.gaps, gap)[-_GAPS_KEPT:]
    return replace(activity, gaps=gaps, longest_gap=max(activity.longest_gap, gap))


def _with_names(activity: Activity, look: Look) -> Activity:
    return replace(
        activity,
        tells_events=look.run is not None,
        newest_file=look.newest_file,
        step_seconds=look.step_seconds,
    )


def _progress(look: Look) -> tuple[int, int, str, float]:
    return look.sequence, look.output_bytes, look.newest_file, look.newest_time


def with_processes(activity: Activity, processes: Sequence[ProcessSeen]) -> Activity:
    """Take in the ranks."""
    before = {(rank.pid, rank.start_time): rank for rank in chain(activity.ranks, activity.gone)}
    seconds = activity.seen - activity.processes_at
    ranks = tuple(_rank(activity.seen, seconds, before.get((p.pid, p.start_time)), p) for p in ranks_of(processes))
    here = {(process.pid, process.start_time) for process in processes}
    gone = tuple(replace(rank, state="") for identity, rank in before.items() if identity not in here)
    is_disturbed = activity.is_disturbed or bool(gone) or any(is_held(rank, activity.seen) for rank in ranks)
    return replace(activity, processes_at=activity.seen, ranks=ranks, gone=gone, is_disturbed=is_disturbed)


def is_held(rank: RankActivity, now: float) -> bool:
    """Whether a rank cannot go on: stopped, ended, or waiting for a disk for longer than a disk takes."""
    waits = rank.state in WAITING_FOR_DISK and now - rank.busy_at > _CLOSE_S
    return waits or rank.state in STOPPED | ENDED


def _rank(seen: float, seconds: float, before: RankActivity | None, process: ProcessSeen) -> RankActivity:
    busy_at = seen
    if before is not None:
        used = (process.cpu_ticks - before.cpu_ticks) / _TICKS_PER_S
        busy_at = seen if used > 0 and used >= _BUSY_SHARE_OF_A_CORE * seconds else before.busy_at
    return RankActivity(process.rank, process.pid, process.start_time, process.state, process.cpu_ticks, busy_at)


def ranks_of(processes: Sequence[ProcessSeen]) -> list[ProcessSeen]:
    """Choose the ranks among an attempt's processes, in order; without any, the process that works most.

    What a rank starts inherits its number and is left out.
    """
    numbered = {process.pid: process for process in processes if process.rank is not None}
    if not numbered:
        return sorted(processes, key=lambda process: process.cpu_ticks)[-1:]
    own = [
        process
        for process in numbered.values()
        if process.parent not in numbered or numbered[process.parent].rank != process.rank
    ]
    return sorted(own, key=lambda process: (process.rank or 0, process.pid))


def with_cards(activity: Activity, cards: Sequence[Card]) -> Activity:
    """Take in the cards; what they draw while progress is fresh is what is usual."""
    before = {card.uuid: card for card in activity.cards}
    is_fresh = activity.seen - activity.sign_at <= max(activity.longest_gap, _CLOSE_S)
    return replace(activity, cards=tuple(_card(before.get(card.uuid), card, is_fresh) for card in cards))


def _card(before: CardActivity | None, card: Card, is_fresh: bool) -> CardActivity:
    usual = before.usual_power_w if before else None
    if is_fresh and card.power_w is not None:
        usual = max(usual or 0.0, card.power_w)
    return CardActivity(card.uuid, card.label, card.utilisation, card.power_w, usual)
