"""What a refinement prints: where it is, read from the end of a growing ``run.out``, and its last error in ``run.err``.

The words are those that RELION's program and halfmap's print alike. A file is never read from its beginning: only the
last piece when it is first looked at, and then what was added, of which again only the last piece is looked at.
"""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from halfmap.contract.progress_events import Phase

_PIECE_BYTES = 1 << 17
_LINE_CHARACTERS = 1000
_BAR_DOTS = 60
_BAR = re.compile(r"\s*[0-9.]+/\s*(?:[0-9.]+|\?\?\?) (?:sec|min|hrs) (\.*)~~\(,_,\">")
_ITERATION = re.compile(r" Auto-refine: Iteration= (\d+)")
_PHASES: tuple[tuple[str, Phase], ...] = (
    (" Estimating initial noise spectra", "noise"),
    (" Estimating accuracies", "accuracy"),
    (" Expectation iteration", "expectation"),
    (" Averaging half-reconstructions", "join"),
    (" Calculating gold-standard FSC", "fsc"),
    (" Calculating solvent-corrected", "fsc"),
    (" Maximization", "maximization"),
)
_ERROR = re.compile(r"^ERROR:[ \t]*\n?", re.MULTILINE)
_END_OF_ERROR = re.compile(r"^(===|\S* ?ERROR:|in: |MPI_ABORT|Abort\(|-{20})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run says it is.

    Attributes
    ----------
    iteration
        The one under way; None before the first.
    phase
        Empty before the first.
    fraction
        Share of the phase that is done; None where no bar has been drawn.
    line
        The last line that is no bar.
    """

    iteration: int | None = None
    phase: Phase | None = None
    fraction: float | None = None
    line: str = ""


def place_after(place: Place, text: str) -> Place:
    """Go on from a place by what was printed since."""
    for segment in re.split(r"[\r\n]+", text):
        place = _after_segment(place, segment[:_LINE_CHARACTERS])
    return place


def _after_segment(place: Place, segment: str) -> Place:
    bar = _BAR.match(segment)
    if bar:
        return replace(place, fraction=min(len(bar[1]) / _BAR_DOTS, 1.0))
    if not segment.strip():
        return place
    if "RELION version:" in segment:
        return Place(line=segment.strip())
    found = _ITERATION.match(segment)
    if found:
        return Place(iteration=int(found[1]), line=segment.strip())
    phase = next((phase for words, phase in _PHASES if segment.startswith(words)), None)
    if phase is not None:
        return replace(place, phase=phase, fraction=None, line=segment.strip())
    return replace(place, line=segment.strip())


@dataclass
class GrowingText:
    """Follows a ``run.out``.

    Attributes
    ----------
    path
        It need not exist yet.
    place
        As of the last look.
    size
        In bytes, as of the last look.
    """

    path: Path
    place: Place = field(default_factory=Place)
    size: int = 0
    _inode: int = 0
    _open_line: str = ""

    def look(self) -> bool:
        """Read what was added, and tell whether anything was; a file that cannot be read has nothing new."""
        try:
            status = self.path.stat()
            is_new = status.st_ino != self._inode or status.st_size < self.size
            if not is_new and status.st_size == self.size:
                return False
            if is_new:
                self.place, self.size, self._open_line = Place(), 0, ""
            added = _end_of(self.path, self.size, status.st_size)
        except OSError:
            return False
        self._inode, self.size = status.st_ino, status.st_size
        self._take(added)
        return True

    def _take(self, added: str) -> None:
        text = self._open_line + added
        whole, end_of_line, rest = text.rpartition("\n")
        self.place = place_after(self.place, whole + end_of_line)
        # a bar has no line end before it is full, and is drawn anew after each carriage return
        self._open_line = rest.rpartition("\r")[2][:_LINE_CHARACTERS]
        bar = _BAR.match(self._open_line)
        if bar:
            self.place = replace(self.place, fraction=min(len(bar[1]) / _BAR_DOTS, 1.0))


def _end_of(path: Path, start: int, end: int) -> str:
    with path.open("rb") as file:
        file.seek(max(start, end - _PIECE_BYTES))
        return file.read(_PIECE_BYTES).decode(errors="replace")


def last_error(path: Path) -> str:
    """Give the last error in a ``run.err``; empty if there is none, or the file cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
        text = _end_of(path, 0, size)
    except OSError:
        return ""
    marks = list(_ERROR.finditer(text))
    if not marks:
        return ""
    message = text[marks[-1].end() :]
    end = _END_OF_ERROR.search(message)
    return (message[: end.start()] if end else message).strip()[:_LINE_CHARACTERS]
