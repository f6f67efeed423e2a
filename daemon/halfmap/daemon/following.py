"""Following a running refinement through its files, whoever started it.

halfmap's engine tells what it does in ``run_progress.jsonl``. RELION tells it in ``run.out`` and in the files it writes
after every iteration, from which the same records are made. A job that one of them began and the other continued is
read from both. A look at a job that does nothing costs a few calls of stat.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from halfmap.contract import job_directory
from halfmap.contract.job_directory import Marker
from halfmap.contract.progress import (
    Event,
    IterationFinished,
    PhaseProgress,
    ProgressReader,
    RunAborted,
    RunFailed,
    RunFinished,
    RunStarted,
)
from halfmap.daemon.iteration_folder import IterationFolder
from halfmap.daemon.run_text import GrowingText, last_error

_LEARN_FROM = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a job folder showed.

    Attributes
    ----------
    iterations
        Those finished since the last look, oldest first, as `IterationFinished` of the contract is written in JSON.
        One that is told again, after a job went back to an earlier iteration, takes the place of what was told before.
    latest
        The last finished iteration of all; None if there is none.
    iteration, phase, fraction
        The iteration under way, its phase, and the share of that which is done; None, empty and None if not known.
    step_seconds
        How long an iteration takes: median of the last three.
    ends_about
        When the iteration under way may end (seconds since the epoch); None if not known.
    sequence
        Number of the last event of halfmap's engine; 0 for RELION's.
    output_bytes
        Size of run.out.
    newest_file, newest_iteration, newest_time
        The numbered file that the run wrote last, its iteration, and when (seconds since the epoch); empty, None and 0
        if there is none.
    last_line
        Of run.out, bars left out.
    error
        The last error that the run told; empty if there is none.
    markers
        RELION's marker files that are there.
    run
        What halfmap's engine told at its start; None for RELION.
    """

    iterations: tuple[dict[str, Any], ...] = ()
    latest: dict[str, Any] | None = None
    iteration: int | None = None
    phase: str = ""
    fraction: float | None = None
    step_seconds: float | None = None
    ends_about: float | None = None
    sequence: int = 0
    output_bytes: int = 0
    newest_file: str = ""
    newest_iteration: int | None = None
    newest_time: float = 0.0
    last_line: str = ""
    error: str = ""
    markers: frozenset[Marker] = frozenset()
    run: RunStarted | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Which files a run has written, as of a look.

    Attributes
    ----------
    names
        Of all files that begin as the run's do.
    numbers
        Numbered iterations that have files, from 0; what an earlier run left is not among them.
    unread
        Those that have their last file and still could not be read as a whole.
    joined
        Number of the iteration in which the halves were joined; None if there is none.
    """

    names: frozenset[str]
    numbers: tuple[int, ...]
    unread: tuple[int, ...]
    joined: int | None


def all_iterations(job_folder: Path, root_name: str = "run") -> list[dict[str, Any]]:
    """Read all finished iterations of a job, in order, whichever program ran it, as in `Look.iterations`."""
    follower = Follower(job_folder, root_name)
    follower.look()
    return [as_written(record) for _, record in sorted(follower.records.items())]


def as_written(record: IterationFinished) -> dict[str, Any]:
    """Give a record as JSON has it."""
    return record.model_dump(mode="json")


@dataclass
class _Told:
    """What halfmap's engine has told so far."""

    sequence: int = 0
    run: RunStarted | None = None
    phase: PhaseProgress | None = None
    error: str = ""
    has_ended: bool = False


