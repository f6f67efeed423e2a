"""Refined poses against true ones."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.errors import BadInput
from halfmap.engine.formats import labels
from halfmap.engine.formats.columns import as_vectors, require_table, required
from halfmap.engine.formats.particle_frames import frames, moved_angstrom
from halfmap.engine.formats.star import read_star
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.sampling.symmetry import PointGroup

CLOSE_DEG = 5.0


@dataclass(frozen=True)
class TomogramPoses:
    """Poses of particles in their tomograms.

    Parameters
    ----------
    names
        Name of each particle.
    rotation
        From reference to tomogram coordinates.
    position_angstrom
        Of the particle's centre, from the tomogram's centre.
    """

    names: tuple[str, ...]
    rotation: Float64[np.ndarray, "particles 3 3"]
    position_angstrom: Float64[np.ndarray, "particles 3"]


@dataclass(frozen=True)
class PoseScore:
    """Errors of poses over all particles.

    Parameters
    ----------
    particles
        How many were compared.
    angle_median_deg, angle_p90_deg
        Median and 90th percentile of the angle between orientations, the least over symmetry mates.
    share_below_5_deg
        Part of the particles whose orientation is closer than 5°.
    position_median_angstrom, position_p90_angstrom
        The same of the distance between positions, less `map_offset_angstrom`.
    map_offset_angstrom
        Median displacement in the frame of the map along the axes on which the symmetry leaves its origin open; 0 along
        the others.
    """

    particles: int
    angle_median_deg: float
    angle_p90_deg: float
    share_below_5_deg: float
    position_median_angstrom: float
    position_p90_angstrom: float
    map_offset_angstrom: tuple[float, float, float]


def read_poses(path: Path) -> TomogramPoses:
    """Read poses from a particle file.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong.
    """
    table = require_table(read_star(path), "particles", path)
    names = required(table, labels.PARTICLE_NAME, path)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadInput(f"{path}: {twice[0]} stands there more than once ({labels.PARTICLE_NAME}).")
    rotation = frames(table, path) @ euler_to_matrix(as_vectors(table, labels.ANGLES, path))
    position = as_vectors(table, labels.CENTERED_COORDINATES, path) + moved_angstrom(table, path)
    return TomogramPoses(tuple(names), rotation, position)


def score_poses(truth_file: Path, result_file: Path, group: PointGroup) -> PoseScore:
    """Compare the particles of a result with those of the same name in the truth.

    Parameters
    ----------
    truth_file, result_file
        Particle files with `rlnTomoParticleName`; the truth may hold more particles.
    group
        Point group of the particle.

    Raises
    ------
    BadInput
        If a file cannot be used, or the truth does not know a particle of the result.
    """
    truth, result = read_poses(truth_file), read_poses(result_file)
    row = {name: i for i, name in enumerate(truth.names)}
    unknown = [name for name in result.names if name not in row]
    if unknown:
        raise BadInput(
            f"{truth_file}: does not know {unknown[0]}, one of {len(unknown)} such particles of {result_file}; "
            f"the two files do not belong together."
        )
    rows = np.array([row[name] for name in result.names])
    angle = rotation_angle_deg(truth.rotation[rows], result.rotation, group)
    moved = result.position_angstrom - truth.position_angstrom[rows]
    in_map = np.einsum("nji,nj->ni", result.rotation, moved)
    offset = np.median(in_map, axis=0) * group.open_axes
    distance = np.linalg.norm(in_map - offset, axis=1)
    return PoseScore(
        particles=len(rows),
        angle_median_deg=float(np.median(angle)),
        angle_p90_deg=float(np.percentile(angle, 90)),
        share_below_5_deg=float(np.mean(angle < CLOSE_DEG)),
        position_median_angstrom=float(np.median(distance)),
        position_p90_angstrom=float(np.percentile(distance, 90)),
        map_offset_angstrom=(float(offset[0]), float(offset[1]), float(offset[2])),
    )


def rotation_angle_deg(
    first: Float64[np.ndarray, "n 3 3"], second: Float64[np.ndarray, "n 3 3"], group: PointGroup
) -> Float64[np.ndarray, " n"]:
    """Angle of the rotation that turns one orientation into the other, the least over the symmetry mates of the first.

    This is the angle that a person would measure; `symmetry.angular_distance_deg` is RELION's mean over three axes.
    """
    cosines = np.einsum("nij,gjk,nik->ng", first, group.operators, second, optimize=True)
    return np.rad2deg(np.arccos(np.clip((cosines - 1) / 2, -1, 1))).min(axis=1)
