"""The backend of cores and of cards: matrix products, with loops of the device for gathers and scatters.

Work goes through tiles of orientations and some tilts at a time, so that memory does not grow with the number of poses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from jaxtyping import Complex64, Float, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.compared import Compared, middle
from halfmap.engine.backend.comparisons import (
    Columns,
    Correlation,
    CorrelationOfVolumes,
    Likelihood,
    MatrixComparison,
)
from halfmap.engine.backend.device import Device
from halfmap.engine.backend.interface import Backend, Reference, Residuals
from halfmap.engine.backend.shift_mixture import ShiftMixture, ShiftMixtures
from halfmap.engine.backend.slice_reader import SliceReader, as_pairs, spans
from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry, symmetrise
from halfmap.engine.fourier.shells import shell_means
from halfmap.engine.imaging.tilt_images import TiltImages

C = TypeVar("C", bound=MatrixComparison)


@dataclass(frozen=True)
class ReferenceOnDevice(Reference):
    """A padded transform as float32 pairs.

    Parameters
    ----------
    volume
        Real and imaginary parts.
    power
        Mean square at each radius, in a plane through the origin.
    """

    volume: Float32[Array, "z y x 2"]
    power: Float64[np.ndarray, " radii"]


class MatrixBackend(Backend):
    """Everything that is the same on all devices.

    Parameters
    ----------
    device
        What computes.
    """

    def __init__(self, device: Device) -> None:
        self.device, self.memory_bytes = device, device.memory_bytes
        self._mixtures = ShiftMixtures(device)

    def on_device(self, values: np.ndarray) -> Array:
        """Copy an array to the device."""
        return self.device.put(values)

    def on_host(self, values: Array) -> np.ndarray:
        """Copy an array from the device."""
        return self.device.take(values)

    def stack(self, particle: int, read: Callable[[int], Float[np.ndarray, "tilts n n"]]) -> Float[Array, "tilts n n"]:
        """Give a particle's images on the device."""
        return self.device.kept(particle, read)

    def empty_scores(self, *shape: int) -> Float32[Array, "*shape"]:
        """Make room for scores."""
        return self.device.empty(*shape)

    def accumulator(self, geometry: AccumulatorGeometry) -> Accumulator:
        """Make sums of nothing on the device."""
        return self.device.accumulator(geometry)

    def collected(self, accumulator: Accumulator) -> Accumulator:
        """Bring sums to the host."""
        return self.device.collected(accumulator)

    def reference(self, transform: Complex64[np.ndarray, "z y x"]) -> ReferenceOnDevice:
        """Take over a padded reference transform."""
        return ReferenceOnDevice(self.device.put(as_pairs(transform)), power_in_plane(transform))

    def slices(
        self, reference: Reference, images: TiltImages, rotations: Float64[np.ndarray, "orientations 3 3"]
    ) -> Complex64[Array, "orientations tilts pixels"]:
        """Read the slices that predict a particle's images."""
        reader = self._reader(reference, images, images.geometry)
        slices = reader.read(reader.matrices(rotations, slice(None)), images.pixels)
        return slices.view(np.complex64)[..., 0].swapaxes(0, 1)

    def comparison(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Likelihood:
        """Weight all images and multiply them by what shifts are mixtures of."""
        compared = Compared(images, frames, origins_px, offsets_px)
        return self._compared(Likelihood, reference, compared, lambda one: (one.weighted, one.half_power_weight))

    def correlation(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> MatrixComparison:
        """Multiply all images by what shifts are mixtures of."""
        compared = Compared(images, frames, origins_px, offsets_px)
        kind = CorrelationOfVolumes if images[0].pixels.dimensions == 3 else Correlation
        return self._compared(kind, reference, compared, lambda one: (one.ctf * one.masked, one.ctf**2))

    def _compared(
        self,
        kind: type[C],
        reference: Reference,
        compared: Compared,
        of: Callable[[TiltImages], tuple[Complex64[Array, "tilts pixels"], Float32[Array, "tilts pixels"]]],
    ) -> C:
        """Make a comparison of the kind; `of` gives images and what the power of slices is multiplied by."""
        assert isinstance(reference, ReferenceOnDevice)
        first = compared.images[0]
        mixtures = self._mixtures.of(first.pixels, compared.shifts, self._importance(reference, compared))
        columns = [self._empty_columns(compared, mixture) for mixture in mixtures]

        def fill(particle: int) -> None:
            one = self._moved(compared.images[particle])
            values, weight = of(one)
            values = values * self._phases(one, compared.centre_px(particle))
            for mixture, column in zip(mixtures, columns, strict=True):
                some = mixture.tilts, mixture.pixels
                products = as_pairs(values[some][:, None] * mixture.functions)
                column.images[particle] = products.reshape(*products.shape[:2], -1)
                column.power_weight[particle] = weight[some]

        self.device.for_each(fill, range(len(compared.images)))
        return kind(self.device, self._reader(reference, first, compared.geometry), columns)

    def _importance(
        self, reference: ReferenceOnDevice, compared: Compared
    ) -> Float32[np.ndarray, "tilts pixels"] | None:
        """Power of the reference over that of the noise in each pixel, averaged over particles.

        A pixel's part in a score is the image's value, mostly noise, times the slice's; this is its mean square. None
        where it is of no use: for a single particle, or too many offsets.
        """
        if len(compared.images) == 1 or len(compared.offsets_px) > self.device.most_diagonalised:
            return None
        weight = np.mean([one.half_power_weight for one in compared.images], axis=0)
        voxels = np.einsum("fax,ap->fpx", compared.geometry, compared.images[0].pixels.frequencies)
        power = np.interp(np.linalg.norm(voxels, axis=2), np.arange(len(reference.power)), reference.power)
        # without any reference all pixels matter alike
        return np.maximum(weight * power, np.finfo(np.float32).tiny).astype(np.float32)

    def _empty_columns(self, compared: Compared, mixture: ShiftMixture) -> Columns:
        particles, (tilts, functions, pixels) = len(compared.images), mixture.functions.shape
        return Columns(
            mixture.tilts,
            mixture.pixels,
            self.device.empty(particles, tilts, functions, 2 * pixels),
            self.device.empty(particles, tilts, pixels),
            mixture.mixing,
        )

    def accumulate(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
        weights: Float32[np.ndarray, "orientations offsets"],
        accumulator: Accumulator,
    ) -> Residuals:
        """Back-project; a second matrix product turns posteriors into one sum of phase factors per slice."""
        device, reader, centre = self.device, self._reader(reference, images, images.geometry), middle(offsets_px)
        mixtures = self._mixtures.of(images.pixels, images.shifts(offsets_px - centre))
        images = self._moved(images)
        at_centre, posteriors = self._phases(images, centre), device.put(weights)
        mass, pixels = posteriors.sum(axis=1), images.pixels
        masked, inserted = as_pairs(images.masked), as_pairs(images.back_projected)
        inserted_weight = images.back_projected_weight
        totals = device.zeros(len(pixels.kx)), device.zeros(len(pixels.kx))
        for mixture in mixtures:
            some, voxels = (mixture.tilts, mixture.pixels), pixels.part(mixture.pixels)
            here = tuple(total[mixture.pixels] for total in totals)
            functions = as_pairs(mixture.functions * at_centre[some][:, None])
            functions = functions.reshape(*functions.shape[:2], -1)
            by_function = posteriors @ mixture.mixing.swapaxes(1, 2)
            for tile in spans(len(rotations), 4 * functions.shape[2] * len(functions), device.tile_bytes):
                matrices = reader.matrices(rotations[tile], mixture.tilts)
                slices = reader.read(matrices, voxels)
                mean = (by_function[:, tile] @ functions).reshape(slices.shape)
                device.add_residual_terms(slices, mean, mass[tile], masked[some], images.ctf[some], here)
                device.insert_slices(
                    accumulator, matrices, voxels, mean, mass[tile], inserted[some], inserted_weight[some]
                )
        cross, power = (device.take(total).astype(np.float64) for total in totals)
        return Residuals(cross, power)

    def symmetrise(self, accumulator: Accumulator, operators: Float64[np.ndarray, "g 3 3"]) -> Accumulator:
        """Sum an accumulator, which lies on the host, over a point group."""
        return symmetrise(accumulator, operators, self.device.add_rotated)

    def _moved(self, images: TiltImages) -> TiltImages:
        return images.on(self.device.put)

    def _phases(self, images: TiltImages, offset_px: Float64[np.ndarray, "3"]) -> Complex64[Array, "tilts pixels"]:
        return self.device.phases(images.shifts(offset_px[None]).swapaxes(0, 1), images.pixels)[:, 0]

    def _reader(
        self, reference: Reference, images: TiltImages, geometry: Float64[np.ndarray, "tilts axes 3"]
    ) -> SliceReader:
        assert isinstance(reference, ReferenceOnDevice)
        return SliceReader(self.device, reference.volume, images.pixels, geometry)


def power_in_plane(transform: Complex64[np.ndarray, "z y x"]) -> Float64[np.ndarray, " radii"]:
    """Mean square at each radius in the plane z = 0 of a transform with y and z centred."""
    plane = np.abs(transform[len(transform) // 2]) ** 2
    y, x = np.ogrid[: plane.shape[0], : plane.shape[1]]
    radius = np.rint(np.hypot(y - len(plane) // 2, x)).astype(np.int64).ravel()
    return shell_means(plane.ravel(), radius, int(radius.max()) + 1)
