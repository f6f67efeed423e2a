"""What the images in a folder were made from and how, so that those of different extractions are never mixed."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from halfmap.engine.errors import BadInput, RunExists
from halfmap.engine.extraction.places import ExtractionFolder
from halfmap.engine.extraction.plan import ExtractionOptions
from halfmap.engine.formats.whole_file import written_whole

Record = Mapping[str, str]


def record_of(options: ExtractionOptions, texts: Iterable[Path], images: Iterable[Path]) -> Record:
    """Describe an extraction.

    Parameters
    ----------
    options
        How images are made.
    texts
        STAR files that are read; a change of any byte counts.
    images
        Image files that are read; a change of size or time counts.
    """
    values = {**asdict(options), **asdict(options.cutting)}
    record = {name: f"{value}" for name, value in values.items() if name != "cutting"}
    return record | record_of_files(texts, images)


def record_of_files(texts: Iterable[Path], images: Iterable[Path]) -> dict[str, str]:
    """Describe files that are read: STAR files by their bytes, image files by size and time."""
    record = {f"{file}": hashlib.sha256(file.read_bytes()).hexdigest() for file in texts}
    return record | {f"{file}": f"{file.stat().st_size} bytes, {file.stat().st_mtime_ns} ns" for file in images}


def refuse_other_record(made: Path, before: Record, record: Record) -> None:
    """Refuse to go on with what was made from other files or in another way, naming the first difference."""
    other = next((name for name in [*record, *before] if before.get(name) != record.get(name)), None)
    if other is not None:
        raise BadInput(
            f"{made}: was begun with other input: {other} was {before.get(other, 'not there')} and is "
            f"{record.get(other, 'not there')}. Go on with what it was begun with, choose another --o, or replace it "
            f"with --overwrite."
        )


def refuse_results(folder: ExtractionFolder) -> None:
    """Refuse a folder with the results of an earlier extraction, whole or not."""
    if any(path.exists() for path in (folder.record, folder.particles, folder.images)):
        raise RunExists(
            f"{folder.folder}: an extraction is there already; choose another --o, go on with --only_do_unfinished, or "
            f"replace it with --overwrite."
        )


def check_record(folder: ExtractionFolder, record: Record) -> None:
    """Refuse to go on with an extraction that was made from other files or in another way."""
    try:
        before = dict(json.loads(folder.record.read_text()))
    except FileNotFoundError:
        if folder.images.exists() or folder.particles.exists():
            raise BadInput(
                f"{folder.folder}: holds images but no {folder.record.name}, so how they were made is not known; "
                f"choose another --o, or replace them with --overwrite."
            ) from None
        return
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"{folder.record}: cannot be read ({error}); replace the extraction with --overwrite.") from None
    refuse_other_record(folder.folder, before, record)


def begin(folder: ExtractionFolder, record: Record, overwrite: bool) -> None:
    """Make the folder and write the record; with `overwrite` remove what an earlier extraction has left first."""
    try:
        folder.folder.mkdir(parents=True, exist_ok=True)
        if overwrite:
            for file in (folder.particles, folder.optimisation_set, folder.record):
                file.unlink(missing_ok=True)
            if folder.images.exists():
                shutil.rmtree(folder.images)
    except OSError as error:
        raise BadInput(f"{folder.folder}: cannot be used as a directory ({error.strerror}).") from error
    with written_whole(folder.record) as temporary:
        temporary.write_text(json.dumps(dict(record), indent=1) + "\n")
