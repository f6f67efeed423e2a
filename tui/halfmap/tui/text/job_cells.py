"""A job as the cells of a table, and as the two lines beneath it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from halfmap.daemon.client import JobRow, JobState
from halfmap.tui.text.cells import Cell, Column, Wish, granted
from halfmap.tui.text.figures import clock, elapsed_s, figure, known_as, rough_duration
from halfmap.tui.text.plain import cut, cut_front, plain
from halfmap.tui.text.states import state_cell

_REFINEMENTS = "Refine3D/"
_LONGEST = 60
_PHASES = {
    "accuracy": "acc",
    "expectation": "exp",
    "maximization": "max",
    "noise": "noi",
    "write": "wri",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a table of jobs is written with.

    Attributes
    ----------
    now
        Seconds since the epoch.
    cards
        The number of each card, by its UUID.
    """

    now: float = 0.0
    cards: Mapping[str, int] = field(default_factory=dict)


def name_of(row: JobRow) -> str:
    """Give a job's name and alias; that a refinement is one goes without saying."""
    name = row.name.strip("/").removeprefix(_REFINEMENTS) or f"job {row.job}"
    alias = row.alias.strip("/").removeprefix(_REFINEMENTS)
    return plain(f"{name} {alias}" if alias else name)


def project_of(row: JobRow) -> str:
    """Give the last part of the project's path."""
    return plain(row.project.rstrip("/").rpartition("/")[2] or row.project)


def iteration(row: JobRow) -> str:
    """Tell the iteration, and while it is under way its phase and how much of that is done: ``12 exp 43%``."""
    number = "" if row.iteration is None else f"{row.iteration}"
    if not row.state.is_active:
        return number
    phase = plain(_PHASES.get(row.phase, row.phase)[:4])
    share = "" if row.fraction is None else f"{min(100, max(0, int(100 * row.fraction)))}%"
    return " ".join(part for part in (number, phase, share) if part)


def resolution(row: JobRow) -> str:
    """Tell the resolution and its last change: ``17.2 Å ↓2.3`` is finer by 2.3 Å than the one before."""
    now, before = row.resolution_angstrom, row.resolution_before_angstrom
    if now is None:
        return ""
    if before is None:
        return figure(now, "Å", _digits(now))
    change = before - now
    size = f"{abs(change):.{_digits(now)}f}"
    arrow = f"{'↓' if change > 0 else '↑'}{size}" if float(size) else "="
    return f"{figure(now, 'Å', _digits(now))} {arrow}"


def degrees(value: float | None) -> str:
    """Write an angle: ``0.47°``, ``3.75°``, ``15.0°``."""
    return "" if value is None else f"{value:.{2 if abs(value) < 9.995 else 1}f}°"


def cards(row: JobRow, seen: Seen) -> str:
    """Tell which cards a job has, or how many if they are not known."""
    if not row.cards:
        return ""
    known = [seen.cards.get(uuid) for uuid in row.cards]
    if None in known:
        return f"{len(known)} card{'s' if len(known) > 1 else ''}"
    return ",".join(f"{number}" for number in known)


def place(row: JobRow) -> str:
    """Tell where a job runs: ``here``, a partition of Slurm, or ``elsewhere`` if somebody else has started it."""
    return "elsewhere" if row.followed else plain(row.place)


def iteration_ends(row: JobRow, seen: Seen) -> str:
    """Tell when the iteration under way may end."""
    return clock(row.ends_about, seen.now) if row.state.is_active else ""


def why(row: JobRow) -> Cell:
    """Tell the alarm, or why a job waits or how it ended."""
    role = "alarm" if row.alarm or row.state.is_trouble else ""
    return Cell(plain(row.alarm or row.reason), role)


def _digits(value: float) -> int:
    return 2 if value < 9.995 else 1 if value < 99.95 else 0


_Teller = Callable[[JobRow, Seen], Cell]


def _plainly(tell: Callable[[JobRow], str]) -> _Teller:
    return lambda row, _: Cell(tell(row))


_COLUMNS: tuple[tuple[Wish, _Teller], ...] = (
    (Wish("job", 10, 5, is_right=True), _plainly(lambda row: f"{row.job}")),
    (Wish("name", 0, 18, 30), lambda row, _: Cell(name_of(row), "note" if row.followed else "")),
    (Wish("project", 8, 9, 20), _plainly(project_of)),
    (Wish("state", 1, 10), lambda row, _: state_cell(row)),
    (Wish("iteration", 2, 12), _plainly(iteration)),
    (Wish("resolution", 3, 12), _plainly(resolution)),
    (Wish("acc.", 5, 6, is_right=True), _plainly(lambda row: degrees(row.accuracy_rotation_deg))),
    (Wish("shift", 11, 6, is_right=True), _plainly(lambda row: figure(row.accuracy_translation_angstrom, "Å", 1))),
    (Wish("step", 6, 6, is_right=True), _plainly(lambda row: degrees(row.angular_step_deg))),
    (Wish("cards", 9, 7), lambda row, seen: Cell(cards(row, seen))),
    (Wish("elapsed", 4, 8, is_right=True), lambda row, seen: Cell(rough_duration(elapsed_s(row, seen.now)))),
    (Wish("it. ends", 7, 9, is_right=True), lambda row, seen: Cell(iteration_ends(row, seen))),
    (Wish("prio", 14, 4, is_right=True), _plainly(lambda row: f"{row.priority}" if row.priority else "")),
    (Wish("place", 13, 9, 16), _plainly(place)),
    (Wish("why", 12, 16, 200), lambda row, _: why(row)),
)
_TELLERS = {wish.title: tell for wish, tell in _COLUMNS}


def columns_for(width: int) -> tuple[Column, ...]:
    """Choose the columns of a table of jobs that is so many cells wide."""
    return tuple(column for _, column in granted([wish for wish, _ in _COLUMNS], width))


def cells_of(row: JobRow, columns: tuple[Column, ...], seen: Seen) -> tuple[Cell, ...]:
    """Write a job into these columns."""
    return tuple(_TELLERS[column.title](row, seen) for column in columns)


def facts(row: JobRow, seen: Seen) -> str:
    """Tell in a line what may have no column: number, full name, project, priority, place, cards, times."""
    told = (
        f"job {row.job}, {cut(known_as(row), _LONGEST)} in {cut_front(plain(row.project), _LONGEST)}",
        "started by somebody else: only shown" if row.followed else f"on {plain(row.place)}" * (row.place != "here"),
        f"priority {row.priority}" * (row.priority != 0),
        f"attempt {row.attempt}" * (row.attempt > 1),
        f"cards {cards(row, seen)}" * bool(row.cards),
        _times(row, seen),
    )
    return " · ".join(one for one in told if one)


def _times(row: JobRow, seen: Seen) -> str:
    if row.state.is_active and row.ends_about is not None:
        return f"iteration may end at {iteration_ends(row, seen)}"
    if row.state is JobState.QUEUED and row.begin is not None and row.begin > seen.now:
        return f"not before {clock(row.begin, seen.now)}"
    if row.state.has_ended:
        return f"ended {clock(row.ended, seen.now)}" * (row.ended is not None)
    return f"submitted {clock(row.submitted, seen.now)}" * bool(row.submitted)
