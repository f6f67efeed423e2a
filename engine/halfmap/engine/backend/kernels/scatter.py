"""Adding slices to the accumulators of a reconstruction."""

import numpy as np

from halfmap.engine.backend.kernels import compiled
from halfmap.engine.backend.kernels.blend import add_to_pair


@compiled
def insert_slices(
    accumulator: np.ndarray,  # (z, y, x, 3) float64: real part, imaginary part, weight
    matrices: np.ndarray,  # (tilts, orientations, 2 or 3, 3) float32: pixel indices to voxels
    k_xyz: tuple[np.ndarray, ...],  # kx, ky and, of volumes, kz: (pixels,) float32
    phases: np.ndarray,  # (tilts, orientations, pixels, 2) float32: posterior-weighted phase factors
    totals: np.ndarray,  # (orientations,) float32: posterior mass of each orientation
    images: np.ndarray,  # (tilts, pixels, 2) float32: what is back-projected
    weights: np.ndarray,  # (tilts, pixels) float32: its weight
) -> None:
    """Spread each pixel over its eight neighbours (RELION: BackProjector::backproject2Dto3D, backrotate3D)."""
    kx, ky = k_xyz[0], k_xyz[1]
    one = np.float32(1)
    centre = np.float32(accumulator.shape[0] // 2)
    row = np.int32(3 * accumulator.shape[2])
    plane = np.int32(row * accumulator.shape[1])
    flat = accumulator.reshape(-1)
    for f in range(matrices.shape[0]):
        for o in range(matrices.shape[1]):
            m = matrices[f, o]
            ax, ay, az, bx, by, bz = m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2]
            phase, image = phases[f, o], images[f]
            for k in range(kx.shape[0]):
                weight = totals[o] * weights[f, k]
                if weight <= 0:
                    continue
                real = phase[k, 0] * image[k, 0] - phase[k, 1] * image[k, 1]
                imag = phase[k, 0] * image[k, 1] + phase[k, 1] * image[k, 0]
                x, y, z = kx[k] * ax + ky[k] * bx, kx[k] * ay + ky[k] * by, kx[k] * az + ky[k] * bz
                if len(k_xyz) == 3:
                    kz = k_xyz[2][k]
                    x, y, z = x + kz * m[2, 0], y + kz * m[2, 1], z + kz * m[2, 2]
                side = one if x >= 0 else -one
                imag *= side
                x *= side
                y = y * side + centre
                z = z * side + centre
                xi, yi, zi = np.int32(x), np.int32(y), np.int32(z)
                fx, fy, fz = x - np.float32(xi), y - np.float32(yi), z - np.float32(zi)
                gx, gy, gz = one - fx, one - fy, one - fz
                place = np.int32(3) * xi + row * yi + plane * zi
                numbers = (real, imag, weight)
                add_to_pair(flat, place, (gz * gy * gx, gz * gy * fx), numbers)
                add_to_pair(flat, place + row, (gz * fy * gx, gz * fy * fx), numbers)
                add_to_pair(flat, place + plane, (fz * gy * gx, fz * gy * fx), numbers)
                add_to_pair(flat, place + plane + row, (fz * fy * gx, fz * fy * fx), numbers)


@compiled
def add_residual_terms(
    slices: np.ndarray,  # (tilts, orientations, pixels, 2) float32
    phases: np.ndarray,  # (tilts, orientations, pixels, 2) float32: posterior-weighted phase factors
    totals: np.ndarray,  # (orientations,) float32: posterior mass of each orientation
    images: np.ndarray,  # (tilts, pixels, 2) float32
    ctf: np.ndarray,  # (tilts, pixels) float32: what the model multiplies a slice by
    cross: np.ndarray,  # in and out (pixels,) float64: Σ w Re(C P · conj(X))
    power: np.ndarray,  # in and out (pixels,) float64: Σ w |C P|²
) -> None:
    """Add up the two terms of Σ w |C P − X|² that depend on the pose, per pixel."""
    for f in range(slices.shape[0]):
        for o in range(slices.shape[1]):
            section, phase, image = slices[f, o], phases[f, o], images[f]
            for k in range(section.shape[0]):
                real = phase[k, 0] * image[k, 0] - phase[k, 1] * image[k, 1]
                imag = phase[k, 0] * image[k, 1] + phase[k, 1] * image[k, 0]
                c = ctf[f, k]
                cross[k] += c * (section[k, 0] * real + section[k, 1] * imag)
                power[k] += totals[o] * c * c * (section[k, 0] ** 2 + section[k, 1] ** 2)


@compiled
def add_rotated(
    accumulator: np.ndarray,  # (z, y, x, 3) float64, Hermitian, y and z centred
    rotation: np.ndarray,  # (3, 3) float64
    radius: int,  # voxels
    first: int,  # planes first … last−1 are filled
    last: int,
    total: np.ndarray,  # in and out (z, y, x, 3) float64
) -> None:
    """Add the accumulator, read at R·k by trilinear interpolation, to every voxel k within a radius."""
    centre = accumulator.shape[0] // 2
    for zi in range(first, last):
        for yi in range(accumulator.shape[1]):
            for xi in range(accumulator.shape[2]):
                x, y, z = float(xi), float(yi - centre), float(zi - centre)
                if x * x + y * y + z * z > radius * radius:
                    continue
                px = rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z
                py = rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z
                pz = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
                side = 1.0 if px >= 0 else -1.0
                px, py, pz = px * side, py * side + centre, pz * side + centre
                ix, iy, iz = int(px), int(py), int(pz)
                fx, fy, fz = px - ix, py - iy, pz - iz
                for corner in range(8):
                    dx, dy, dz = corner & 1, (corner >> 1) & 1, corner >> 2
                    w = (fx if dx else 1 - fx) * (fy if dy else 1 - fy) * (fz if dz else 1 - fz)
                    voxel = accumulator[iz + dz, iy + dy, ix + dx]
                    total[zi, yi, xi, 0] += w * voxel[0]
                    total[zi, yi, xi, 1] += w * side * voxel[1]
                    total[zi, yi, xi, 2] += w * voxel[2]
