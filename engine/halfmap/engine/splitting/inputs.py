"""Particle file and tomogram set, named by themselves or by an optimisation set."""

from dataclasses import dataclass
from pathlib import Path

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import read_optimisation_set
from halfmap.engine.formats.star import read_star


@dataclass(frozen=True)
class NamedFiles:
    """Files that belong together.

    Parameters
    ----------
    particles
        Particle file.
    tomograms
        Tomogram set; None where none is named.
    entries
        All entries of the optimisation set, paths relative to the project; empty where the particle file was given.
    """

    particles: Path
    tomograms: Path | None
    entries: dict[str, str]


def named_files(given: Path, tomograms: Path | None, project: Path = Path()) -> NamedFiles:
    """Find out which particle file is meant, and which tomograms belong to it.

    Parameters
    ----------
    given
        A particle file or an optimisation set; which of them, its content tells.
    tomograms
        Tomogram set that was given besides; it goes before that of the optimisation set.
    project
        Directory to which all paths are relative.

    Raises
    ------
    BadInput
        If the file cannot be read, or is an optimisation set that names no particles.
    """
    path = project / given
    chosen = None if tomograms is None else project / tomograms
    if "particles" in read_star(path):
        return NamedFiles(path, chosen, {})
    entries = read_optimisation_set(path)
    if not entries.get(labels.PARTICLES_FILE):
        raise BadInput(
            f"{path}: neither a particle file (table data_particles) nor an optimisation set ({labels.PARTICLES_FILE})."
        )
    if chosen is None and entries.get(labels.TOMOGRAMS_FILE):
        chosen = project / entries[labels.TOMOGRAMS_FILE]
    return NamedFiles(project / entries[labels.PARTICLES_FILE], chosen, entries)
