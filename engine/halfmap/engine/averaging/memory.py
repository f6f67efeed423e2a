"""How much memory an average takes, and what can be held at once within what it is given."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from halfmap.engine.averaging.settings import AverageSettings
from halfmap.engine.errors import BadInput
from halfmap.engine.formats.recordings import Recording

PARTICLES_PER_THREAD = 8
_PROGRAM_BYTES = 330 << 20
_MAP_BYTES_PER_VOXEL = 110
"""Transforms, weights, radii and maps in double precision that are held while one map is made."""


@dataclass(frozen=True)
class Load:
    """What is held at once while particles are added up.

    Parameters
    ----------
    threads
        Particles that are cut out at the same time.
    particles
        Particles whose slices wait to be added.
    """

    threads: int
    particles: int


def plan_load(
    settings: AverageSettings, halves: int, recordings: Iterable[Recording], threads: int, limit_gb: float | None
) -> Load:
    """Choose how many particles are held at once.

    Parameters
    ----------
    settings
        Options of the average.
    halves
        Sums that are made.
    recordings
        Tilt series.
    threads
        Threads that are wished for.
    limit_gb
        Memory that may be taken, in units of 2³⁰ bytes; None for as much as is useful.

    Raises
    ------
    BadInput
        If not even one particle at a time fits, saying how much is needed.
    """
    if limit_gb is None:
        return Load(threads, PARTICLES_PER_THREAD * threads)
    recordings = list(recordings)
    limit, sums = limit_gb * (1 << 30), sums_bytes(settings) * halves
    series = max(series_bytes(settings, recording) for recording in recordings)
    tilts = max(recording.series.tilts for recording in recordings)
    cut, held = tilts * cut_bytes(settings), tilts * slice_bytes(settings)
    fixed = _PROGRAM_BYTES + sums + series
    needed = max(fixed + cut + held, _PROGRAM_BYTES + sums + finishing_bytes(settings))
    if needed > limit:
        raise BadInput(
            f"--mem {limit_gb:g}: {needed / (1 << 30):.2f} GB are needed for a box of {settings.box_px} px even if "
            f"particles are taken one by one; give more, or take a smaller --b."
        )
    at_once = min(threads, int((limit - fixed) // (cut + held)))
    particles = int((limit - fixed - at_once * cut) // held)
    return Load(at_once, min(particles, PARTICLES_PER_THREAD * at_once))


def sums_bytes(settings: AverageSettings) -> int:
    """Sums of one half set."""
    return int(np.prod(settings.geometry.shape)) * 8


def finishing_bytes(settings: AverageSettings) -> int:
    """What is held beside the sums while they are symmetrised, or while a map is made of them."""
    return max(sums_bytes(settings), _MAP_BYTES_PER_VOXEL * settings.box_px**3)


def series_bytes(settings: AverageSettings, recording: Recording) -> int:
    """Images of a tilt series with the flags of their check, and its transfer functions as they are computed."""
    width, height = recording.image_size_px
    half_transform = settings.box_px * (settings.box_px // 2 + 1)
    return recording.series.tilts * (6 * width * height + 90 * half_transform)


def cut_bytes(settings: AverageSettings) -> int:
    """What a tilt image of a particle takes while it is cut out."""
    square = settings.cutting.cut_out_px**2
    return 20 * square + 60 * settings.box_px * (settings.box_px // 2 + 1)


def slice_bytes(settings: AverageSettings) -> int:
    """What a tilt image of a particle takes until it is added."""
    return 12 * (settings.box_px + 3) * (settings.box_px // 2 + 2)
