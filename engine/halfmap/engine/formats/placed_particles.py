"""Reading particles with their poses in the tomogram, extracted or not."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from halfmap.engine.formats.half_sets import read_half_sets
from halfmap.engine.formats.picked_particles import optics_with_constants, read_picked_particles
from halfmap.engine.formats.recordings import Recording, read_recordings
from halfmap.engine.formats.trajectories import read_trajectories
from halfmap.engine.particles.placed import PlacedParticles


def read_placed_particles(
    particles: Path, tomograms: Path, trajectories: Path | None, project: Path
) -> tuple[PlacedParticles, dict[str, Recording]]:
    """Read particles, and the tilt series that they are in.

    Parameters
    ----------
    particles
        Particle file; images are not needed.
    tomograms
        Tomogram set.
    trajectories
        Trajectory set, where particles move.
    project
        Directory to which paths in the files are relative.

    Raises
    ------
    BadInput
        Naming the file and what is missing or wrong.
    """
    picked = read_picked_particles(particles)
    recordings = read_recordings(tomograms, project, list(dict.fromkeys(picked.tomograms)))
    optics_with_constants(picked, recordings)
    series = [recordings[name].series for name in picked.tomograms]
    motion: tuple[Float64[np.ndarray, "tilts 3"], ...] = ()
    if trajectories is not None:
        tilts = {name: one.tilts for name, one in zip(picked.names, series, strict=True)}
        shifts = read_trajectories(trajectories, tilts)
        motion = tuple(shifts[name] / one.pixel_size_angstrom for name, one in zip(picked.names, series, strict=True))
    placed = PlacedParticles(
        picked.tomograms,
        picked.positions_px(recordings, with_offsets=True),
        motion,
        picked.frame @ picked.pose,
        read_half_sets(picked.table, particles),
    )
    return placed, recordings
