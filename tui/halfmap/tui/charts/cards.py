"""What cards did over time: power, memory, utilisation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from halfmap.daemon.client import CardSample
from halfmap.tui.charts.known import known
from halfmap.tui.charts.plot import Axis, Plot, Role, Series
from halfmap.tui.charts.ticks import brief

_ROLES: tuple[Role, ...] = ("first", "second", "third", "fourth")
_MOST_POINTS = 240
_UNITS = ((3 * 86400.0, "days", 86400.0), (2 * 3600.0, "hours", 3600.0), (300.0, "min", 60.0), (0.0, "s", 1.0))

_Value = Callable[[CardSample], float | None]


@dataclass(frozen=True, slots=True)
class _Clock:
    """Time since the first sample, in a unit that suits its length."""

    begin: float
    unit: str
    seconds: float

    def place(self, time: float) -> float:
        """Give a time in that unit."""
        return (time - self.begin) / self.seconds


def card_plots(samples: Sequence[CardSample]) -> tuple[Plot, ...]:
    """Draw power, memory and utilisation of up to four cards; nothing without samples."""
    timed = sorted((one for one in samples if known(one.time) is not None), key=lambda one: one.time)
    if not timed:
        return ()
    length = timed[-1].time - timed[0].time
    unit, seconds = next((unit, seconds) for least, unit, seconds in _UNITS if length >= least)
    clock = _Clock(timed[0].time, unit, seconds)
    cards = sorted({one.uuid for one in timed})
    by_card = [[one for one in timed if one.uuid == uuid] for uuid in cards]
    kinds: tuple[tuple[str, Axis, _Value], ...] = (
        ("Card power", Axis("W", low=0.0), lambda one: known(one.power_w)),
        ("Card memory", Axis("GB", low=0.0), lambda one: known(one.memory_used_mb / 1024)),
        ("Card utilisation", Axis("%", low=0.0, high=100.0), lambda one: known(one.utilisation)),
    )
    return tuple(_plot(title, axis, value, clock, by_card) for title, axis, value in kinds)


def _plot(title: str, axis: Axis, value: _Value, clock: _Clock, by_card: Sequence[Sequence[CardSample]]) -> Plot:
    drawn = by_card[: len(_ROLES)]
    notes = [f"now {', '.join(_last(one, value, axis.label) for one in drawn)}"]
    if len(by_card) > len(drawn):
        notes.append(f"{len(drawn)} of {len(by_card)} cards are drawn")
    return Plot(
        title=title,
        x=Axis(clock.unit),
        y=axis,
        series=tuple(_series(nth, card, value, clock) for nth, card in enumerate(drawn)),
        notes=tuple(notes),
    )


def _series(nth: int, card: Sequence[CardSample], value: _Value, clock: _Clock) -> Series:
    thinned = [_mean(part, value) for part in _parts(card)]
    name = card[0].uuid.removeprefix("GPU-")[:6]
    return Series(
        name,
        tuple(clock.place(time) for time, _ in thinned),
        tuple(mean for _, mean in thinned),
        _ROLES[nth],
        "line",
        "abcd"[nth],
    )


def _parts(card: Sequence[CardSample]) -> Iterable[Sequence[CardSample]]:
    size = -(-len(card) // _MOST_POINTS)
    return (card[begin : begin + size] for begin in range(0, len(card), size))


def _mean(part: Sequence[CardSample], value: _Value) -> tuple[float, float | None]:
    found = [number for one in part if (number := value(one)) is not None]
    return part[len(part) // 2].time, sum(found) / len(found) if found else None


def _last(card: Sequence[CardSample], value: _Value, unit: str) -> str:
    last = value(card[-1])
    return "not known" if last is None else f"{brief(last)} {unit}"
