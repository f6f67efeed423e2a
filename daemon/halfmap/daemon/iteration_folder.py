"""Which iterations' files a job folder holds, who wrote them, and what is new since the last look."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.progress import IterationFinished
from halfmap.daemon.relion_iterations import read_iteration, read_joined

_LOOKS_BETWEEN_SCANS = 30
# a copy of a job folder has its files in any order, within such a time
_SAME_TIME_S = 60.0
_OF_HALFMAP = b"halfmap"


@dataclass(frozen=True, slots=True)
class News:
    """What changed: iterations that RELION finished, by number, and those that a run has gone back behind."""

    records: Mapping[int, IterationFinished] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Optimiser:
    """An optimiser file, as its name and status tell."""

    written: float
    size: int
    is_of_halfmap: bool


@dataclass
class IterationFolder:
    """Watches the iteration files of one root.

    Attributes
    ----------
    root
        How the names begin.
    newest_file, newest_iteration, newest_time
        The numbered file that was written last: its name, iteration, and time since the epoch.
    is_of_halfmap
        Whether halfmap's engine wrote last; before the first iteration, whether it tells its progress.
    names
        Of all files that begin with the root's name and a low line.
    """

    root: Path
    newest_file: str = ""
    newest_iteration: int | None = None
    newest_time: float = 0.0
    is_of_halfmap: bool = False
    names: frozenset[str] = frozenset()
    _optimisers: dict[int, _Optimiser] = field(default_factory=dict)
    _joined: _Optimiser | None = None
    _unread: set[int] = field(default_factory=set)
    _joined_is_unread: bool = False
    _folder_time: int = 0
    _looks: int = 0

    def look(self, known: frozenset[int], under_way: int | None) -> News:
        """Look for new iterations.

        Parameters
        ----------
        known
            Iterations that have been told.
        under_way
            The iteration that RELION says it is in; what lies beyond is left from an earlier run.
        """
        self._scan_if_due(under_way)
        gone = frozenset() if self.is_of_halfmap else self._left_behind(known, under_way)
        return News(self._read_new(under_way), gone)

    def _scan_if_due(self, under_way: int | None) -> None:
        self._looks += 1
        try:
            changed = self.root.parent.stat().st_mtime_ns
            is_due = changed != self._folder_time or self._looks >= _LOOKS_BETWEEN_SCANS
            # a file that is written over in place does not change its folder
            if not is_due and (under_way is None or not self._is_rewritten(under_way)):
                return
            self._scan()
        except OSError:
            return
        self._folder_time, self._looks = changed, 0

    def _is_rewritten(self, number: int) -> bool:
        before = self._optimisers.get(number)
        return before is not None and self._seen(number, before) != before

    def _scan(self) -> None:
        prefix = f"{self.root.name}_"
        with os.scandir(self.root.parent) as entries:
            own = [entry for entry in entries if entry.name.startswith(prefix)]
        self.names = frozenset(entry.name for entry in own)
        numbered = [entry for entry in own if entry.name.startswith(f"{prefix}it")]
        newest = max(((entry.stat().st_mtime, entry.name) for entry in numbered), default=None)
        if newest is not None:
            self.newest_time, self.newest_file = newest
            self.newest_iteration = job_directory.iteration_of(self.newest_file)
        found = {}
        for number in {job_directory.iteration_of(entry.name) for entry in numbered} - {None}:
            optimiser = self._seen(number, self._optimisers.get(number or 0))
            if optimiser is not None:
                found[number or 0] = optimiser
        self._take(found, self._seen(None, self._joined))

    def _seen(self, number: int | None, before: _Optimiser | None) -> _Optimiser | None:
        path = job_directory.optimiser_file(self.root, number)
        try:
            status = path.stat()
            if before is not None and (before.written, before.size) == (status.st_mtime, status.st_size):
                return before
            with path.open("rb") as file:
                return _Optimiser(status.st_mtime, status.st_size, _OF_HALFMAP in file.readline(200))
        except OSError:
            return None

    def _take(self, found: dict[int, _Optimiser], joined: _Optimiser | None) -> None:
        changed = {number for number, optimiser in found.items() if optimiser != self._optimisers.get(number)}
        self._unread = (self._unread | changed) & found.keys() - {0}
        self._joined_is_unread |= joined is not None and joined != self._joined
        self._optimisers, self._joined = found, joined
        last = max(found.values(), key=lambda optimiser: optimiser.written, default=None)
        self.is_of_halfmap = last.is_of_halfmap if last is not None else self._tells_progress()

    def _tells_progress(self) -> bool:
        return job_directory.progress_file(self.root).exists()

    def _read_new(self, under_way: int | None) -> dict[int, IterationFinished]:
        records = {}
        for number in sorted(self._unread):
            if self._optimisers[number].is_of_halfmap and self._tells_progress():
                self._unread.discard(number)
            elif self.belongs(number, under_way):
                record = read_iteration(self.root, number)
                if record is not None:
                    records[number] = record
                    self._unread.discard(number)
        if self._joined_is_unread and not self._is_being_written():
            records |= self._read_joined(under_way)
        return records

    def _is_being_written(self) -> bool:
        """Whether the joined iteration should wait for a numbered one: what is older than it is cut off for good."""
        ended = self._joined.written if self._joined else 0.0
        return any(self._optimisers[number].written >= ended for number in self._unread)

    def _read_joined(self, under_way: int | None) -> dict[int, IterationFinished]:
        if self._joined is None or (self._joined.is_of_halfmap and self._tells_progress()):
            self._joined_is_unread = False
            return {}
        number = self.joined_number(under_way)
        record = None if number is None else read_joined(self.root, number)
        if number is None or record is None:
            return {}
        self._joined_is_unread = False
        return {number: record}

    def joined_number(self, under_way: int | None) -> int | None:
        """Give the number of the iteration in which both halves were joined; None if there is none of this run."""
        kept = [number for number in self._optimisers if self.belongs(number, under_way)]
        last = max(kept, default=0)
        if self._joined is None or (kept and self._joined.written < self._optimisers[last].written - _SAME_TIME_S):
            return None
        return last + 1

    def numbers(self, under_way: int | None) -> list[int]:
        """Name the iterations of this run that have files."""
        found = {job_directory.iteration_of(name) for name in self.names}
        return sorted(number for number in found if number is not None and self.belongs(number, under_way))

    def unread(self, under_way: int | None) -> list[int]:
        """Name the iterations of this run that have their last file and could not be read as a whole."""
        joined = self.joined_number(under_way) if self._joined_is_unread else None
        numbered = [number for number in self._unread if self.belongs(number, under_way)]
        return sorted(numbered) if joined is None else [*sorted(numbered), joined]

    def belongs(self, number: int, under_way: int | None) -> bool:
        """Whether an iteration's files are of this run, and not left from one that went further before."""
        if under_way is None or number < under_way:
            return True
        itself, before = self._optimisers.get(number), self._optimisers.get(number - 1)
        if number != under_way or itself is None:
            return False
        return before is None or itself.written > before.written - _SAME_TIME_S

    def _left_behind(self, known: frozenset[int], under_way: int | None) -> frozenset[int]:
        if under_way is None:
            return frozenset()
        return frozenset(
            number
            for number in known
            if number > under_way or (number in self._optimisers and not self.belongs(number, under_way))
        )
