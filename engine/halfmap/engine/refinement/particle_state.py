"""What the expectation step is given of a particle, and of particles that are aligned together."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from halfmap.engine.imaging.particle_images import ParticleImages
from halfmap.engine.imaging.pass_images import PassImages


@dataclass(frozen=True)
class ParticleState:
    """A particle at the start of an iteration.

    Parameters
    ----------
    images
        Its images.
    optics, group
        Indices of its optics group and scale group.
    centre_deg
        Centre of the prior on its angles.
    origin_angstrom
        Its current offset.
    origin_prior_angstrom
        Centre of the prior on its offset.
    """

    images: ParticleImages
    optics: int
    group: int
    centre_deg: Float64[np.ndarray, "3"]
    origin_angstrom: Float64[np.ndarray, "3"]
    origin_prior_angstrom: Float64[np.ndarray, "3"]

    def offsets_px(self, offsets_angstrom: Float64[np.ndarray, "offsets 3"]) -> Float64[np.ndarray, "offsets 3"]:
        """Offsets in image pixels, beyond what the images have been moved by, for searched ones in Å."""
        return self.origin_px + offsets_angstrom / self.images.optics.pixel_size_angstrom

    @property
    def origin_px(self) -> Float64[np.ndarray, "3"]:
        """Current offset in image pixels, beyond what the images have been moved by."""
        return self.origin_angstrom / self.images.optics.pixel_size_angstrom - self.images.moved_px


@dataclass(frozen=True)
class Batch:
    """Particles whose tilt images are seen from the same sides and have the same pixels.

    Parameters
    ----------
    particles
        The particles.
    images
        Pixels of each pass for each of them.
    frames
        Rotations from each particle's frame to the one that they share.
    """

    particles: tuple[ParticleState, ...]
    images: tuple[PassImages, ...]
    frames: Float64[np.ndarray, "particles 3 3"]
