"""Where the particles of a file stand in their tomograms, whatever kind of file it is: picks, 2D stacks, volumes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers, as_vectors, require_table, required
from halfmap.engine.formats.half_sets import half_set_column
from halfmap.engine.formats.optics_table import optics_rows
from halfmap.engine.formats.particle_frames import frames, moved_angstrom
from halfmap.engine.formats.star import Table, read_star, write_star
from halfmap.engine.formats.tomograms import read_tomograms
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.particles.tilt_series import TiltSeries


@dataclass(frozen=True)
class LocatedParticles:
    """Particles with their places, and the tables that they come from.

    Parameters
    ----------
    path
        The file, for messages.
    tables
        All its tables, every value as the text that stands there.
    names
        Name of each particle.
    tomograms
        Names of the tomograms.
    tomogram_index
        Tomogram of each particle.
    position_angstrom
        Of the particle's centre; from the tomogram's centre or its corner, so distances only count within a tomogram.
    rotation
        From reference to tomogram coordinates.
    """

    path: Path
    tables: dict[str, dict[str, str] | pd.DataFrame]
    names: tuple[str, ...]
    tomograms: tuple[str, ...]
    tomogram_index: Int64[np.ndarray, " particles"]
    position_angstrom: Float64[np.ndarray, "particles 3"]
    rotation: Float64[np.ndarray, "particles 3 3"]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def table(self) -> pd.DataFrame:
        """The table of the particles."""
        return require_table(self.tables, "particles", self.path)

    @property
    def optics(self) -> pd.DataFrame:
        """The table of the optics groups; empty where the file has none."""
        return require_table(self.tables, "optics", self.path) if "optics" in self.tables else pd.DataFrame()

    @property
    def optics_group(self) -> Int64[np.ndarray, " particles"]:
        """Number of each particle's optics group; 1 where the file tells none."""
        return as_integers(self.table, labels.OPTICS_GROUP, self.path, 1)

    @property
    def box_angstrom(self) -> float | None:
        """Edge of the largest box; None where the optics table tells none."""
        if labels.IMAGE_SIZE not in self.optics or labels.IMAGE_PIXEL_SIZE not in self.optics:
            return None
        boxes = as_floats(self.optics, labels.IMAGE_SIZE, self.path)
        return float((boxes * as_floats(self.optics, labels.IMAGE_PIXEL_SIZE, self.path)).max())

    @property
    def half_set(self) -> Int64[np.ndarray, " particles"] | None:
        """Half set of each particle, 1 or 2; None where one of them has none."""
        halves = half_set_column(self.table, self.path)
        return halves if halves.all() else None

    def write(self, path: Path, particles: pd.DataFrame) -> None:
        """Write the file anew with another table of particles; everything else keeps its text."""
        tables: dict[str, Table] = {**self.tables, "particles": particles}
        write_star(path, tables)


def read_located_particles(
    path: Path, tomograms: Path | None = None, project: Path = Path()
) -> tuple[LocatedParticles, dict[str, TiltSeries] | None]:
    """Read particles and find their absolute positions; read their tilt series, too, where a tomogram set is given.

    The position is the coordinate less A_sub · origin, as wherever particles are read.

    Parameters
    ----------
    path
        Particle file.
    tomograms
        Tomogram set. It also tells the pixel size of coordinates in pixels; without it the optics table's is taken.
    project
        Directory to which the paths in the tomogram set are relative.

    Raises
    ------
    BadInput
        Naming the column that is missing or wrong.
    """
    tables = read_star(path)
    table = require_table(tables, "particles", path)
    if table.empty:
        raise BadInput(f"{path}: holds no particles.")
    tomo_names = required(table, labels.TOMO_NAME, path)
    names = tuple(dict.fromkeys(tomo_names))
    number = {name: i for i, name in enumerate(names)}
    series = read_tomograms(tomograms, project, list(names)) if tomograms else None
    pixel_sizes = {name: one.pixel_size_angstrom for name, one in series.items()} if series else None
    found = LocatedParticles(
        path,
        tables,
        _names(table, path),
        names,
        np.array([number[name] for name in tomo_names]),
        _coordinates_angstrom(tables, tomo_names, pixel_sizes, path) + moved_angstrom(table, path),
        frames(table, path) @ euler_to_matrix(as_vectors(table, labels.ANGLES, path, 0.0)),
    )
    return found, series


def _names(table: pd.DataFrame, path: Path) -> tuple[str, ...]:
    for label in (labels.PARTICLE_NAME, labels.IMAGE_NAME):
        if label in table:
            return tuple(required(table, label, path))
    return tuple(f"row {number}" for number in range(1, len(table) + 1))


def _coordinates_angstrom(
    tables: dict[str, dict[str, str] | pd.DataFrame], tomo_names: list[str], known: dict[str, float] | None, path: Path
) -> Float64[np.ndarray, "particles 3"]:
    table = require_table(tables, "particles", path)
    if all(label in table for label in labels.CENTERED_COORDINATES):
        return as_vectors(table, labels.CENTERED_COORDINATES, path)
    if not all(label in table for label in labels.COORDINATES):
        raise BadInput(
            f"{path}: has neither {labels.CENTERED_COORDINATES[0]} … nor {labels.COORDINATES[0]} …; one is needed."
        )
    pixels = np.array([known[name] for name in tomo_names]) if known else _pixel_sizes(tables, path)
    return as_vectors(table, labels.COORDINATES, path) * pixels[:, None]


def _pixel_sizes(tables: dict[str, dict[str, str] | pd.DataFrame], path: Path) -> Float64[np.ndarray, " particles"]:
    """Tilt-series pixel size of each particle's optics group."""
    optics = require_table(tables, "optics", path) if "optics" in tables else pd.DataFrame()
    if labels.TILT_SERIES_PIXEL_SIZE not in optics:
        raise BadInput(
            f"{path}: coordinates in pixels ({labels.COORDINATES[0]}) need the pixel size of the tilt series; give the "
            f"tomogram set (--t)."
        )
    sizes = as_floats(optics, labels.TILT_SERIES_PIXEL_SIZE, path)
    return sizes[optics_rows(require_table(tables, "particles", path), optics, path)]
