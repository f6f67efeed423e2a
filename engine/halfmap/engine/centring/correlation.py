"""Sums over a map that is moved against a mask, for all displacements at once, and the peaks of what they come to."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Bool, Complex128, Float64

Open = tuple[bool, bool, bool]
"""Which of the axes x, y, z are free."""


@dataclass(frozen=True)
class Template:
    """What a map is moved against.

    Parameters
    ----------
    spectrum
        Transform along the free axes, half of it along the last of them.
    axes
        The free axes, as axes of the array (z, y, x).
    shape
        Voxels along them.
    """

    spectrum: Complex128[np.ndarray, "za yb xc"]
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, values: Float64[np.ndarray, "z y x"], open_axes: Open) -> "Template":
        """Transform once what is compared many times."""
        axes = free_axes(open_axes)
        return cls(scipy.fft.rfftn(values, axes=axes), axes, tuple(values.shape[axis] for axis in axes))

    def moved_sums(self, spectrum: Complex128[np.ndarray, "za yb xc"]) -> Float64[np.ndarray, "*free"]:
        """Σ map(x + c) template(x) for every displacement c along the free axes, in the order of an FFT."""
        closed = tuple(axis for axis in range(3) if axis not in self.axes)
        return scipy.fft.irfftn((spectrum * self.spectrum.conj()).sum(axis=closed), s=self.shape)

    def transform(self, values: Float64[np.ndarray, "z y x"]) -> Complex128[np.ndarray, "za yb xc"]:
        """Transform a map along the same axes."""
        return scipy.fft.rfftn(values, axes=self.axes)


def free_axes(open_axes: Open) -> tuple[int, ...]:
    """Free axes as axes of an array (z, y, x)."""
    return tuple(2 - axis for axis in reversed(range(3)) if open_axes[axis])


@dataclass(frozen=True)
class Peak:
    """A maximum of a score over displacements.

    Parameters
    ----------
    displacement_px
        Along the free axes (order of the array: z, y, x), between voxels.
    height
        The score there.
    """

    displacement_px: tuple[float, ...]
    height: float


def peaks(score: Float64[np.ndarray, "*free"], reach_px: float) -> list[Peak]:
    """Find the maxima within a radius, highest first, each between voxels by a paraboloid through its neighbours.

    There are none where the score is highest at the border, from where it may go on rising.
    """
    within = _within(score.shape, reach_px)
    places = np.argwhere(_is_maximum(score) & within)
    if not len(places) or score[tuple(places.T)].max() < score[within].max():
        return []
    found = [_refined(score, tuple(place.tolist())) for place in places]
    return sorted(found, key=lambda peak: -peak.height)


def highest(score: Float64[np.ndarray, "*free"], reach_px: float) -> float:
    """Highest score of a voxel within a radius."""
    return float(score[_within(score.shape, reach_px)].max())


def _within(shape: Sequence[int], reach_px: float) -> Bool[np.ndarray, "*free"]:
    squares = np.meshgrid(*(scipy.fft.fftfreq(n, 1 / n) ** 2 for n in shape), indexing="ij", sparse=True)
    return sum(squares[1:], squares[0]) <= reach_px**2


def _is_maximum(score: Float64[np.ndarray, "*free"]) -> Bool[np.ndarray, "*free"]:
    """Mark voxels that no neighbour exceeds and that exceed one."""
    none_higher, one_lower = np.ones(score.shape, bool), np.zeros(score.shape, bool)
    for step in itertools.product((-1, 0, 1), repeat=score.ndim):
        neighbour = np.roll(score, step, axis=tuple(range(score.ndim)))
        none_higher &= score >= neighbour
        one_lower |= score > neighbour
    return none_higher & one_lower


def _refined(score: Float64[np.ndarray, "*free"], place: tuple[int, ...]) -> Peak:
    """Fit a paraboloid to the neighbours of a voxel and take its top."""
    slope, curvature = _derivatives(score, place)
    top = -np.linalg.pinv(curvature) @ slope
    top = np.clip(top, -1, 1)
    height = float(score[place] + slope @ top + 0.5 * top @ curvature @ top)
    centred = [(p + n // 2) % n - n // 2 for p, n in zip(place, score.shape, strict=True)]
    return Peak(tuple(float(v) for v in centred + top), height)


def _derivatives(
    score: Float64[np.ndarray, "*free"], place: tuple[int, ...]
) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, "d d"]]:
    """First and second differences at a voxel, with wrap-around."""
    rows = [(position + np.arange(-1, 2)) % n for position, n in zip(place, score.shape, strict=True)]
    around = score[np.ix_(*rows)]
    axes = range(score.ndim)
    unit, middle = np.eye(score.ndim, dtype=int), np.ones(score.ndim, dtype=int)
    after, before = ([float(around[tuple(middle + sign * unit[i])]) for i in axes] for sign in (1, -1))
    slope = (np.array(after) - np.array(before)) / 2
    curvature = np.diag(np.array(after) + np.array(before) - 2 * float(score[place]))
    for i, j in itertools.combinations(axes, 2):
        corners = [s * t * around[tuple(middle + s * unit[i] + t * unit[j])] for s in (-1, 1) for t in (-1, 1)]
        curvature[i, j] = curvature[j, i] = sum(corners) / 4
    return slope, curvature
