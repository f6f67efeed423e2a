"""Showing how a refinement goes: live on a terminal, in sparse lines elsewhere."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from halfmap.contract.progress import Event, IterationFinished, PhaseProgress

COLUMNS = ("iteration", "resolution", "FSC 0.143", "accuracy", "step", "changes", "Pmax", "seconds")
_WIDTH = 14


class View(ABC):
    """Shows the events of a run."""

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show an event, or pass over it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 (a view without anything to end is complete)
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


def view_on(console: Console) -> View:
    """Choose the view for a console."""
    return LiveView(console) if console.is_terminal else PlainView(console)


class LiveView(View):
    """A table with a row for each iteration, and a bar for the phase under way."""

    def __init__(self, console: Console) -> None:
        self._table = Table()
        for name in COLUMNS:
            self._table.add_column(name, justify="right")
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console)
        self._task = self._bar.add_task("starting; the first run ever compiles its kernels", total=1.0)
        self._live = Live(Group(self._table, self._bar), console=console)

    def show(self, event: Event) -> None:
        """Add a row, or move the bar."""
        if isinstance(event, PhaseProgress):
            doing = f"iteration {event.iteration}, {event.phase}"
            self._bar.update(self._task, description=doing, completed=event.fraction)
        elif isinstance(event, IterationFinished):
            self._table.add_row(*cells(event))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.update(self._task, visible=False)
        self._live.stop()


class PlainView(View):
    """A line for each iteration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._print(COLUMNS)

    def show(self, event: Event) -> None:
        """Print an iteration."""
        if isinstance(event, IterationFinished):
            self._print(cells(event))

    def _print(self, words: tuple[str, ...]) -> None:
        self._console.print("".join(f"{word:>{_WIDTH}}" for word in words), soft_wrap=True)


def cells(event: IterationFinished) -> tuple[str, ...]:
    """Write what an iteration found, a text for each of `COLUMNS`."""
    changes = f"{_number(event.changes_orientations_deg, 1, '°')} {_number(event.changes_offsets_angstrom, 1, ' Å')}"
    return (
        f"{event.iteration} (final)" if event.converged else f"{event.iteration}",
        _number(event.resolution_angstrom, 1, " Å"),
        _number(event.resolution_fsc_143_angstrom, 1, " Å"),
        _number(event.accuracy_rotation_deg, 2, "°"),
        _number(event.angular_step_deg, 2, "°"),
        changes,
        _number(event.average_pmax, 2, ""),
        f"{sum(seconds or 0 for seconds in event.seconds.values()):.1f}",
    )


def _number(value: float | None, decimals: int, unit: str) -> str:
    return "–" if value is None else f"{value:.{decimals}f}{unit}"