@dataclass
class Follower:
    """Follows one job; to be used in its project's thread, every few seconds.

    Parameters
    ----------
    job_folder
        Absolute path.
    root_name
        How output names begin.

    Attributes
    ----------
    records
        Finished iterations by number, as of the last look.
    """

    job_folder: Path
    root_name: str = "run"
    records: dict[int, IterationFinished] = field(default_factory=dict)
    _told: _Told = field(default_factory=_Told)
    _error: str = ""
    _error_bytes: int = 0

    def __post_init__(self) -> None:
        self._root = self.job_folder / self.root_name
        self._progress_file = job_directory.progress_file(self._root)
        self._progress = ProgressReader(self._progress_file)
        self._progress_is: tuple[int, int, int] | None = None
        self._output = GrowingText(job_directory.standard_output_file(self._root))
        self._error_file = job_directory.standard_error_file(self._root)
        self._folder = IterationFolder(self._root)

    def look(self) -> Look:
        """Look at what is there now; whatever cannot be read is read at a later look."""
        self._output.look()
        news = self._news_of_the_engine()
        news |= self._news_of_relion()
        self._look_for_errors()
        return Look(
            iterations=tuple(as_written(self.records[number]) for number in sorted(news & self.records.keys())),
            latest=as_written(self.records[max(self.records)]) if self.records else None,
            **self._place(),
            **self._pace(),
            sequence=self._told.sequence,
            output_bytes=self._output.size,
            newest_file=self._folder.newest_file,
            newest_iteration=self._folder.newest_iteration,
            newest_time=self._folder.newest_time,
            last_line=self._output.place.line,
            error=self._error or self._told.error,
            markers=self._markers(),
            run=self._told.run if self._tells_itself() else None,
        )

    def written(self) -> Written:
        """Tell which files there are, as of the last look."""
        under_way, folder = self._output.place.iteration, self._folder
        return Written(
            folder.names,
            tuple(folder.numbers(under_way)),
            tuple(folder.unread(under_way)),
            folder.joined_number(under_way),
        )

    def _news_of_the_engine(self) -> set[int]:
        """Take in new events; give the numbers of iterations that they tell of."""
        try:
            status = self._progress_file.stat()
        except OSError:
            return set()
        now_is = (status.st_ino, status.st_size, status.st_mtime_ns)
        if now_is == self._progress_is:
            return set()
        if self._progress_is is not None and now_is[0] != self._progress_is[0]:
            self.records.clear()
            self._told = _Told()
        try:
            events = self._progress.read_new()
        except OSError:
            return set()
        self._progress_is = now_is
        return {number for event in events for number in self._take(event)}

    def _take(self, event: Event) -> Iterable[int]:
        self._told.sequence = event.sequence
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, PhaseProgress):
            self._told.phase = event
        elif isinstance(event, IterationFinished):
            self.records[event.iteration] = event
            return (event.iteration,)
        elif isinstance(event, RunFailed):
            self._told.error, self._told.has_ended = event.message, True
        elif isinstance(event, RunFinished | RunAborted):
            self._told.has_ended = True
        return ()

    def _begin(self, event: RunStarted) -> None:
        """A run that goes back to an iteration leaves out what came after; a new run leaves out all."""
        self._told = _Told(event.sequence, event)
        kept = event.continued_from_iteration or 0
        self.records = {number: record for number, record in self.records.items() if number <= kept}

    def _news_of_relion(self) -> set[int]:
        """Take in iterations that RELION has written."""
        found = self._folder.look(known=frozenset(self.records), under_way=self._output.place.iteration)
        self.records.update(found.records)
        for number in found.gone & self.records.keys():
            del self.records[number]
        return set(found.records)

    def _look_for_errors(self) -> None:
        try:
            size = self._error_file.stat().st_size
        except OSError:
            size = 0
        if size != self._error_bytes:
            self._error_bytes, self._error = size, last_error(self._error_file) if size else ""

    def _place(self) -> dict[str, Any]:
        last = max(self.records, default=0)
        if self._has_ended():
            return {"iteration": last or None}
        phase, printed = self._told.phase, self._output.place
        if not self._tells_itself():
            return {"iteration": printed.iteration, "phase": printed.phase or "", "fraction": printed.fraction}
        if phase is None or phase.iteration in self.records:
            return {"iteration": last + 1}
        return {"iteration": phase.iteration, "phase": phase.phase, "fraction": phase.fraction}

    def _tells_itself(self) -> bool:
        return self._folder.is_of_halfmap and self._told.run is not None

    def _has_ended(self) -> bool:
        is_joined = bool(self.records) and self.records[max(self.records)].converged
        return is_joined or (self._tells_itself() and self._told.has_ended)

    def _pace(self) -> dict[str, Any]:
        ends = [record.time.timestamp() for _, record in sorted(self.records.items())]
        if len(ends) < 2:
            return {}
        seconds = median(later - earlier for earlier, later in list(pairwise(ends))[-_LEARN_FROM:])
        if seconds <= 0:
            return {}
        return {"step_seconds": seconds, "ends_about": None if self._has_ended() else ends[-1] + seconds}

    def _markers(self) -> frozenset[Marker]:
        return frozenset(marker for marker in Marker if job_directory.marker_file(self.job_folder, marker).exists())
