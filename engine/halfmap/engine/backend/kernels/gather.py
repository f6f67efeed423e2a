"""Reading central slices out of a reference by trilinear interpolation."""

import numpy as np

from halfmap.engine.backend.kernels import compiled
from halfmap.engine.backend.kernels.blend import blended_pair

_BLOCK = 256
"""Pixels that are read for one orientation after the other: what neighbouring slices read stays in the cache."""


@compiled
def gather_slices(
    volume: np.ndarray,  # (z, y, x, 2) float32, y and z centred, x ≥ 0, a margin of one voxel
    matrices: np.ndarray,  # (tilts, orientations, 2 or 3, 3) float32: pixel indices to voxels
    k_xyz: tuple[np.ndarray, ...],  # kx, ky and, of volumes, kz: (pixels,) float32
    slices: np.ndarray,  # out (tilts, orientations, pixels, 2) float32
) -> None:
    """Fill slices; a voxel with x < 0 is the conjugate of the opposite one.

    Two loops, since places and weights are computed many pixels at a time and voxels are read one by one. What depends
    on kz is left out when the kernel is compiled for images.
    """
    kx, ky = k_xyz[0], k_xyz[1]
    one = np.float32(1)
    centre = np.float32(volume.shape[0] // 2)
    row = np.int32(2 * volume.shape[2])
    plane = np.int32(row * volume.shape[1])
    flat = volume.reshape(-1)
    place, side, way = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.float32), np.empty((3, _BLOCK), np.float32)
    for f in range(matrices.shape[0]):
        for start in range(0, kx.shape[0], _BLOCK):
            stop = min(start + _BLOCK, kx.shape[0])
            qx, qy = kx[start:stop], ky[start:stop]
            for o in range(matrices.shape[1]):
                m = matrices[f, o]
                ax, ay, az, bx, by, bz = m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2]
                for k in range(qx.shape[0]):
                    x, y, z = qx[k] * ax + qy[k] * bx, qx[k] * ay + qy[k] * by, qx[k] * az + qy[k] * bz
                    if len(k_xyz) == 3:
                        qz = k_xyz[2][start + k]
                        x, y, z = x + qz * m[2, 0], y + qz * m[2, 1], z + qz * m[2, 2]
                    sign = one if x >= 0 else -one
                    x *= sign
                    y = y * sign + centre
                    z = z * sign + centre
                    xi, yi, zi = np.int32(x), np.int32(y), np.int32(z)
                    way[0, k], way[1, k], way[2, k] = x - np.float32(xi), y - np.float32(yi), z - np.float32(zi)
                    place[k], side[k] = np.int32(2) * xi + row * yi + plane * zi, sign
                out = slices[f, o, start:stop]
                for k in range(qx.shape[0]):
                    fy, fz = way[1, k], way[2, k]
                    w11 = fy * fz
                    w01, w10 = fy - w11, fz - w11
                    real, imag = blended_pair(flat, place[k], (row, plane), (way[0, k], one - fz - w01, w01, w10, w11))
                    out[k, 0], out[k, 1] = real, side[k] * imag


@compiled
def square_pairs(
    pairs: np.ndarray,  # (…, pixels, 2) float32
    squares: np.ndarray,  # out (…, pixels) float32
) -> None:
    """Fill squared magnitudes of complex numbers."""
    flat, out = pairs.reshape(-1), squares.reshape(-1)
    for k in range(out.shape[0]):
        out[k] = flat[2 * k] * flat[2 * k] + flat[2 * k + 1] * flat[2 * k + 1]
