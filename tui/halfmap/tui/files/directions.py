"""Where a job's particles point: rot and tilt of all of them, counted as the file is read, line by line.

Angles are those of the file (rlnAngleRot, rlnAngleTilt): relative to each particle's own frame as it was picked, the
subtomogram's frame.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from halfmap.tui.files.mrc import FileMark
from halfmap.tui.files.patient import Beat
from halfmap.tui.files.star_angles import BadDirections, angles

STEP_DEG = 5
"""Edge of the finest bins (degrees)."""
ROTS, TILTS = 360 // STEP_DEG, 180 // STEP_DEG
# directions of equal area: so many rots, and tilts evenly in cos(tilt)
_WIDE_ROTS, _WIDE_TILTS = 12, 6


@dataclass(frozen=True, slots=True)
class Directions:
    """Directions of particles, counted.

    Attributes
    ----------
    particles
        Their number.
    counts
        By tilt and rot, in bins of `STEP_DEG`: row t holds tilts from t · step, column r rots from -180 + r · step.
    fullest_tenth
        Which share of the particles the fullest tenth of all directions holds, by area on the sphere.
    passed_over
        Lines that could not be read.
    """

    particles: int
    counts: tuple[tuple[int, ...], ...]
    fullest_tenth: float
    passed_over: int = 0

    @property
    def even_tenth(self) -> float:
        """What `fullest_tenth` would be if so many particles were spread evenly, by chance."""
        mean = self.particles / (_WIDE_ROTS * _WIDE_TILTS)
        # the upper tenth of a normal distribution lies 1.755 standard deviations above its mean
        return min(1.0, 0.1 * (1 + 1.755 / math.sqrt(mean))) if mean else 0.0


def read_directions(path: str, beat: Beat) -> tuple[FileMark, Directions]:
    """Count the directions of the particles in a file; a last line that is torn is passed over.

    Raises
    ------
    BadDirections
        If there are none.
    """
    try:
        with Path(path).open("rb") as file:
            told = Path(path).stat()
            return FileMark(path, told.st_size, told.st_mtime_ns), _counted(file, beat)
    except FileNotFoundError:
        raise BadDirections("does not exist.") from None
    except OSError as error:
        raise BadDirections(f"cannot be read ({error.strerror or error}).") from None
    except ValueError:
        raise BadDirections("cannot be read.") from None


def _counted(file: BinaryIO, beat: Beat) -> Directions:
    tally = _Tally()
    for found in angles(file, beat):
        if found is None:
            tally.passed_over += 1
        else:
            tally.add(*found)
    counted = tally.directions()
    if not counted.particles:
        raise BadDirections("has no particles with angles.")
    return counted


class _Tally:
    """Counts directions, by whole degrees."""

    def __init__(self) -> None:
        self.passed_over = 0
        self._counts = [0] * (360 * 181)

    def add(self, rot_deg: float, tilt_deg: float) -> None:
        """Count a particle; angles beyond their range are brought back to the same direction."""
        if not 0 <= tilt_deg <= 180:
            tilt_deg %= 360
            if tilt_deg > 180:
                rot_deg, tilt_deg = rot_deg + 180, 360 - tilt_deg
        self._counts[int(tilt_deg) * 360 + int((rot_deg + 180) % 360) % 360] += 1

    def directions(self) -> Directions:
        """Give what was counted."""
        fine, wide = [[0] * ROTS for _ in range(TILTS)], [0] * (_WIDE_ROTS * _WIDE_TILTS)
        for place, count in enumerate(self._counts):
            if count:
                tilt, turn = divmod(place, 360)
                fine[min(tilt // STEP_DEG, TILTS - 1)][turn // STEP_DEG] += count
                wide[_height(tilt + 0.5) * _WIDE_ROTS + turn * _WIDE_ROTS // 360] += count
        particles = sum(wide)
        share = _fullest_tenth(wide) / particles if particles else 0.0
        return Directions(particles, tuple(tuple(row) for row in fine), share, self.passed_over)


def _height(tilt_deg: float) -> int:
    """Give the zone of the sphere that a tilt lies in; all have the same area."""
    return min(int((1 - math.cos(math.radians(min(tilt_deg, 180)))) / 2 * _WIDE_TILTS), _WIDE_TILTS - 1)


def _fullest_tenth(counts: Sequence[int]) -> float:
    ordered = sorted(counts, reverse=True)
    whole, part = divmod(len(ordered) / 10, 1)
    return sum(ordered[: int(whole)]) + part * ordered[int(whole)]
