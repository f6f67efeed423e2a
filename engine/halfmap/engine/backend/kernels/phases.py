"""Phase factors that shift images."""

import numpy as np

from halfmap.engine.backend.kernels import compiled


@compiled
def fill_phases(
    shifts: np.ndarray,  # (tilts, offsets, 2 or 3) float64: shift in pixels divided by the box size
    k_xyz: tuple[np.ndarray, ...],  # kx, ky and, of volumes, kz: (pixels,) int32
    phases: np.ndarray,  # out (tilts, offsets, pixels, 2) float32
) -> None:
    """Fill exp(-2πi k·shift); one sine and cosine per row, column and plane, not per pixel."""
    kx, ky = k_xyz[0], k_xyz[1]
    reach = max(kx.max(), np.abs(ky).max()) + 1
    if len(k_xyz) == 3:
        reach = max(reach, np.abs(k_xyz[2]).max() + 1)
    column = np.empty((reach, 2), np.float32)
    row = np.empty((2 * reach, 2), np.float32)
    plane = np.empty((2 * reach, 2), np.float32)
    for t in range(shifts.shape[0]):
        for f in range(shifts.shape[1]):
            for k in range(reach):
                angle = -2 * np.pi * k * shifts[t, f, 0]
                column[k, 0], column[k, 1] = np.cos(angle), np.sin(angle)
            for k in range(-reach + 1, reach):
                angle = -2 * np.pi * k * shifts[t, f, 1]
                row[k + reach, 0], row[k + reach, 1] = np.cos(angle), np.sin(angle)
                if len(k_xyz) == 3:
                    angle = -2 * np.pi * k * shifts[t, f, 2]
                    plane[k + reach, 0], plane[k + reach, 1] = np.cos(angle), np.sin(angle)
            out = phases[t, f]
            for k in range(kx.shape[0]):
                cr, ci = column[kx[k], 0], column[kx[k], 1]
                rr, ri = row[ky[k] + reach, 0], row[ky[k] + reach, 1]
                real, imag = cr * rr - ci * ri, cr * ri + ci * rr
                if len(k_xyz) == 3:
                    kz = k_xyz[2][k]
                    pr, pi = plane[kz + reach, 0], plane[kz + reach, 1]
                    real, imag = real * pr - imag * pi, real * pi + imag * pr
                out[k, 0], out[k, 1] = real, imag
