"""Tilt series: the geometry and the imaging conditions that the particles of a tomogram share."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from halfmap.engine.imaging.ctf import TiltCtf


@dataclass(frozen=True)
class TiltSeries:
    """One aligned tilt series.

    Parameters
    ----------
    name
        `rlnTomoName`.
    pixel_size_angstrom
        Pixel size of the tilt images.
    size_px
        Width, height and depth of the tomogram in tilt-image pixels.
    hand
        ±1: sign of the change of defocus with depth.
    defocus_slope
        Multiplies that change, 1 by default.
    rotations
        Rotation of each tilt image, tomogram to image coordinates, Rz·Ry·Rx.
    shifts_angstrom
        Shift of each tilt image.
    ctf
        Imaging conditions at the tomogram's centre.
    corner_px
        Where the tomogram's corner appears in each tilt image, from the image's corner; known only where projection
        matrices are given instead of shifts (RELION 4).
    pre_exposure
        e/Å² before each tilt image, where a B-factor takes the place of `ctf.dose`.
    """

    name: str
    pixel_size_angstrom: float
    size_px: Float64[np.ndarray, "3"]
    hand: float
    defocus_slope: float
    rotations: Float64[np.ndarray, "tilts 3 3"]
    shifts_angstrom: Float64[np.ndarray, "tilts 2"]
    ctf: TiltCtf
    corner_px: Float64[np.ndarray, "tilts 2"] | None = None
    pre_exposure: Float64[np.ndarray, " tilts"] | None = None

    @property
    def tilts(self) -> int:
        """Number of tilt images."""
        return len(self.rotations)

    @property
    def exposure(self) -> Float64[np.ndarray, " tilts"]:
        """e/Å² before each tilt image."""
        return self.ctf.dose if self.pre_exposure is None else self.pre_exposure

    @property
    def centre_px(self) -> Float64[np.ndarray, "3"]:
        """Centre to which centred coordinates refer, half the size and not rounded."""
        return self.size_px / 2

    def depth_px(self, position_px: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, " tilts"]:
        """Distance of a position from the tomogram's centre along the beam, in pixels, for each tilt image."""
        return (self.rotations @ (position_px - np.floor(self.centre_px)))[:, 2]

    def project_px(
        self,
        position_px: Float64[np.ndarray, "3"] | Float64[np.ndarray, "tilts 3"],
        image_size_px: Float64[np.ndarray, "2"],
    ) -> Float64[np.ndarray, "tilts 2"]:
        """Where a position appears in each tilt image, in pixels from its corner; it may move from tilt to tilt.

        RELION: Tomogram::setProjectionMatrix; rotation about the rounded-down centre of the tomogram, then the
        rounded-down centre of the image and the shift are added.
        """
        if self.corner_px is not None:
            return self._turned(position_px) + self.corner_px
        turned = self._turned(position_px - np.floor(self.centre_px))
        return turned + np.floor(image_size_px / 2) + self.shifts_angstrom / self.pixel_size_angstrom

    def _turned(
        self, vector: Float64[np.ndarray, "3"] | Float64[np.ndarray, "tilts 3"]
    ) -> Float64[np.ndarray, "tilts 2"]:
        return (self.rotations[:, :2] @ vector[..., None])[..., 0]

    def ctf_at(self, position_px: Float64[np.ndarray, "3"], visible: Bool[np.ndarray, " tilts"]) -> TiltCtf:
        """Imaging conditions of the visible tilt images at a position (RELION: Tomogram::getCtf)."""
        depth = self.depth_px(position_px) - self.depth_px(self.centre_px)
        change = (self.hand * self.pixel_size_angstrom * self.defocus_slope * depth)[visible]
        ctf = self.ctf
        return TiltCtf(
            ctf.defocus_u_angstrom[visible] + change,
            ctf.defocus_v_angstrom[visible] + change,
            ctf.defocus_angle_deg[visible],
            ctf.phase_shift_deg[visible],
            ctf.dose[visible],
            ctf.bfactor_angstrom2[visible],
            ctf.scale[visible],
        )


def tilt_rotation(
    x_tilt_deg: Float64[np.ndarray, " tilts"],
    y_tilt_deg: Float64[np.ndarray, " tilts"],
    z_rotation_deg: Float64[np.ndarray, " tilts"],
) -> Float64[np.ndarray, "tilts 3 3"]:
    """Rotation Rz·Ry·Rx from tomogram to image coordinates, right-handed about the named axes."""
    return _about(2, z_rotation_deg) @ _about(1, y_tilt_deg) @ _about(0, x_tilt_deg)


def _about(axis: int, angle_deg: Float64[np.ndarray, " tilts"]) -> Float64[np.ndarray, "tilts 3 3"]:
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((len(angle_deg), 3, 3))
    matrix[:, axis, axis] = 1
    matrix[:, first, first] = matrix[:, second, second] = np.cos(np.deg2rad(angle_deg))
    matrix[:, second, first] = np.sin(np.deg2rad(angle_deg))
    matrix[:, first, second] = -matrix[:, second, first]
    return matrix
