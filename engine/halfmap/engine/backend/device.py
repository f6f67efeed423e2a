"""Where arrays lie and what loops over their pixels: a port behind which cores and cards are alike."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.shells import PixelList

S = TypeVar("S")
R = TypeVar("R")


class Device(ABC):
    """Arrays, and loops that would need large temporaries as array expressions.

    Slices are handled as a stack of tilts × orientations.
    """

    memory_bytes: int = 0
    """Memory of the device that may be used; 0 if it is that of this machine."""
    tile_bytes: int
    """Slices that are held at once when images are added to sums."""
    cache_bytes: int
    """Results that are added to sums piece by piece while they are in the cache."""
    all_tilts_at_once: bool
    """Launching a loop is dearer than the memory for all tilts."""
    block_orientations: int
    """Fewer orientations than this are not worth a product of their own."""
    most_diagonalised: int
    """Up to how many offsets it pays to find the fewest functions for these very offsets."""
    voxels_at_once: int = 0
    """How many voxels of volumes are best compared at once; 0 for a device that knows images only."""

    @abstractmethod
    def orientations_at_once(self, bytes_each: int) -> int:
        """How many orientations are best compared at once, if each of them takes so much memory."""

    @abstractmethod
    def put(self, values: np.ndarray) -> Array:
        """Copy an array to the device; arrays that are there already stay as they are."""

    @abstractmethod
    def take(self, values: Array) -> np.ndarray:
        """Copy an array from the device."""

    @abstractmethod
    def kept(self, key: int, make: Callable[[int], np.ndarray]) -> Array:
        """Give an array that is on the device already, or make it and copy it there; it stays if there is room."""

    @abstractmethod
    def empty(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make an array of single precision with any contents."""

    @abstractmethod
    def zeros(self, *shape: int) -> Float64[Array, "*shape"]:
        """Make an array of zeros, in the precision in which sums over pixels are held."""

    @abstractmethod
    def zeros32(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make an array of zeros of single precision."""

    @abstractmethod
    def accumulator(self, geometry: AccumulatorGeometry) -> Accumulator:
        """Make sums of nothing on the device."""

    @abstractmethod
    def collected(self, accumulator: Accumulator) -> Accumulator:
        """Bring sums to the host, in double precision."""

    @abstractmethod
    def for_each(self, action: Callable[[S], R], items: Sequence[S]) -> list[R]:
        """Do something with each item, side by side where that is faster."""

    @abstractmethod
    def gather_slices(
        self,
        volume: Float32[Array, "z y x 2"],
        matrices: Float32[Array, "tilts orientations axes 3"],
        pixels: PixelList,
        with_squares: bool,
    ) -> tuple[Float32[Array, "tilts orientations pixels 2"], Float32[Array, "tilts orientations pixels"]]:
        """Read slices by trilinear interpolation, and their squared magnitudes; else these have any contents."""

    @abstractmethod
    def phases(
        self, shifts: Float64[np.ndarray, "tilts offsets axes"], pixels: PixelList
    ) -> Complex64[Array, "tilts offsets pixels"]:
        """Phase factors exp(−2πi k·shift) of shifts in pixels over the box size."""

    @abstractmethod
    def add_residual_terms(
        self,
        slices: Float32[Array, "tilts orientations pixels 2"],
        phases: Float32[Array, "tilts orientations pixels 2"],
        mass: Float32[Array, " orientations"],
        images: Float32[Array, "tilts pixels 2"],
        ctf: Float32[Array, "tilts pixels"],
        totals: tuple[Array, Array],
    ) -> None:
        """Add the terms of `interface.Residuals` to totals (cross, power) by pixel.

        `phases` are sums of phase factors weighted by posteriors, `mass` is the posterior mass of each orientation.
        """

    @abstractmethod
    def insert_slices(
        self,
        accumulator: Accumulator,
        matrices: Float32[Array, "tilts orientations axes 3"],
        pixels: PixelList,
        phases: Float32[Array, "tilts orientations pixels 2"],
        mass: Float32[Array, " orientations"],
        images: Float32[Array, "tilts pixels 2"],
        weights: Float32[Array, "tilts pixels"],
    ) -> None:
        """Spread images times phases, and weights times mass, over the eight neighbours of each pixel."""

    @abstractmethod
    def add_rotated(
        self,
        sums: Float64[np.ndarray, "z y x 3"],
        rotations: Float64[np.ndarray, "g 3 3"],
        radius: int,
    ) -> Float64[np.ndarray, "z y x 3"]:
        """Add to sums on the host the same ones read at R·k, for each rotation and every voxel k within a radius."""
