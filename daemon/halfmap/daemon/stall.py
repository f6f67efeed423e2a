"""When silence of a running job is an alarm, and who it is that is silent.

Only progress counts: a rank that waits for another one keeps its core busy, so processor time is no sign of life, but
it tells the two apart. Nothing is ever stopped here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from halfmap.daemon import settings
from halfmap.daemon.activity import ENDED, STOPPED, WAITING_FOR_DISK, Activity, CardActivity, RankActivity

_FIRST_LEAST_S = 900.0
_FIRST_FACTOR = 10.0
_SIGNS_TO_LEARN_FROM = 3
# RELION draws sixty steps of a bar in the longest phase; the next iteration may be eight times as long
_SHARE_OF_ITERATION = 0.25
_QUIET_S = 60.0
_BUSY_PERCENT = 95.0
_LOW_POWER = 0.35


@dataclass(frozen=True, slots=True)
class Stall:
    """A job that makes no progress.

    Attributes
    ----------
    text
        For people: how long, who is silent, and what was measured.
    silence_s, threshold_s
        How long, and from when on that is an alarm.
    ranks, cards
        Those that are to blame: numbers and UUIDs; empty if nothing tells.
    """

    text: str
    silence_s: float
    threshold_s: float
    ranks: tuple[int, ...] = ()
    cards: tuple[str, ...] = ()


def threshold_s(activity: Activity, limits: settings.Stall) -> float:
    """How long a job may be silent, in seconds, judged by its own past.

    A job of which little is known yet gets longer: it may be compiling, or copying its particles.
    """
    if activity.signs < _SIGNS_TO_LEARN_FROM:
        return max(_FIRST_FACTOR * limits.least_s, _FIRST_LEAST_S)
    usual = limits.factor * activity.longest_gap
    if not activity.tells_events:
        usual = max(usual, _SHARE_OF_ITERATION * (activity.step_seconds or 0.0))
    return max(usual, limits.least_s)


def judge_stall(activity: Activity, limits: settings.Stall, now: float) -> Stall | None:
    """Judge a job.

    Parameters
    ----------
    activity
        What it was seen to do.
    limits
        What the user has set.
    now
        Monotonic time. Silence counts up to the last observation only: of what came later nothing is known.

    Returns
    -------
    Stall or None
        None as long as its silence is not unusual.
    """
    silence, threshold = min(now, activity.seen) - activity.sign_at, threshold_s(activity, limits)
    if silence <= threshold:
        return None
    blamed = [*_held(activity), *_quiet(activity, silence)]
    hung = [card for card in activity.cards if _hangs(card) and _all_quiet(activity, silence)]
    facts = [words for words, _ in blamed] or [_nobody(activity, silence)]
    last_file = [f"last file {activity.newest_file}"] if activity.newest_file else []
    cards = [_card_words(card, card in hung) for card in activity.cards if card.utilisation is not None]
    return Stall(
        "; ".join(part for part in (_headline(activity, silence), *facts, *last_file, *cards) if part),
        silence,
        threshold,
        tuple(rank for _, ranks in blamed for rank in ranks),
        tuple(card.uuid for card in hung),
    )


def _headline(activity: Activity, silence: float) -> str:
    usually = f" (usually every {in_words(median(activity.gaps))})" if activity.gaps else " since it was first seen"
    return f"no progress for {in_words(silence)}{usually}"


_Blame = tuple[str, tuple[int, ...]]


def _held(activity: Activity) -> Iterator[_Blame]:
    """Ranks that cannot go on whatever the others do."""
    for rank in activity.ranks:
        words = _state_words(rank, activity.seen)
        if words:
            yield f"{_name(rank)} {words}", _numbers([rank])
    for rank in activity.gone:
        yield f"{_name(rank)} is gone", _numbers([rank])


def _state_words(rank: RankActivity, seen: float) -> str:
    if rank.state in STOPPED:
        return "is stopped (SIGSTOP)" if rank.state == "T" else "is stopped by a debugger"
    if rank.state in ENDED:
        return "has ended and nobody has taken notice of it"
    if rank.state in WAITING_FOR_DISK and seen - rank.busy_at >= _QUIET_S:
        return f"has waited for a disk or file system for {in_words(seen - rank.busy_at)}"
    return ""


def _quiet(activity: Activity, silence: float) -> Iterator[_Blame]:
    """Ranks that do nothing while others do."""
    able = [rank for rank in activity.ranks if not _state_words(rank, activity.seen)]
    quiet = [rank for rank in able if _is_quiet(rank, activity, silence)]
    busy = [rank for rank in able if rank not in quiet]
    if not (quiet and busy):
        return
    for rank in quiet:
        since = in_words(activity.seen - rank.busy_at)
        yield f"{_name(rank)} has used no CPU for {since} while {_names(busy)} did", _numbers([rank])


def _is_quiet(rank: RankActivity, activity: Activity, silence: float) -> bool:
    return activity.seen - rank.busy_at >= min(_QUIET_S, silence / 2)


def _all_quiet(activity: Activity, silence: float) -> bool:
    return all(_is_quiet(rank, activity, silence) for rank in activity.ranks)


def _nobody(activity: Activity, silence: float) -> str:
    """What can be said when no rank differs from the others."""
    if not activity.ranks:
        return ""
    who = _names(activity.ranks)
    if not _all_quiet(activity, silence):
        return f"{who} kept using CPU without getting on"
    since = in_words(min(activity.seen - rank.busy_at for rank in activity.ranks))
    return f"no CPU used for {since} by {who}"


def _hangs(card: CardActivity) -> bool:
    """Fully busy at little power: a kernel that never ends."""
    if card.utilisation is None or card.power_w is None or not card.usual_power_w:
        return False
    return card.utilisation >= _BUSY_PERCENT and card.power_w < _LOW_POWER * card.usual_power_w


def _card_words(card: CardActivity, hangs: bool) -> str:
    power = "" if card.power_w is None else f" at {card.power_w:.0f} W"
    why = f", usually {card.usual_power_w:.0f} W: a kernel hangs on it" if hangs else ""
    return f"{card.label} {card.utilisation:.0f} % busy{power}{why}"


def _name(rank: RankActivity) -> str:
    number = "the process" if rank.rank is None else f"rank {rank.rank}"
    return f"{number} (pid {rank.pid})"


def _names(ranks: Sequence[RankActivity]) -> str:
    numbers = _numbers(ranks)
    if len(numbers) < 2:
        return _name(ranks[0])
    return f"ranks {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _numbers(ranks: Sequence[RankActivity]) -> tuple[int, ...]:
    return tuple(rank.rank for rank in ranks if rank.rank is not None)


def in_words(seconds: float) -> str:
    """Write a duration as people say it: ``20 s``, ``14 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
