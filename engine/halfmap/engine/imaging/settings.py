"""How images are masked and modelled, and what the files of volumes hold."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64

from halfmap.engine.fourier.masks import background_fraction, distances
from halfmap.engine.particles.optics import OpticsGroup


@dataclass(frozen=True)
class VolumeSettings:
    """What the files of 3D pseudo-subtomograms hold, and what is made of their multiplicity.

    Parameters
    ----------
    normalised
        Volumes and CTF² are averages over tilt images instead of sums (`--normalised_subtomo`).
    skip_multiplicity
        Divide sums by the multiplicity and forget about it (`--skip_subtomo_multi`).
    ctf_squared
        CTF volumes of premultiplied data hold CTF²; otherwise they hold its root (`--ctf3d_not_squared`).
    multiplicity_threshold
        Voxels with this multiplicity or less are left out (`--subtomo_multi_thr`).
    """

    normalised: bool = False
    skip_multiplicity: bool = False
    ctf_squared: bool = True
    multiplicity_threshold: float = 0.01


@dataclass(frozen=True)
class ImageSettings:
    """How images are masked and modelled.

    Parameters
    ----------
    mask_diameter_angstrom
        Diameter of the circle that is kept.
    mask_edge_px
        Width of its soft edge.
    zero_mask
        Fade into the image's own background mean; otherwise into noise of the estimated spectrum.
    ctf_correction
        Model the CTF.
    intact_first_peak
        Ignore the CTF before its first peak.
    exact_noise
        The noise of premultiplied images, which was multiplied by their CTF too, is modelled so: its variance is CTF²σ²
        in each pixel. Otherwise it is σ² in all pixels of a shell, as RELION has it.
    volumes
        What the files of volumes hold.
    """

    mask_diameter_angstrom: float
    mask_edge_px: int
    zero_mask: bool
    ctf_correction: bool
    intact_first_peak: bool
    exact_noise: bool = False
    volumes: VolumeSettings = field(default_factory=VolumeSettings)

    def background(self, optics: OpticsGroup) -> Float64[np.ndarray, "*box"]:
        """Weight of what the mask hides, in images or volumes of an optics group."""
        radius_px = self.mask_diameter_angstrom / (2 * optics.pixel_size_angstrom)
        return background_fraction(distances(optics.box_px, optics.dimensions), radius_px, self.mask_edge_px)
