"""The accumulators of a reconstruction: weighted Fourier data and weights on the padded grid."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Complex128, Float64, Int64

from halfmap.engine.fourier.projector import array_size
from halfmap.engine.fourier.shells import round_half_away, round_scalar


@dataclass(frozen=True)
class AccumulatorGeometry:
    """Shape and shells of an accumulator (RELION: BackProjector::initialiseDataAndWeight).

    Parameters
    ----------
    box_px
        Box size of the model.
    padding
        Padding factor, 1 or 2.
    max_shell
        Largest shell that is reconstructed, current_size/2.
    dimensions
        2 for images, 3 for volumes: sums are of transforms divided by n² or n³.
    """

    box_px: int
    padding: int
    max_shell: int
    dimensions: int = 2

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Planes, rows, columns (x ≥ 0) and the three sums: real part, imaginary part, weight."""
        size = array_size(self.max_shell, self.padding)
        return (size, size, size // 2 + 1, 3)

    @property
    def radius(self) -> int:
        """Radius of the sphere that is filled, in voxels."""
        return round_scalar(self.padding * self.max_shell)

    @cached_property
    def radius2(self) -> Float64[np.ndarray, "z y x"]:
        """Squared distance of each voxel from the origin, in voxels²."""
        size, _, columns, _ = self.shape
        square = (np.arange(size) - size // 2) ** 2.0
        return square[:, None, None] + square[None, :, None] + np.arange(columns) ** 2.0

    @cached_property
    def shells(self) -> Int64[np.ndarray, "z y x"]:
        """Shell ROUND(r/padding) of each voxel."""
        return round_half_away(np.sqrt(self.radius2) / self.padding)

    @cached_property
    def inside(self) -> Bool[np.ndarray, "z y x"]:
        """Voxels r² < radius², over which spectra are averaged."""
        return self.radius2 < self.radius**2


@dataclass(frozen=True)
class Accumulator:
    """Sums of back-projected images.

    Parameters
    ----------
    geometry
        What the array means.
    sums
        Real part, imaginary part and weight of each voxel.
    """

    geometry: AccumulatorGeometry
    sums: Float64[np.ndarray, "z y x 3"]

    @classmethod
    def empty(cls, geometry: AccumulatorGeometry) -> "Accumulator":
        """Start with nothing."""
        return cls(geometry, np.zeros(geometry.shape))

    @property
    def data(self) -> Complex128[np.ndarray, "z y x"]:
        """Weighted Fourier data."""
        return self.sums[..., 0] + 1j * self.sums[..., 1]

    @property
    def weight(self) -> Float64[np.ndarray, "z y x"]:
        """Weights."""
        return self.sums[..., 2]

    def with_sums(self, sums: Float64[np.ndarray, "z y x 3"]) -> "Accumulator":
        """Return an accumulator of the same geometry with other sums."""
        return replace(self, sums=sums)


def complete_hermitian(accumulator: Accumulator) -> Accumulator:
    """Add to each voxel of the plane x = 0 the conjugate of its opposite; the origin stays.

    Voxels with x > 0 have received both signs already (RELION: BackProjector::enforceHermitianSymmetry).
    """
    sums = accumulator.sums.copy()
    centre = sums.shape[0] // 2
    origin = sums[centre, centre, 0].copy()
    sums[:, :, 0] += sums[::-1, ::-1, 0] * np.array([1.0, -1.0, 1.0])
    sums[centre, centre, 0] = origin
    return accumulator.with_sums(sums)


AddRotated = Callable[
    [Float64[np.ndarray, "z y x 3"], Float64[np.ndarray, "g 3 3"], int], Float64[np.ndarray, "z y x 3"]
]
"""Adds to sums the same ones, read at R·k for each of some rotations and each voxel k within a radius."""


def symmetrise(
    accumulator: Accumulator, operators: Float64[np.ndarray, "g 3 3"], add_rotated: AddRotated
) -> Accumulator:
    """Sum the accumulator over a point group; beyond the filled sphere nothing changes.

    Only one asymmetric unit was searched, so the sum is not divided (RELION: applyPointGroupSymmetry).
    """
    if len(operators) == 1:
        return accumulator
    return accumulator.with_sums(add_rotated(accumulator.sums, operators[1:], accumulator.geometry.radius))


def low_resolution_sphere(geometry: AccumulatorGeometry, shell: int) -> Bool[np.ndarray, "z y x"]:
    """Voxels that two halves share up to a shell (RELION: BackProjector::getLowResDataAndWeight)."""
    return geometry.radius2 <= round_scalar(geometry.padding * shell) ** 2


def downsampled_average(accumulator: Accumulator) -> Complex128[np.ndarray, "m m mhalf"]:
    """Average the padded accumulator on the unpadded grid: Σ data / Σ weight, 0 where nothing was seen.

    RELION: BackProjector::getDownsampledAverage. Array centred in y and z with edge 2·max_shell+1 plus a margin.
    """
    geometry = accumulator.geometry
    size = geometry.shape[0]
    reach = geometry.max_shell + 1
    full = round_half_away((np.arange(size) - size // 2) / geometry.padding) + reach
    half = round_half_away(np.arange(geometry.shape[2]) / geometry.padding)
    seen = geometry.radius2 <= geometry.radius**2
    coarse = np.zeros((2 * reach + 1, 2 * reach + 1, reach + 1, 3))
    z, y, x = np.nonzero(seen)
    np.add.at(coarse, (full[z], full[y], half[x]), accumulator.sums[z, y, x])
    weight = coarse[..., 2]
    data = coarse[..., 0] + 1j * coarse[..., 1]
    return np.divide(data, weight, out=np.zeros_like(data), where=weight > 0)
