"""Maps that are moved between voxels, and masks that are made from them as a person would."""

import numpy as np
import pytest
import scipy.fft
import scipy.ndimage


def moved(density, shift_px):
    """Move a map by (x, y, z) pixels, by a phase ramp."""
    spectrum = scipy.fft.fftn(density)
    for axis, shift in zip((2, 1, 0), shift_px, strict=True):
        frequency = scipy.fft.fftfreq(density.shape[axis])
        shape = [1, 1, 1]
        shape[axis] = -1
        spectrum = spectrum * np.exp(-2j * np.pi * frequency * shift).reshape(shape)
    return scipy.fft.ifftn(spectrum).real.astype(np.float32)


def masked(density, share, extend_px, soft_px):
    """Cut a map at a share of its maximum, extend, and soften: RELION's recipe for a mask."""
    distance = scipy.ndimage.distance_transform_edt(density <= share * density.max())
    return (0.5 + 0.5 * np.cos(np.pi * np.clip((distance - extend_px) / soft_px, 0, 1))).astype(np.float32)


def blobs(box, centres, widths):
    """A density of Gaussians, (x, y, z) from the centre in pixels."""
    z, y, x = np.mgrid[:box, :box, :box] - box // 2
    return sum(
        np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / (2 * width**2))
        for (cx, cy, cz), width in zip(centres, widths, strict=True)
    ).astype(np.float32)


@pytest.fixture(scope="session")
def lopsided():
    """A body of 32 px that looks different along each axis; its centre is where nothing special is."""
    return blobs(32, [(0, 0, 0), (5, 0, 1), (-2, 4, 0), (1, -2, -4)], [2.0, 1.6, 1.8, 1.5])
