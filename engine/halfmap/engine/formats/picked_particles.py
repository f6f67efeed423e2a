"""Particles that are to be extracted: picks, or what a refinement has left."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_floats, as_integers, as_vectors, require_table, required
from halfmap.engine.formats.optics_table import optics_rows, refuse_higher_order_optics
from halfmap.engine.formats.particle_frames import frames, moved_angstrom
from halfmap.engine.formats.particle_origins import extraction_positions
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.formats.star import read_star
from halfmap.engine.particles.pose import euler_to_matrix

_TOLERANCE = 1e-3
"""How far constants of the optics may be apart (RELION: Tomogram::validateParticleOptics)."""


@dataclass(frozen=True)
class PickedParticles:
    """A particle file before extraction, with the tables as text.

    Parameters
    ----------
    path
        The file, for messages.
    optics, table
        Optics groups and particles.
    names, tomograms
        Of each particle: its own name, which no other has, and its tomogram's.
    """

    path: Path
    optics: pd.DataFrame
    table: pd.DataFrame
    names: tuple[str, ...]
    tomograms: tuple[str, ...]

    @property
    def frame(self) -> Float64[np.ndarray, "particles 3 3"]:
        """Rotation from each particle's subtomogram frame to its tomogram."""
        return frames(self.table, self.path)

    @property
    def pose(self) -> Float64[np.ndarray, "particles 3 3"]:
        """Rotation from the reference to the subtomogram frame."""
        return euler_to_matrix(as_vectors(self.table, labels.ANGLES, self.path, 0.0))

    @property
    def offset_angstrom(self) -> Float64[np.ndarray, "particles 3"]:
        """Offset that brings the particle to the centre of its box, in the subtomogram frame."""
        return as_vectors(self.table, labels.ORIGINS, self.path, 0.0)

    def moved_angstrom(self) -> Float64[np.ndarray, "particles 3"]:
        """How far the particle is from its coordinates, along the axes of the tomogram."""
        return moved_angstrom(self.table, self.path)

    def positions_px(
        self, recordings: Mapping[str, Recording], with_offsets: bool
    ) -> Float64[np.ndarray, "particles 3"]:
        """Positions in tilt-series pixels from the tomogram's corner (RELION: ParticleSet::getPosition)."""
        series = [recordings[name].series for name in self.tomograms]
        positions = extraction_positions(self.table, self.path, series)
        if not with_offsets:
            return positions
        return positions + self.moved_angstrom() / np.array([s.pixel_size_angstrom for s in series])[:, None]


def read_picked_particles(path: Path) -> PickedParticles:
    """Read a particle file of RELION 4 or 5; images need not exist.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong.
    """
    tables = read_star(path)
    if "optics" not in tables:
        raise BadInput(f"{path}: has no table data_optics; files of RELION 3.0 and before have to be converted.")
    optics, table = require_table(tables, "optics", path), require_table(tables, "particles", path)
    if table.empty:
        raise BadInput(f"{path}: holds no particles.")
    refuse_higher_order_optics(optics, path)
    optics_rows(table, optics, path)
    tomograms = tuple(required(table, labels.TOMO_NAME, path))
    return PickedParticles(path, optics, table, _names(table, tomograms, path), tomograms)


def _names(table: pd.DataFrame, tomograms: tuple[str, ...], path: Path) -> tuple[str, ...]:
    if labels.PARTICLE_NAME not in table:
        count = pd.Series(tomograms).groupby(pd.Series(tomograms)).cumcount() + 1
        return tuple(f"{tomogram}/{number}" for tomogram, number in zip(tomograms, count, strict=True))
    names = tuple(required(table, labels.PARTICLE_NAME, path))
    if len(set(names)) != len(names):
        twice = next(name for name, same in pd.Series(names).groupby(pd.Series(names)) if len(same) > 1)
        raise BadInput(f"{path}: two particles have the name {twice} ({labels.PARTICLE_NAME}); give each its own.")
    for name in names:
        if not name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise BadInput(f"{path}: {labels.PARTICLE_NAME} {name!r} cannot be the name of a file in the job's folder.")
    return names


def optics_with_constants(picked: PickedParticles, recordings: Mapping[str, Recording]) -> pd.DataFrame:
    """Compare the optics groups with the tilt series of their particles, and fill in constants that they lack.

    Raises
    ------
    BadInput
        If they differ, or the tilt series of one group do.
    """
    optics = picked.optics.copy()
    members = as_integers(picked.table, labels.OPTICS_GROUP, picked.path)
    group_of = {name: set(members[np.array(picked.tomograms) == name].tolist()) for name in recordings}
    for label in _CONSTANTS:
        given = as_floats(optics, label, picked.path) if label in optics else None
        filled = []
        for row, group in enumerate(as_integers(optics, labels.OPTICS_GROUP, picked.path)):
            values = {name: _constant(recordings[name], label) for name in recordings if int(group) in group_of[name]}
            expected = given[row] if given is not None else next(iter(values.values()), 0.0)
            for name, value in values.items():
                if abs(value - expected) > _TOLERANCE:
                    raise BadInput(
                        f"{picked.path}: {label} of optics group {group} is {expected:g}, but that of tomogram {name} "
                        f"is {value:g}; particles and tomograms do not belong together."
                    )
            filled.append(float(expected))
        if given is None:
            optics[label] = filled
    return optics


_CONSTANTS = (
    labels.VOLTAGE,
    labels.SPHERICAL_ABERRATION,
    labels.AMPLITUDE_CONTRAST,
    labels.TILT_SERIES_PIXEL_SIZE,
)


def _constant(recording: Recording, label: str) -> float:
    microscope = recording.microscope
    return {
        labels.VOLTAGE: microscope.voltage_kv,
        labels.SPHERICAL_ABERRATION: microscope.spherical_aberration_mm,
        labels.AMPLITUDE_CONTRAST: microscope.amplitude_contrast,
        labels.TILT_SERIES_PIXEL_SIZE: recording.series.pixel_size_angstrom,
    }[label]
