"""Where results go: never onto what was read, and onto other files only on request."""

from collections.abc import Sequence
from pathlib import Path

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import NamedFiles, write_optimisation_set


def optimisation_set_beside(particles: Path) -> Path:
    """Name the optimisation set that is written with a particle file."""
    return particles.with_name(f"{particles.stem}_optimisation_set.star")


def check_outputs(outputs: Sequence[Path], inputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse outputs that are inputs, that are each other, or that exist; make their folders.

    Parameters
    ----------
    outputs
        Files that will be written.
    inputs
        Files that are read.
    overwrite
        Other files than the inputs may be replaced.
    """
    for output in outputs:
        if output.is_dir():
            raise BadInput(f"{output}: is a folder; give the name of a file.")
        if any(output.resolve() == read.resolve() or _is_same(output, read) for read in inputs):
            raise BadInput(f"{output}: is read by this command and would be overwritten; give another name.")
        if output.exists() and not overwrite:
            raise BadInput(f"{output}: exists; give another name or --overwrite.")
    if len({output.resolve() for output in outputs}) < len(outputs):
        raise BadInput(f"{outputs[0]}: stands for two of the files to write; give different names.")
    for output in outputs:
        _make_folder(output.parent)


def _is_same(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made ({error.strerror}); give another name.") from error


def write_set_beside(files: NamedFiles, particles: Path) -> None:
    """Write the optimisation set anew with other particles, beside them; where none was read, none is written."""
    if files.set_file is not None:
        entries = {**files.entries, labels.PARTICLES_FILE: str(particles)}
        write_optimisation_set(optimisation_set_beside(particles), entries)
