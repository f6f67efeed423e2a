"""Where the simulated particles are, how they are turned, and what a picker would say about them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from halfmap.engine.errors import BadInput
from halfmap.engine.particles.pose import euler_to_matrix, matrix_to_euler
from halfmap.engine.simulation.settings import SimulationSettings

PICKED_TILT_DEG = 90.0
_TRIES = 20000


@dataclass(frozen=True)
class Poses:
    """The particles of one tomogram.

    Parameters
    ----------
    position_angstrom
        True positions from the tomogram's centre.
    picked_angstrom
        Positions as picked.
    rotation
        True rotation from reference to tomogram coordinates, subtomogram rotation · particle rotation.
    subtomogram_angles_deg
        Rot, tilt, psi of the frame in which the picker gives angles.
    angles_deg
        True rot, tilt, psi in that frame.
    """

    position_angstrom: Float64[np.ndarray, "particles 3"]
    picked_angstrom: Float64[np.ndarray, "particles 3"]
    rotation: Float64[np.ndarray, "particles 3 3"]
    subtomogram_angles_deg: Float64[np.ndarray, "particles 3"]
    angles_deg: Float64[np.ndarray, "particles 3"]

    def __len__(self) -> int:
        return len(self.position_angstrom)


def place_particles(settings: SimulationSettings, count: int, rng: np.random.Generator) -> Poses:
    """Put particles on a sphere about the tomogram's centre, their z axis along its normal.

    Without a tilt prior (`no_tilt_prior`) they stand on the same sphere but are turned at random.

    Raises
    ------
    BadInput
        If the sphere is too small.
    """
    normals = spread_directions(count, settings.distance_angstrom / settings.radius_angstrom, rng)
    positions = settings.radius_angstrom * normals
    picked = positions + rng.normal(0, 1, (count, 3)) * settings.pick_error_angstrom
    if settings.no_tilt_prior:
        rotation = np.asarray(Rotation.from_quat(rng.standard_normal((count, 4))).as_matrix())
        return Poses(positions, picked, rotation, np.zeros((count, 3)), matrix_to_euler(rotation))
    rotation = standing_on(normals, rng.uniform(-180, 180, count))
    error = rng.normal(0, 1, (2, count)) * settings.angle_error_deg
    angles = np.column_stack([rng.uniform(-180, 180, count), PICKED_TILT_DEG + error[0], error[1]])
    frame = rotation @ np.swapaxes(euler_to_matrix(angles), 1, 2)
    return Poses(positions, picked, rotation, matrix_to_euler(frame), matrix_to_euler(euler_to_matrix(angles)))


def standing_on(
    normals: Float64[np.ndarray, "n 3"], in_plane_deg: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, "n 3 3"]:
    """Rotations that bring the z axis onto unit normals, after a turn about it."""
    azimuth = np.rad2deg(np.arctan2(normals[:, 1], normals[:, 0]))
    polar = np.rad2deg(np.arccos(np.clip(normals[:, 2], -1, 1)))
    angles = np.column_stack([azimuth, polar, in_plane_deg])
    return np.asarray(Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix())


def spread_directions(count: int, least_chord: float, rng: np.random.Generator) -> Float64[np.ndarray, "n 3"]:
    """Draw random points on the unit sphere, no two of them closer than a chord."""
    candidates = rng.standard_normal((_TRIES, 3))
    candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
    chosen = np.empty((0, 3))
    free = np.ones(_TRIES, bool)
    while len(chosen) < count:
        if not free.any():
            raise BadInput(
                f"no room for {count} particles on the sphere, {len(chosen)} fit; make it larger (sphere_radius) or "
                f"the distance between particles smaller (spacing)."
            )
        point = candidates[np.argmax(free)]
        chosen = np.vstack([chosen, point])
        free &= np.linalg.norm(candidates - point, axis=1) >= max(least_chord, 1e-9)
    return chosen
