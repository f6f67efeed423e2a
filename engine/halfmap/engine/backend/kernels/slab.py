"""Adding slices to the accumulators of an average, seen from the voxels."""

import numpy as np

from halfmap.engine.backend.kernels import compiled


@compiled
def add_slabs(
    sums: np.ndarray,  # in and out (z, y, x, 3) float64, z and y centred, x ≥ 0: real part, imaginary part, weight
    slices: np.ndarray,  # (slices, rows, columns, 3) float32, rows centred, columns ≥ 0, with a margin of zeros
    matrices: np.ndarray,  # (slices, 3, 3) float32: voxels to slice coordinates, the third along the beam
    reach: float,  # voxels farther from the origin receive nothing
    first: int,  # planes first … last−1 are filled
    last: int,
) -> None:
    """Add to every voxel what slices hold nearby, by 1 − its distance from them (RELION: backprojectSlice_backward).

    Of a row only the voxels within a distance of 1 are visited. The value is interpolated between four pixels.
    """
    one = np.float32(1)
    centre, columns = sums.shape[0] // 2, sums.shape[2]
    middle = np.float32(slices.shape[1] // 2)
    last_row, last_column = np.float32(slices.shape[1] - 1), np.float32(slices.shape[2] - 1)
    reach2 = np.float32(reach * reach)
    for s in range(slices.shape[0]):
        m, pixels = matrices[s], slices[s]
        tilt = m[2, 0]
        for zi in range(first, last):
            z = np.float32(zi - centre)
            for yi in range(sums.shape[1]):
                y = np.float32(yi - centre)
                left2 = reach2 - z * z - y * y
                if left2 < 0:
                    continue
                height = m[2, 1] * y + m[2, 2] * z
                low, high = np.int32(0), min(np.int32(np.sqrt(left2)), np.int32(columns - 1))
                # where the row passes through the slab −1 < tilt·x + height < 1
                if abs(tilt) * high + abs(height) >= one:
                    if abs(tilt) * high <= abs(height) - one:
                        continue
                    enters, leaves = (-one - height) / tilt, (one - height) / tilt
                    if enters > leaves:
                        enters, leaves = leaves, enters
                    if leaves < 0 or enters > high:
                        continue
                    low = np.int32(max(enters, np.float32(0)))
                    high = np.int32(min(leaves, np.float32(high)))
                start_x = m[0, 1] * y + m[0, 2] * z
                start_y = m[1, 1] * y + m[1, 2] * z
                for xi in range(low, high + 1):
                    x = np.float32(xi)
                    share = one - abs(tilt * x + height)
                    px, py = m[0, 0] * x + start_x, m[1, 0] * x + start_y
                    side = one if px >= 0 else -one
                    px, py = px * side, py * side + middle
                    if share <= 0 or px >= last_column or py < 0 or py >= last_row:
                        continue
                    column, row = np.int32(px), np.int32(py)
                    fx, fy = px - np.float32(column), py - np.float32(row)
                    w11 = fx * fy * share
                    w01, w10 = fx * share - w11, fy * share - w11
                    w00 = share - w01 - w10 - w11
                    a, b = pixels[row, column], pixels[row, column + 1]
                    c, d = pixels[row + 1, column], pixels[row + 1, column + 1]
                    voxel = sums[zi, yi, xi]
                    voxel[0] += w00 * a[0] + w01 * b[0] + w10 * c[0] + w11 * d[0]
                    voxel[1] += side * (w00 * a[1] + w01 * b[1] + w10 * c[1] + w11 * d[1])
                    voxel[2] += w00 * a[2] + w01 * b[2] + w10 * c[2] + w11 * d[2]
