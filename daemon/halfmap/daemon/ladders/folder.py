"""A ladder's files in its project, and what the results of its jobs tell; called in the project's thread."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from halfmap.contract.ladder_file import NAME, Ladder
from halfmap.contract.ladder_sampling import Reached
from halfmap.contract.ladder_steps import Known, identity
from halfmap.contract.whole_file import write_whole
from halfmap.daemon.ladders.notes import Notes
from halfmap.daemon.refinement_inputs import names_in_set
from halfmap.daemon.relion_iterations import read_joined
from halfmap.daemon.star_head import number_from, read_whole_tables

LADDERS = "Ladder"
FILE, STATE = "ladder.toml", "state.json"
_MOST_TOMOGRAMS_BYTES = 1 << 24

Signature = tuple[int, int]


class NoLadder(Exception):
    """A ladder that is not there, or whose notes cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class LadderFiles:
    """A ladder as its two files tell."""

    text: str
    notes: Notes


def folder_of(project: Path, name: str) -> Path:
    """Name a ladder's folder."""
    return project / LADDERS / name


def names(project: Path) -> list[str]:
    """Give the ladders of a project, in alphabetical order."""
    found = (path.parent.name for path in (project / LADDERS).glob(f"*/{STATE}"))
    return sorted(name for name in found if NAME.fullmatch(name))


def signature(project: Path, name: str) -> Signature:
    """Tell whether the files have changed, by when they were written; zeros for files that are not there."""
    return _written(folder_of(project, name) / FILE), _written(folder_of(project, name) / STATE)


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read(project: Path, name: str) -> LadderFiles:
    """Read a ladder.

    Raises
    ------
    NoLadder
        If there is none of this name, or its notes cannot be read.
    OSError
        If the file system does not answer as it should.
    """
    folder = folder_of(project, name)
    try:
        notes = Notes.model_validate_json((folder / STATE).read_bytes())
        return LadderFiles((folder / FILE).read_text(encoding="utf-8"), notes)
    except FileNotFoundError as error:
        raise NoLadder(f"{error.filename} does not exist: {project} has no whole ladder {name}.") from None
    except ValidationError:
        raise NoLadder(f"{folder / STATE} is not what halfmap wrote; take it away to begin the ladder anew.") from None
    except UnicodeDecodeError:
        raise NoLadder(f"{folder / FILE} is not UTF-8.") from None


def begin(project: Path, name: str, text: str) -> LadderFiles:
    """Put a ladder's file into its place; one that is there goes on with the new text and its old notes.

    The notes come last: a ladder is there as soon as they are.
    """
    folder = folder_of(project, name)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(project, name, text)
    if not (folder / STATE).exists():
        write_notes(project, name, Notes(uuid=f"{uuid.uuid4()}"))
    return read(project, name)


def write_text(project: Path, name: str, text: str) -> None:
    """Write a ladder's file, whole."""
    write_whole(folder_of(project, name) / FILE, text)


def write_notes(project: Path, name: str, notes: Notes) -> None:
    """Write a ladder's notes, whole."""
    write_whole(folder_of(project, name) / STATE, notes.model_dump_json(indent=1) + "\n")


def known_of(project: Path, ladder: Ladder, notes: Notes) -> Known:
    """Read what decides about the next rung: the pixel size, and what the refinements came to."""
    return Known(pixel_size(project, ladder), notes.jobs, dict(_reached(project, ladder, notes)))


def _reached(project: Path, ladder: Ladder, notes: Notes) -> Iterable[tuple[int, Reached]]:
    for binning in ladder.binnings:
        job = notes.jobs.get(identity(binning, "refine"))
        found = read_joined(project / job / "run", 0) if job else None
        if job and found and found.resolution_angstrom:
            accuracy, step = found.accuracy_translation_angstrom, found.angular_step_deg
            yield binning, Reached(job, binning, found.resolution_angstrom, accuracy, step)


def pixel_size(project: Path, ladder: Ladder) -> float | None:
    """Give the pixel size of the tilt series (Å); None if it is not told, or not the same for all."""
    if ladder.pixel_size is not None:
        return ladder.pixel_size
    tomograms = ladder.tomograms or names_in_set(project, ladder.optimisation_set).get("rlnTomoTomogramsFile", "")
    tables = read_whole_tables(project / tomograms, ["global"], _MOST_TOMOGRAMS_BYTES) if tomograms else None
    texts = set(tables["global"].column("rlnTomoTiltSeriesPixelSize")) if tables else set()
    return number_from(texts.pop()) if len(texts) == 1 else None
