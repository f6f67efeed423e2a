"""Particles that no tilt image shows, which an average leaves out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.extraction.cutting import visible_frames
from halfmap.engine.formats.recordings import Recording
from halfmap.engine.particles.placed import PlacedParticles


def left_out(
    particles: PlacedParticles, recordings: Mapping[str, Recording], settings: AverageSettings, file: Path
) -> str:
    """Tell how many particles no tilt image shows; empty if all are seen.

    Raises
    ------
    BadInput
        If no particle, or none of a half set, is seen: there would be a map of nothing. `file` is named.
    """
    seen = np.zeros(len(particles), bool)
    for row, name in enumerate(particles.tomograms):
        series, size = recordings[name].series, recordings[name].image_size_px
        seen[row] = visible_frames(series, particles.path_px(row), size, settings.visibility).any()
    for half in np.unique(particles.half_set).tolist():
        members = seen[particles.half_set == half]
        if not members.any():
            which = f"particles of half set {half}" if half else "particles"
            raise BadInput(
                f"{file}: no tilt image shows any of the {len(members)} {which}, {settings.box_px // 2} px (half of "
                f"--b) or more from its edges; look at their coordinates, or take a smaller --b."
            )
    missing = np.count_nonzero(~seen)
    return f"{missing} particles are left out: no tilt image shows them, half of --b from its edges" if missing else ""
