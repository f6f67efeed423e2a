"""Histograms of orientations for ChimeraX, in the BILD format."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.formats.whole_file import written_whole

_RADIUS_SHARE = 0.5
_LENGTH_SHARE = 0.05
_WIDTH_SHARE = 0.5
_LARGEST_LENGTHENING = 3.0


def write_angular_distribution(
    path: Path,
    directions: Float64[np.ndarray, "n 3"],
    probability: Float64[np.ndarray, " n"],
    extent_angstrom: float,
    step_deg: float,
) -> None:
    """Draw one cylinder for each direction on a sphere around the map, longer and redder where particles look from.

    Parameters
    ----------
    path
        Where to.
    directions, probability
        Viewing directions and their share of the posterior.
    extent_angstrom
        Edge of the map; the sphere's radius is half of it.
    step_deg
        Angular step, which sets the width of the cylinders.
    """
    used = probability > 0
    if not used.any():
        return
    share = probability[used] / probability[used].max()
    radius, centre = _RADIUS_SHARE * extent_angstrom, extent_angstrom / 2
    inner = centre + radius * directions[used]
    length = extent_angstrom * _LENGTH_SHARE * _LARGEST_LENGTHENING * share[:, None]
    outer = centre + (radius + length) * directions[used]
    width = _WIDTH_SHARE * radius * np.deg2rad(step_deg) / 2
    with written_whole(path) as temporary:
        temporary.write_text(
            "".join(
                f".color {s:.3f} 0 {1 - s:.3f}\n.cylinder "
                + " ".join(f"{value:.3f}" for value in (*a, *b))
                + f" {width:.3f}\n"
                for s, a, b in zip(share, inner, outer, strict=True)
            )
        )
