"""Another point of the reference as the particle's centre."""

import numpy as np
from jaxtyping import Float64

from halfmap.engine.particles.pose import euler_to_matrix


def recentred_origins(
    origins_angstrom: Float64[np.ndarray, "particles dimensions"],
    angles_deg: Float64[np.ndarray, "particles 3"],
    centre_px: Float64[np.ndarray, "3"],
    pixel_size_angstrom: Float64[np.ndarray, " particles"],
) -> Float64[np.ndarray, "particles dimensions"]:
    """Offsets that bring a point of the reference to the particle's centre: o − pixel size · A c.

    Parameters
    ----------
    origins_angstrom
        Offsets in the particle's frame; with two columns, only x and y of A c are used.
    angles_deg
        Rot, tilt and psi of each particle; A maps the reference to the particle's frame.
    centre_px
        The point c, from the centre of the reference, in pixels of the particle.
    pixel_size_angstrom
        Of each particle.

    Notes
    -----
    An offset moves the image, so the particle's centre moves by the opposite: a point r of the reference is r − c
    afterwards. The subtomogram's own angles do not matter, because offsets belong to its frame. RELION:
    ``relion_star_handler --center``.
    """
    shift_px = euler_to_matrix(angles_deg) @ centre_px
    return origins_angstrom - pixel_size_angstrom[:, None] * shift_px[:, : origins_angstrom.shape[1]]
