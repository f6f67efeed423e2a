"""Jobs dropped into a project as files: ``PROJECT/halfmap/inbox/NAME.star``, each a job.star, whole or short.

A file is believed when it can be read and was the same in two looks; until then somebody may still be writing it.
What was taken is moved to ``inbox/accepted``, what cannot be taken to ``inbox/rejected``, each with a word about it.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from halfmap.contract.job_star import JobStarError, read_any_job_star
from halfmap.contract.job_types import texts_of, type_of
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.pipeline import is_being_written

FOLDER = "halfmap/inbox"
LARGEST_BYTES = 1_000_000

_PATIENCE_S = 5.0
_PATIENCE_LOOKS = 3
_PASSED_OVER = (".", "~")


@dataclass(frozen=True, slots=True)
class Sight:
    """A file as seen: size (bytes), time of change (ns), how often it was the same, since when (monotonic, s)."""

    size: int
    mtime_ns: int
    looks: int = 1
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Drop:
    """A job to take.

    Attributes
    ----------
    path
        Its file.
    key
        The same for the same file with the same content, and for no other: taking it twice makes one job.
    kind
        RELION's type of job.
    options
        Option to text, those that differ from their defaults; options that this job does not have are left out.
    is_continue
        Whether it goes on from an earlier iteration.
    """

    path: Path
    key: str
    kind: str
    options: Mapping[str, str]
    is_continue: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that cannot be taken (see `reject`), and why, in words."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: jobs to take, files to reject, and what to remember until the next look."""

    ready: tuple[Drop, ...]
    rejected: tuple[Rejected, ...]
    seen: Mapping[str, Sight]


def waiting(project: Path, seen: Mapping[str, Sight], now: float | None = None) -> Look:
    """Look into a project's inbox.

    Parameters
    ----------
    seen
        What the look before remembered; empty for the first one.
    now
        Time as `time.monotonic` gives it (s).

    Raises
    ------
    OSError
        If the inbox is there and cannot be read.
    """
    now = time.monotonic() if now is None else now
    ready: list[Drop] = []
    rejected: list[Rejected] = []
    sights: dict[str, Sight] = {}
    for path in _files(project):
        sight = _look_at(path, seen.get(path.name), now)
        if sight is None:
            continue
        sights[path.name] = sight
        found = _judge(project, path, sight, now)
        if isinstance(found, Drop):
            ready.append(found)
        elif found:
            rejected.append(found)
    return Look(tuple(ready), tuple(rejected), sights)


def _files(project: Path) -> Iterator[Path]:
    try:
        paths = sorted((project / FOLDER).iterdir())
    except FileNotFoundError:
        return
    for path in paths:
        if path.suffix == ".star" and not path.name.startswith(_PASSED_OVER):
            yield path


def _look_at(path: Path, before: Sight | None, now: float) -> Sight | None:
    """Tell what is there; None if the file is gone, or is a link or no file, which are left alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if path.is_symlink() or not path.is_file():
        return None
    if before and (before.size, before.mtime_ns) == (found.st_size, found.st_mtime_ns):
        return Sight(before.size, before.mtime_ns, before.looks + 1, before.since)
    return Sight(found.st_size, found.st_mtime_ns, 1, now)


def _judge(project: Path, path: Path, sight: Sight, now: float) -> Drop | Rejected | None:
    """Decide about a file that was seen; None to look again."""
    if sight.looks < 2:
        return None
    is_patience_over = sight.looks >= _PATIENCE_LOOKS and now - sight.since >= _PATIENCE_S
    if sight.size > LARGEST_BYTES:
        reason = f"The file has {sight.size} bytes; a job.star has a few thousand; {LARGEST_BYTES} are read at most."
        return Rejected(path, reason) if is_patience_over else None
    try:
        content = path.read_bytes()
        star = read_any_job_star(path)
        is_unsettled = len(content) != sight.size or is_being_written(path)
    except FileNotFoundError:
        return None
    except (JobStarError, OSError) as error:
        return Rejected(path, f"{error}") if is_patience_over else None
    if found := star.problems():
        sentences = (problem.message for problem in found)
        return Rejected(path, "\n".join(sentences)) if is_patience_over else None
    if is_unsettled:
        return None
    key = _key(project, path, content, sight)
    return Drop(path, key, type_of(star.job).label, texts_of(star.job), star.is_continue)


def _key(project: Path, path: Path, content: bytes, sight: Sight) -> str:
    digest = sha256()
    for part in (
        str(project).encode("utf-8", "surrogateescape"),
        path.name.encode("utf-8", "surrogateescape"),
        content,
    ):
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    digest.update(sight.mtime_ns.to_bytes(16, signed=True))
    return f"inbox:{digest.hexdigest()}"


def accept(drop: Drop, name: str) -> None:
    """Put a job that was taken aside, with a note that names it; safe to repeat.

    Raises
    ------
    OSError
        If that cannot be done; the file then stays, and its key tells that it was taken already.
    """
    folder = _folder(drop.path, "accepted")
    write_whole(folder / f"{drop.path.stem}.json", json.dumps({"job": name, "key": drop.key}) + "\n")
    _move(drop.path, folder)


def reject(found: Drop | Rejected, reason: str) -> None:
    """Put a file that cannot be taken aside, with the reason in words; safe to repeat.

    Raises
    ------
    OSError
        If that cannot be done; the file then stays.
    """
    folder = _folder(found.path, "rejected")
    write_whole(folder / f"{found.path.stem}.txt", f"{reason}\n")
    _move(found.path, folder)


def _folder(path: Path, name: str) -> Path:
    folder = path.parent / name
    folder.mkdir(exist_ok=True)
    return folder


def _move(path: Path, folder: Path) -> None:
    """Move a file; one of the same name that was moved earlier is replaced, as its note was."""
    if path.exists():
        path.replace(folder / path.name)
