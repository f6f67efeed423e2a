"""A particle file whose offsets bring another point of the reference to the centre, all else as it was."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_vectors, require_table, required
from halfmap.engine.formats.optics_table import optics_rows
from halfmap.engine.formats.star import format_value, read_star, read_star_text
from halfmap.engine.formats.star_edit import with_values
from halfmap.engine.particles.centring import recentred_origins

_PARTICLES = "particles"
_TOMO_COLUMNS = (labels.TOMO_NAME, labels.CENTERED_COORDINATES[2], labels.COORDINATES[2])


@dataclass(frozen=True)
class RecentredFile:
    """A particle file about another centre.

    Parameters
    ----------
    text
        The whole file.
    particles
        How many there are.
    lacks_z
        Particles of tomograms whose file has no offset along z, so that only x and y were changed.
    """

    text: str
    particles: int
    lacks_z: bool


def recentred_file(
    path: Path, centre_px: Float64[np.ndarray, "3"], pixel_size_angstrom: float | None = None
) -> RecentredFile:
    """Make a point of the reference the centre of all particles.

    Parameters
    ----------
    path
        Particles of tomograms or of single-particle images.
    centre_px
        The point, from the centre of the reference (x, y, z), in pixels of each particle's optics group.
    pixel_size_angstrom
        Taken for all particles in place of those of their optics groups.

    Raises
    ------
    BadInput
        Naming the file and the column, group or value that is missing or wrong.
    """
    if not np.isfinite(centre_px).all():
        raise BadInput(f"the new centre is {centre_px.tolist()}; finite numbers of pixels are needed.")
    tables = read_star(path)
    table = require_table(tables, _PARTICLES, path)
    origins = labels.ORIGINS if labels.ORIGINS[2] in table else labels.ORIGINS[:2]
    for label in (*labels.ANGLES, *origins):
        required(table, label, path)
    moved = recentred_origins(
        as_vectors(table, origins, path),
        as_vectors(table, labels.ANGLES, path),
        centre_px,
        _pixel_sizes(tables, table, path, pixel_size_angstrom),
    )
    columns = {label: [format_value(float(v)) for v in moved[:, axis]] for axis, label in enumerate(origins)}
    return RecentredFile(
        text=with_values(path, read_star_text(path), _PARTICLES, columns),
        particles=len(table),
        lacks_z=len(origins) == 2 and any(label in table for label in _TOMO_COLUMNS),
    )


def _pixel_sizes(
    tables: dict[str, dict[str, str] | pd.DataFrame], table: pd.DataFrame, path: Path, given: float | None
) -> Float64[np.ndarray, " particles"]:
    if given is not None:
        if not (np.isfinite(given) and given > 0):
            raise BadInput(f"--angpix is {given:g}; a pixel size above 0 Å is needed.")
        return np.full(len(table), float(given))
    if "optics" not in tables or labels.OPTICS_GROUP not in table:
        raise BadInput(f"{path}: has no optics groups, so that the pixel size is not known; give it with --angpix.")
    optics = require_table(tables, "optics", path)
    pixel_sizes = as_floats(optics, labels.IMAGE_PIXEL_SIZE, path)
    if (pixel_sizes <= 0).any():
        raise BadInput(f"{path}: _{labels.IMAGE_PIXEL_SIZE} of an optics group is not above 0 Å; correct it.")
    return pixel_sizes[optics_rows(table, optics, path)]
