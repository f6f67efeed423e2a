"""Particles at known places in their tomograms: what an average from tilt series starts from."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True)
class PlacedParticles:
    """Particles with their poses in the tomogram, in the order of their file.

    Parameters
    ----------
    tomograms
        Name of each particle's tomogram.
    position_px
        Position in tilt-series pixels from the tomogram's corner, origin offsets included.
    motion_px
        For each particle, where it is at each tilt, as seen from its position; empty where particles stand still.
    rotation
        Matrix that takes the reference to the tomogram.
    half_set
        1 or 2; 0 where none is assigned.
    """

    tomograms: tuple[str, ...]
    position_px: Float64[np.ndarray, "particles 3"]
    motion_px: tuple[Float64[np.ndarray, "tilts 3"], ...]
    rotation: Float64[np.ndarray, "particles 3 3"]
    half_set: Int64[np.ndarray, " particles"]

    def __len__(self) -> int:
        return len(self.tomograms)

    def in_tomogram(self, name: str) -> Int64[np.ndarray, " members"]:
        """Indices of the particles of a tomogram, in file order."""
        return np.flatnonzero(np.array(self.tomograms) == name)

    def path_px(self, particle: int) -> Float64[np.ndarray, "3"] | Float64[np.ndarray, "tilts 3"]:
        """Position of a particle, or its positions at all tilts if it moves."""
        position = self.position_px[particle]
        return position + self.motion_px[particle] if self.motion_px else position
