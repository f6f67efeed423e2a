"""Particle file and tomogram set, named by themselves or by an optimisation set."""

from pathlib import Path

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.optimisation_set import NamedFiles, named_files
from halfmap.engine.formats.star import read_star


def particles_or_set(given: Path, tomograms: Path | None) -> NamedFiles:
    """Find out which particle file is meant, and which tomograms belong to it.

    Parameters
    ----------
    given
        A particle file or an optimisation set; which of them, its content tells.
    tomograms
        Tomogram set that was given besides; it goes before that of the optimisation set.

    Raises
    ------
    BadInput
        If the file cannot be read, or is an optimisation set that names no particles.
    """
    if "particles" in read_star(given):
        return named_files(None, {labels.PARTICLES_FILE: given, labels.TOMOGRAMS_FILE: tomograms}, {})
    found = named_files(given, {labels.TOMOGRAMS_FILE: tomograms}, {})
    if labels.PARTICLES_FILE not in found.entries:
        raise BadInput(
            f"{given}: neither a particle file (table data_particles) nor an optimisation set "
            f"({labels.PARTICLES_FILE})."
        )
    return found
