"""Particles that are to be compared with the same slices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.imaging.tilt_images import TiltImages


@dataclass(frozen=True)
class Compared:
    """Particles that are to be compared with the same slices.

    Parameters
    ----------
    images, frames, origins_px, offsets_px
        See `Backend.comparison`.
    """

    images: Sequence[TiltImages]
    frames: Float64[np.ndarray, "particles 3 3"]
    origins_px: Float64[np.ndarray, "particles 3"]
    offsets_px: Float64[np.ndarray, "offsets 3"]

    @property
    def geometry(self) -> Float64[np.ndarray, "tilts axes 3"]:
        """Maps from pixel indices to voxels, in the frame that the particles share."""
        return self.images[0].geometry @ self.frames[0].T

    @property
    def shifts(self) -> Float64[np.ndarray, "offsets tilts axes"]:
        """Shifts of the offsets from amid them."""
        return self.images[0].shifts((self.offsets_px - middle(self.offsets_px)) @ self.frames[0])

    def centre_px(self, particle: int) -> Float64[np.ndarray, "3"]:
        """Whole offset of a particle amid the searched ones, in its own frame."""
        return self.origins_px[particle] + middle(self.offsets_px) @ self.frames[particle]


def middle(offsets_px: Float64[np.ndarray, "offsets 3"]) -> Float64[np.ndarray, "3"]:
    """Point amid the smallest and the largest offset along each axis."""
    return (offsets_px.min(axis=0) + offsets_px.max(axis=0)) / 2
