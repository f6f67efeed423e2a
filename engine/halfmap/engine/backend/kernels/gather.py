"""Reading central slices out of a reference by trilinear interpolation."""

import numpy as np

from halfmap.engine.backend.kernels import compiled


@compiled
def gather_slices(
    volume: np.ndarray,  # (z, y, x, 2) float32, y and z centred, x ≥ 0, a margin of one voxel
    matrices: np.ndarray,  # (orientations, tilts, 2, 3) float32: pixel indices to voxels
    kx: np.ndarray,  # (pixels,) float32
    ky: np.ndarray,  # (pixels,) float32
    half_weight: np.ndarray,  # (tilts, pixels) float32
    slices: np.ndarray,  # out (orientations, tilts, pixels, 2) float32
    power: np.ndarray,  # in and out (orientations,) float64: Σ half_weight |slice|²
) -> None:
    """Fill slices and add up their weighted power; a voxel with x < 0 is the conjugate of the opposite one."""
    one = np.float32(1)
    centre = np.float32(volume.shape[0] // 2)
    row = np.int32(2 * volume.shape[2])
    plane = np.int32(row * volume.shape[1])
    flat = volume.reshape(-1)
    for o in range(matrices.shape[0]):
        for f in range(matrices.shape[1]):
            m = matrices[o, f]
            ax, ay, az, bx, by, bz = m[0, 0], m[0, 1], m[0, 2], m[1, 0], m[1, 1], m[1, 2]
            out, weight = slices[o, f], half_weight[f]
            total = np.float32(0)
            for k in range(kx.shape[0]):
                x = kx[k] * ax + ky[k] * bx
                side = one if x >= 0 else -one
                x *= side
                y = (kx[k] * ay + ky[k] * by) * side + centre
                z = (kx[k] * az + ky[k] * bz) * side + centre
                xi, yi, zi = np.int32(x), np.int32(y), np.int32(z)
                fx, fy, fz = x - np.float32(xi), y - np.float32(yi), z - np.float32(zi)
                i00 = 2 * xi + row * yi + plane * zi
                i01 = i00 + row
                i10 = i00 + plane
                i11 = i10 + row
                gx = one - fx
                w00, w01 = (one - fy) * (one - fz), fy * (one - fz)
                w10, w11 = (one - fy) * fz, fy * fz
                real = (
                    w00 * (gx * flat[i00] + fx * flat[i00 + 2])
                    + w01 * (gx * flat[i01] + fx * flat[i01 + 2])
                    + w10 * (gx * flat[i10] + fx * flat[i10 + 2])
                    + w11 * (gx * flat[i11] + fx * flat[i11 + 2])
                )
                imag = side * (
                    w00 * (gx * flat[i00 + 1] + fx * flat[i00 + 3])
                    + w01 * (gx * flat[i01 + 1] + fx * flat[i01 + 3])
                    + w10 * (gx * flat[i10 + 1] + fx * flat[i10 + 3])
                    + w11 * (gx * flat[i11 + 1] + fx * flat[i11 + 3])
                )
                out[k, 0], out[k, 1] = real, imag
                total += weight[k] * (real * real + imag * imag)
            power[o] += total


@compiled
def normalise_slices(
    slices: np.ndarray,  # in and out (orientations, tilts, pixels, 2) float32
    ctf: np.ndarray,  # (tilts, pixels) float32
) -> None:
    """Divide each slice by √Σ |ctf·slice|²; slices without power stay as they are."""
    for o in range(slices.shape[0]):
        for f in range(slices.shape[1]):
            section, c = slices[o, f], ctf[f]
            total = np.float32(0)
            for k in range(section.shape[0]):
                total += c[k] * c[k] * (section[k, 0] * section[k, 0] + section[k, 1] * section[k, 1])
            if total > 0:
                section *= np.float32(1) / np.sqrt(total)
