"""The contrast transfer function of tilt images, with dose filter and scale.

RELION: CTF::initialise, CTF::getCTF; dose filter after Grant & Grigorieff (2015).
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float64

from halfmap.engine.arrays import Array, beside

_DOSE_A, _DOSE_B, _DOSE_C = 0.245, -1.665, 2.81
_SMALLEST = 1e-8


@dataclass(frozen=True)
class Microscope:
    """Constants of an optics group.

    Parameters
    ----------
    voltage_kv
        Acceleration voltage in kV.
    spherical_aberration_mm
        Cs in mm.
    amplitude_contrast
        Fraction, 0 to 1.
    """

    voltage_kv: float
    spherical_aberration_mm: float
    amplitude_contrast: float

    @property
    def wavelength_angstrom(self) -> float:
        """Relativistic electron wavelength in Å."""
        volt = self.voltage_kv * 1e3
        return float(12.2643247 / np.sqrt(volt * (1 + 0.978466e-6 * volt)))


@dataclass(frozen=True)
class TiltCtf:
    """CTF parameters of the tilt images of one particle, one entry per image.

    Parameters
    ----------
    defocus_u_angstrom, defocus_v_angstrom
        Defoci at the particle's depth, underfocus positive.
    defocus_angle_deg
        Azimuth of `defocus_u_angstrom`.
    phase_shift_deg
        Phase plate.
    dose
        Exposure before the image in e/Å²; negative where a B-factor takes the dose filter's place.
    bfactor_angstrom2
        Used where `dose` is negative.
    scale
        Multiplies the CTF.
    """

    defocus_u_angstrom: Float64[Array, " tilts"]
    defocus_v_angstrom: Float64[Array, " tilts"]
    defocus_angle_deg: Float64[Array, " tilts"]
    phase_shift_deg: Float64[Array, " tilts"]
    dose: Float64[Array, " tilts"]
    bfactor_angstrom2: Float64[Array, " tilts"]
    scale: Float64[Array, " tilts"]

    def beside(self, other: Array) -> "TiltCtf":
        """Copy the parameters to where another array lies."""
        return replace(self, **{field.name: beside(getattr(self, field.name), other) for field in fields(self)})


def dose_weight(
    dose: Float64[Array, "tilts 1"], frequency: Float64[Array, " pixels"]
) -> Float64[Array, "tilts pixels"]:
    """Amplitude left after an exposure, exp(-dose/(2·Nₑ(u))), with the critical exposure Nₑ; 1 at u = 0.

    `dose` in e/Å², `frequency` in 1/Å.
    """
    with np.errstate(divide="ignore"):
        critical = _DOSE_A * frequency**_DOSE_B + _DOSE_C
    return np.exp(-0.5 * dose / critical)


def envelope(tilts: TiltCtf, frequency2: Float64[Array, " pixels"]) -> Float64[Array, "tilts pixels"]:
    """Share of the amplitude that dose or B-factor have left, at squared frequencies in 1/Å²."""
    by_dose = dose_weight(np.maximum(tilts.dose, 0)[:, None], np.sqrt(frequency2))
    by_bfactor = np.exp(-tilts.bfactor_angstrom2[:, None] / 4 * frequency2)
    return np.where(tilts.dose[:, None] >= 0, by_dose, by_bfactor)


def ctf_phase(
    tilts: TiltCtf, microscope: Microscope, fx: Float64[Array, " pixels"], fy: Float64[Array, " pixels"]
) -> Float64[Array, "tilts pixels"]:
    """Phase γ of the CTF −sin γ at frequencies (fx, fy) in 1/Å."""
    angle = np.deg2rad(tilts.defocus_angle_deg)[:, None]
    along = np.cos(angle) * fx + np.sin(angle) * fy
    across = -np.sin(angle) * fx + np.cos(angle) * fy
    wavelength = microscope.wavelength_angstrom
    u2 = fx**2 + fy**2
    contrast = microscope.amplitude_contrast
    defocus = tilts.defocus_u_angstrom[:, None] * along**2 + tilts.defocus_v_angstrom[:, None] * across**2
    spherical = np.pi / 2 * microscope.spherical_aberration_mm * 1e7 * wavelength**3 * u2**2
    shift = np.deg2rad(tilts.phase_shift_deg)[:, None] + np.arctan(contrast / np.sqrt(1 - contrast**2))
    return -np.pi * wavelength * defocus + spherical - shift


def ctf_values(
    tilts: TiltCtf,
    microscope: Microscope,
    fx: Float64[Array, " pixels"],
    fy: Float64[Array, " pixels"],
    intact_first_peak: bool = False,
) -> Float64[Array, "tilts pixels"]:
    """CTF of each tilt image, damped by dose or B-factor and scaled.

    Parameters
    ----------
    tilts
        Parameters of each image.
    microscope
        Constants of the optics group.
    fx, fy
        Spatial frequencies in 1/Å.
    intact_first_peak
        Set the CTF to ±1 before its first peak (`--ctf_intact_first_peak`).

    Notes
    -----
    Values closer to 0 than 1e-8 are moved there, keeping their sign (RELION: CTF::getCTF).
    """
    gamma = ctf_phase(tilts, microscope, fx, fy)
    value = -np.sin(gamma)
    if intact_first_peak:
        value = np.where(np.abs(gamma) < np.pi / 2, np.where(value < 0, -1.0, 1.0), value)
    value *= envelope(tilts, fx**2 + fy**2) * tilts.scale[:, None]
    return np.where(np.abs(value) < _SMALLEST, np.where(value < 0, -_SMALLEST, _SMALLEST), value)
