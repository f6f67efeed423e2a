"""The contrast transfer function over whole half-transforms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from halfmap.engine.imaging.ctf import Microscope, TiltCtf, ctf_phase, ctf_values, envelope


def rows_of(box_px: int) -> Float64[np.ndarray, " n"]:
    """Frequency of each row of a half-transform, the Nyquist frequency at −n/2.

    RELION's programs for tilt series count so; its refinement, like `fourier.shells.frequencies`, has it at +n/2.
    """
    return np.fft.fftfreq(box_px, 1 / box_px)


def half_plane(box_px: int) -> tuple[Float64[np.ndarray, "n half"], Int64[np.ndarray, "n half"]]:
    """Frequencies along y and x of each pixel of a half-transform, as `rows_of` counts them."""
    ky, kx = np.meshgrid(rows_of(box_px), np.arange(box_px // 2 + 1), indexing="ij")
    return ky, kx


def transfer_functions(
    ctf: TiltCtf, microscope: Microscope, box_px: int, pixel_size_angstrom: float
) -> Float32[np.ndarray, "tilts n half"]:
    """CTF with dose filter and scale at every pixel of the half-transforms of a box."""
    fx, fy = _frequencies(box_px, pixel_size_angstrom)
    values = ctf_values(ctf, microscope, fx, fy)
    return _shaped(values, box_px)


@dataclass(frozen=True)
class TransferByDepth:
    """The transfer functions of a tilt series for particles at many depths: what they share is computed once.

    Parameters
    ----------
    phase
        γ at the tomogram's centre, between −π and π.
    phase_per_angstrom
        What an Å of underfocus adds to it.
    envelope
        Dose filter, without the scale.
    scale
        Multiplies the CTF of each tilt image.
    """

    phase: Float32[np.ndarray, "tilts n half"]
    phase_per_angstrom: Float32[np.ndarray, "n half"]
    envelope: Float32[np.ndarray, "tilts n half"]
    scale: Float32[np.ndarray, " tilts"]

    @classmethod
    def of_series(
        cls, ctf: TiltCtf, microscope: Microscope, box_px: int, pixel_size_angstrom: float
    ) -> "TransferByDepth":
        """Prepare for a box; `ctf` is that of all tilt images at the tomogram's centre."""
        fx, fy = _frequencies(box_px, pixel_size_angstrom)
        phase = ctf_phase(ctf, microscope, fx, fy)
        frequency2 = fx**2 + fy**2
        return cls(
            _shaped(np.angle(np.exp(1j * phase)), box_px),
            _shaped(-np.pi * microscope.wavelength_angstrom * frequency2[None], box_px)[0],
            _shaped(envelope(ctf, frequency2), box_px),
            ctf.scale.astype(np.float32),
        )

    def at(
        self, underfocus_angstrom: Float64[np.ndarray, " visible"], visible: Bool[np.ndarray, " tilts"]
    ) -> Float32[np.ndarray, "visible n half"]:
        """CTF with dose filter and scale in visible tilt images, each with so much more underfocus than the centre."""
        change = underfocus_angstrom.astype(np.float32)[:, None, None]
        phase = self.phase[visible] + change * self.phase_per_angstrom
        return -np.sin(phase) * self.envelope[visible] * self.scale[visible][:, None, None]


def _frequencies(
    box_px: int, pixel_size_angstrom: float
) -> tuple[Float64[np.ndarray, " pixels"], Float64[np.ndarray, " pixels"]]:
    """Spatial frequencies of all pixels of a half-transform, along x and y in 1/Å."""
    ky, kx = half_plane(box_px)
    extent = box_px * pixel_size_angstrom
    return kx.ravel() / extent, ky.ravel() / extent


def _shaped(values: Float64[np.ndarray, "tilts pixels"], box_px: int) -> Float32[np.ndarray, "tilts n half"]:
    return values.reshape(-1, box_px, box_px // 2 + 1).astype(np.float32)
