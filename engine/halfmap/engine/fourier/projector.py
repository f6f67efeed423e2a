"""The padded Fourier transform of a reference, from which central slices are read."""

import numpy as np
from jaxtyping import Complex64, Float

from halfmap.engine.fourier.gridding import divide_by_sinc2
from halfmap.engine.fourier.shells import frequencies, round_scalar
from halfmap.engine.fourier.transform import transform_map, window_map


def padded_box_px(box_px: int, padding: float) -> int:
    """Box size after zero padding, made even (RELION: padoridim)."""
    return 2 * ((round_scalar(padding * box_px) + 1) // 2)


def array_size(max_shell: int, padding: float) -> int:
    """Edge of the stored cube: 2·(ROUND(padding·max_shell)+1)+1 (RELION: Projector::initialiseData)."""
    return 2 * (round_scalar(padding * max_shell) + 1) + 1


def reference_transform(
    density: Float[np.ndarray, "n n n"], max_shell: int, padding: int, workers: int = 1, dimensions: int = 2
) -> Complex64[np.ndarray, "pad pad padhalf"]:
    """Prepare a map for slicing.

    Parameters
    ----------
    density
        Reference on the model grid.
    max_shell
        Largest shell that is kept, current_size/2.
    padding
        Padding factor, 1 or 2.
    workers
        Threads of the Fourier transform.
    dimensions
        2 for slices that are compared with images, 3 for volumes.

    Returns
    -------
    Half-transform with y and z centred and x ≥ 0, scaled so that a central slice is the transform, divided by n²,
    of the map's projection, or else that it is the map's transform divided by n³ (RELION:
    Projector::computeFourierTransformMap).
    """
    box_px = density.shape[0]
    padded_px = padded_box_px(box_px, padding)
    corrected = divide_by_sinc2(density.astype(np.float64), padding)
    transform = transform_map(window_map(corrected, padded_px), workers)
    transform *= padding**3 * box_px ** (3 - dimensions)
    return centred_window(transform, round_scalar(padding * max_shell)).astype(np.complex64)


def centred_window(transform: np.ndarray, radius: int) -> np.ndarray:
    """Cut the sphere r ≤ radius out of an FFT-ordered half-transform, y and z centred, with a margin of one voxel."""
    rows = np.arange(-radius - 1, radius + 2)
    columns = np.arange(radius + 2)
    box_px = transform.shape[0]
    inside_rows = np.abs(rows) <= box_px // 2
    out = np.zeros((len(rows), len(rows), len(columns)), transform.dtype)
    keep = np.flatnonzero(inside_rows)
    half = columns[columns <= box_px // 2]
    out[np.ix_(keep, keep, half)] = transform[np.ix_(rows[keep] % box_px, rows[keep] % box_px, half)]
    square = rows.astype(np.float64) ** 2
    out[square[:, None, None] + square[None, :, None] + columns.astype(np.float64) ** 2 > radius**2] = 0
    return out


def uncentred(window: np.ndarray, box_px: int) -> np.ndarray:
    """Put a centred window back into an FFT-ordered half-transform of a box; the inverse of `centred_window`."""
    radius = window.shape[0] // 2
    rows = frequencies(box_px)
    rows = rows[np.abs(rows) <= radius]
    columns = np.arange(min(radius, box_px // 2) + 1)
    out = np.zeros((box_px, box_px, box_px // 2 + 1), window.dtype)
    out[np.ix_(rows, rows, columns)] = window[np.ix_(rows + radius, rows + radius, columns)]
    return out
