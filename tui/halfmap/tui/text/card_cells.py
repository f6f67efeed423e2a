"""Cards, the machine and its jobs in words: cells of a table, and lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from halfmap.daemon.client import CardProcessRow, CardRow, HostRow, JobRow, PartitionRow, ProjectRow
from halfmap.tui.charts.plot import Role
from halfmap.tui.text.cells import Cell, Column, Wish, granted
from halfmap.tui.text.figures import figure, megabytes
from halfmap.tui.text.plain import plain

_BAR = 8
_ROLES: Mapping[str, Role] = {
    "free": "third",
    "leased": "first",
    "busy": "second",
    "dirty": "alarm",
    "quarantined": "alarm",
    "gone": "alarm",
}
CLEANABLE = ("dirty", "quarantined")
"""States out of which a person may take a card."""


@dataclass(frozen=True, slots=True)
class CardLine:
    """A line of the table: a card, or a process on it."""

    card: CardRow
    process: CardProcessRow | None = None


def card_lines(cards: Sequence[CardRow]) -> tuple[CardLine, ...]:
    """Give each card's line and those of its processes."""
    ordered = sorted(cards, key=lambda card: (card.index, card.uuid))
    return tuple(
        line for card in ordered for line in (CardLine(card), *(CardLine(card, one) for one in card.processes))
    )


def bar(share: float, width: int = _BAR) -> str:
    """Draw a share as a bar."""
    full = round(min(1.0, max(0.0, share)) * width)
    return "█" * full + "·" * (width - full)


def memory(card: CardRow) -> str:
    """Tell how much of a card's memory is used, as a bar and in figures."""
    total = card.memory_total_mb
    share = card.memory_used_mb / total if total > 0 else 0.0
    return f"{bar(share)} {card.memory_used_mb / 1024:.1f}/{total / 1024:.1f} GB"


_WISHES = (
    Wish("card", 0, 16, 28),
    Wish("state", 1, 11),
    Wish("memory", 2, 21),
    Wish("use", 4, 5, is_right=True),
    Wish("power", 5, 6, is_right=True),
    Wish("temp.", 6, 6, is_right=True),
    Wish("job", 3, 6, is_right=True),
    Wish("why", 7, 16, 200),
)


def columns_for(width: int) -> tuple[Column, ...]:
    """Choose the columns of a table of cards that is so many cells wide."""
    return tuple(column for _, column in granted(_WISHES, width))


def cells_of(line: CardLine, columns: tuple[Column, ...]) -> tuple[Cell, ...]:
    """Write a line into these columns."""
    told = _card(line.card) if line.process is None else _process(line.process)
    return tuple(told.get(column.title, Cell("")) for column in columns)


def _card(card: CardRow) -> dict[str, Cell]:
    role = _ROLES.get(card.state, "")
    return {
        "card": Cell(f"{card.index} {plain(card.name).removeprefix('NVIDIA ')}"),
        "state": Cell(card.state, role),
        "memory": Cell(memory(card)),
        "use": Cell(figure(card.utilisation, "%", 0)),
        "power": Cell(figure(card.power_w, "W", 0)),
        "temp.": Cell(figure(card.temperature_c, "°C", 0)),
        "job": Cell("" if card.leased_to is None else f"{card.leased_to}"),
        "why": Cell(plain(card.reason), role if card.state in CLEANABLE else ""),
    }


def _process(process: CardProcessRow) -> dict[str, Cell]:
    job = "" if process.ours is None else f"{process.ours}"
    return {
        "card": Cell(f"  {plain(process.command) or 'process'}", "note"),
        "state": Cell(plain(process.user), "note" if job else "second"),
        "memory": Cell(f"{'':{_BAR}} {megabytes(process.memory_mb)}", "note"),
        "job": Cell(job, "note"),
        "why": Cell(f"pid {process.process_id}", "note"),
    }


def about(line: CardLine) -> tuple[Cell, ...]:
    """Tell of a line what may have no column."""
    card, process = line.card, line.process
    if process is not None:
        whose = f"of job {process.ours}" if process.ours is not None else "of no job of this daemon"
        held = megabytes(process.memory_mb) or "unknown memory"
        told = f"pid {process.process_id} of {plain(process.user)}, {whose}, {held}: {plain(process.command)}"
        return (Cell(told, "note"),)
    reason = plain(card.reason)
    told = f"card {card.index}, {plain(card.name)}, {plain(card.uuid)}"
    return Cell(f"{reason}\n" if reason else "", _ROLES.get(card.state, "")), Cell(told, "note")


def host_line(host: HostRow) -> str:
    """Tell what the machine has, and what running jobs have of it."""
    cores = f"cores {bar(_share(host.cores_leased, host.cores))} {host.cores_leased}/{host.cores}"
    memory_of_all = f"{host.memory_leased_mb / 1024:.1f}/{host.memory_mb / 1024:.1f} GB"
    return f"{cores}   memory {bar(_share(host.memory_leased_mb, host.memory_mb))} {memory_of_all}"


def places_line(rows: Sequence[JobRow]) -> str:
    """Tell how many jobs run and wait at each place: here, and in Slurm's partitions."""
    active = Counter(row.place for row in rows if row.state.is_active and not row.followed)
    waiting = Counter(row.place for row in rows if row.state.is_waiting and not row.followed)
    told = [f"{plain(place)}: {active[place]} active, {waiting[place]} waiting" for place in sorted(active | waiting)]
    return "   ".join(told) or "no jobs run or wait"


def partition_lines(host: HostRow) -> tuple[str, ...]:
    """Tell of Slurm's partitions, a line each: cores, nodes, what they have, and how long a job may run there."""
    problem = (f"Slurm: {plain(host.slurm_problem)}",) if host.slurm_problem else ()
    return (*map(_partition, host.partitions), *problem)


def _partition(one: PartitionRow) -> str:
    state = "" if one.is_up else "down   "
    cores = f"cores free {one.cores_free}/{one.cores}   {one.nodes} nodes"
    more = "   ".join(plain(word) for word in (*one.generic_resources, f"limit {one.time_limit}") if word)
    return f"slurm:{plain(one.name)}{' (default)' if one.is_default else ''}   {state}{cores}   {more}"


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def project_cells(project: ProjectRow) -> dict[str, Cell]:
    """Write a watched project: what is wrong with it, else how it is watched."""
    if not project.project:
        return {
            "project": Cell("all projects"),
            "jobs": Cell(f"{project.jobs}"),
            "file system": Cell(""),
            "state": Cell(""),
        }
    how = f"{project.watching or 'not watched yet'}{f': {plain(project.reason)}' if project.reason else ''}"
    return {
        "project": Cell(plain(project.project)),
        "jobs": Cell(f"{project.jobs}"),
        "file system": Cell(plain(project.file_system)),
        "state": Cell(plain(project.trouble), "alarm") if project.trouble else Cell(how, "note"),
    }
