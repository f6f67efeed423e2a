"""Orientations as RELION's Euler angles (rot, tilt, psi) and as rotation matrices."""

import numpy as np
from jaxtyping import Float64

_GIMBAL = 16 * np.finfo(np.float32).eps


def euler_to_matrix(angles_deg: Float64[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3 3"]:
    """Turn (rot, tilt, psi) into the matrix A that maps reference to particle coordinates.

    Parameters
    ----------
    angles_deg
        ZYZ Euler angles in degrees, last axis (rot, tilt, psi).

    Notes
    -----
    RELION: Euler_angles2matrix.
    """
    (ca, cb, cg), (sa, sb, sg) = (np.moveaxis(f(np.deg2rad(angles_deg)), -1, 0) for f in (np.cos, np.sin))
    rows = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_to_euler(matrix: Float64[np.ndarray, "*n 3 3"]) -> Float64[np.ndarray, "*n 3"]:
    """Turn rotation matrices into (rot, tilt, psi) in degrees, tilt from 0 to 180.

    At the poles, where rot and psi turn about the same axis, rot is 0 (RELION: Euler_matrix2angles).
    """
    sin_tilt = np.hypot(matrix[..., 0, 2], matrix[..., 1, 2])
    pole = sin_tilt <= _GIMBAL
    up = matrix[..., 2, 2] > 0
    rot = np.where(pole, 0.0, np.arctan2(matrix[..., 2, 1], matrix[..., 2, 0]))
    tilt = np.where(pole, np.where(up, 0.0, np.pi), np.arctan2(sin_tilt, matrix[..., 2, 2]))
    sign = np.where(up, 1.0, -1.0)
    psi_pole = np.arctan2(-sign * matrix[..., 1, 0], sign * matrix[..., 0, 0])
    psi = np.where(pole, psi_pole, np.arctan2(matrix[..., 1, 2], -matrix[..., 0, 2]))
    return np.rad2deg(np.stack([rot, tilt, psi], axis=-1))


def direction(rot_deg: Float64[np.ndarray, "*n"], tilt_deg: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n 3"]:
    """Return the viewing direction, the third row of A, as a unit vector."""
    rot, tilt = np.deg2rad(rot_deg), np.deg2rad(tilt_deg)
    return np.stack([np.sin(tilt) * np.cos(rot), np.sin(tilt) * np.sin(rot), np.cos(tilt)], axis=-1)


def wrap_deg(angle_deg: Float64[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """Bring angles in degrees into [-180, 180)."""
    return (angle_deg + 180.0) % 360.0 - 180.0
