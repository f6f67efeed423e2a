"""What the files of 3D pseudo-subtomograms hold."""

from dataclasses import dataclass


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
