"""Images of a particle in many offsets, or multiplied by the functions that all shifts are combinations of."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.kernels.phases import fill_phases, shift_images
from halfmap.engine.backend.slice_reader import as_pairs
from halfmap.engine.imaging.shift_basis import ShiftBasis, shift_basis
from halfmap.engine.imaging.tilt_images import TiltImages

TOLERANCE = 5e-4
_WORTH_IT = 0.7
_RADIUS_STEP = 1.1


def phases(
    images: TiltImages, offsets_px: Float64[np.ndarray, "offsets 3"], tilts: slice = slice(None)
) -> Float32[np.ndarray, "offsets some_tilts pixels 2"]:
    """Phase factors of offsets in some of the tilt images."""
    shifts = np.ascontiguousarray(images.shifts(offsets_px)[:, tilts])
    found = np.empty((*shifts.shape[:2], len(images.pixels.kx), 2), np.float32)
    fill_phases(shifts, images.pixels.kx, images.pixels.ky, found)
    return found


def shifted(
    images: TiltImages, values: Complex64[np.ndarray, "tilts pixels"], offsets_px: Float64[np.ndarray, "offsets 3"]
) -> Float32[np.ndarray, "offsets tilts numbers"]:
    """Values of the images' pixels times the phase factors of offsets."""
    found = phases(images, offsets_px)
    shift_images(found, as_pairs(values), found)
    return found.reshape(*found.shape[:2], -1)


@dataclass(frozen=True)
class CentredOffsets:
    """Offsets as their centre and what is left, which lies within a small sphere.

    Parameters
    ----------
    centre_px
        Their centre.
    rest_px
        Offsets from there.
    """

    centre_px: Float64[np.ndarray, "3"]
    rest_px: Float64[np.ndarray, "offsets 3"]

    @classmethod
    def of(cls, offsets_px: Float64[np.ndarray, "offsets 3"]) -> "CentredOffsets":
        """Put the centre amid the smallest and the largest along each axis."""
        centre = (offsets_px.min(axis=0) + offsets_px.max(axis=0)) / 2
        return cls(centre, offsets_px - centre)

    @property
    def radius_px(self) -> float:
        """Largest distance from the centre."""
        return float(np.linalg.norm(self.rest_px, axis=1).max())


class ShiftBases:
    """Bases that have been made; those of nearly the same radius are the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, int], ShiftBasis] = {}

    def worth_it(self, images: TiltImages, radius_px: float, offsets: int) -> ShiftBasis | None:
        """Give the basis for shifts of a particle's images, or None where it has hardly fewer functions than shifts."""
        pixels = images.pixels
        if radius_px <= 0 or offsets * _WORTH_IT < 2 or not len(pixels.kx):
            return None
        step = int(np.ceil(np.log(radius_px) / np.log(_RADIUS_STEP) - 1e-9))
        key = (pixels.box_px, len(pixels.kx), step)
        if key not in self._made:
            self._made[key] = shift_basis(pixels, _RADIUS_STEP**step / pixels.box_px, TOLERANCE)
        basis = self._made[key]
        return basis if len(basis.functions) <= _WORTH_IT * offsets else None
