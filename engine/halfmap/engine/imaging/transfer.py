"""The contrast transfer function over whole half-transforms."""

import numpy as np
from jaxtyping import Float32, Float64

from halfmap.engine.imaging.ctf import Microscope, TiltCtf, ctf_values


def rows_of(box_px: int) -> Float64[np.ndarray, " n"]:
    """Frequency of each row of a half-transform, the Nyquist frequency at −n/2.

    RELION's programs for tilt series count so; its refinement, like `fourier.shells.frequencies`, has it at +n/2.
    """
    return np.fft.fftfreq(box_px, 1 / box_px)


def transfer_functions(
    ctf: TiltCtf, microscope: Microscope, box_px: int, pixel_size_angstrom: float
) -> Float32[np.ndarray, "tilts n half"]:
    """CTF with dose filter and scale at every pixel of the half-transforms of a box."""
    ky, kx = np.meshgrid(rows_of(box_px), np.arange(box_px // 2 + 1), indexing="ij")
    extent = box_px * pixel_size_angstrom
    values = ctf_values(ctf, microscope, kx.ravel() / extent, ky.ravel() / extent)
    return values.reshape(-1, *kx.shape).astype(np.float32)
