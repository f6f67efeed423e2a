"""Tells people and programs what a run does: RELION's lines on standard output, records in run_progress.jsonl."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from typing import TextIO, TypeVar, cast

from halfmap.contract.progress import PhaseProgress, ProgressWriter
from halfmap.contract.progress_events import AnyEvent, Phase
from halfmap.engine.refinement.observer import Observer, SearchSize
from halfmap.engine.refinement.settings import Settings
from halfmap.engine.refinement.state import Control
from halfmap.engine.reporting import words
from halfmap.engine.reporting.progress_bar import ProgressBar

_RECORD_INTERVAL_S = 1.0
_ANNOUNCEMENTS = {
    "noise": " Estimating initial noise spectra, and checking the images of {total} particles ",
    "accuracy": " Estimating accuracies in the orientational assignment ... ",
    "expectation": " Expectation iteration {iteration}",
    "maximization": " Maximization...",
}


SomeEvent = TypeVar("SomeEvent", bound=AnyEvent)

BY_CAPTAIN_OF_HALF_1 = frozenset({"noise", "accuracy"})
BY_FIRST_RANK = frozenset(_ANNOUNCEMENTS) - BY_CAPTAIN_OF_HALF_1


@dataclass
class RunLog(Observer):
    """Tells what happens, on the ranks that are asked to.

    Parameters
    ----------
    out
        Standard output.
    speaks
        This rank prints lines.
    draws
        Phases whose bars this rank draws.
    settings
        Settings of the run.
    check_abort
        Called often; raises when the user has asked the run to stop.
    records
        Progress records; None on ranks that write none, and before the first file is written.
    """

    out: TextIO
    speaks: bool
    draws: frozenset[str]
    settings: Settings
    check_abort: Callable[[], None]
    records: ProgressWriter | None = None
    now: Callable[[], float] = time.monotonic
    _iteration: int = 0
    _phase: str = ""
    _started: float = 0.0
    _recorded: float = 0.0
    _bar: ProgressBar | None = field(default=None)
    _recording: Lock = field(default_factory=Lock)

    def say(self, lines: Iterable[str]) -> None:
        """Print lines."""
        if self.speaks:
            self._print(lines)

    def _print(self, lines: Iterable[str]) -> None:
        self.out.writelines(f"{line}\n" for line in lines)
        self.out.flush()

    def record(self, event: SomeEvent) -> SomeEvent:
        """Write a record, on the rank that keeps them; called from any thread."""
        with self._recording:
            return event if self.records is None else self.records.write(event)

    def iteration_started(self, control: Control) -> None:
        """Print the head of an iteration."""
        self.check_abort()
        self._iteration = control.iteration
        self.say(words.iteration_lines(control))

    def phase(self, name: str, done: int, total: int) -> None:
        """Draw the bar of a phase and record it at most once a second."""
        self.check_abort()
        if name != self._phase or done == 0:
            self._begin(name, total)
        if self._bar is not None:
            self._bar.show(done, total)
        if done >= total or self.now() - self._recorded >= _RECORD_INTERVAL_S:
            self._record_phase(name, done / total if total else 1.0)
        if done >= total:
            self._phase = ""

    def _begin(self, name: str, total: int) -> None:
        self._phase, self._started, self._bar = name, self.now(), None
        if name in self.draws:
            self._print([_ANNOUNCEMENTS[name].format(iteration=self._iteration, total=total)])
            self._bar = ProgressBar(self.out)

    def _record_phase(self, name: str, fraction: float) -> None:
        self._recorded = self.now()
        seconds = self._recorded - self._started
        self.record(
            PhaseProgress(iteration=self._iteration, phase=cast(Phase, name), fraction=fraction, seconds=seconds)
        )

    def accuracies_estimated(self, control: Control) -> None:
        """Print the accuracies."""
        self.say(words.accuracy_lines(control))

    def search_planned(self, control: Control, sizes: tuple[SearchSize, SearchSize]) -> None:
        """Print the sampling."""
        self.say(
            words.search_lines(
                control,
                sizes,
                self.settings.sampling.diameter_angstrom,
                self.settings.sampling.step_deg(control.sampling),
            )
        )

    def memory_planned(self, lines: list[str]) -> None:
        """Print the plan."""
        self.say(lines)

    def precision_checked(self, outcome: str) -> None:
        """Print what was found, from the captain of half set 1, whose bars are drawn, too."""
        if self.draws:
            self._print([outcome])

    def joining(self, resolution_angstrom: float) -> None:
        """Print up to where the halves share their data."""
        self._record_phase("join", 1.0)
        self.say(words.joining_lines(resolution_angstrom))

    def comparing(self, solvent_corrected: bool, randomised_angstrom: float | None) -> None:
        """Print that the FSC is being taken."""
        self._record_phase("fsc", 1.0)
        self.say(words.comparing_lines(solvent_corrected, randomised_angstrom))
