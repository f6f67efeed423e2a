"""The backend for cores: BLAS for products, compiled loops for gathers and scatters.

Work goes tilt by tilt through tiles of orientations, so that slices stay in the cache and memory does not grow with the
number of poses.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.comparisons import Correlation, Likelihood
from halfmap.engine.backend.interface import Backend, Reference, Residuals
from halfmap.engine.backend.kernels.phases import fill_phases
from halfmap.engine.backend.kernels.scatter import add_residual_terms, add_rotated, insert_slices
from halfmap.engine.backend.shift_mixture import ShiftMixtures
from halfmap.engine.backend.slice_reader import SliceReader, as_pairs, spans
from halfmap.engine.fourier.backprojector import Accumulator, symmetrise
from halfmap.engine.imaging.tilt_images import TiltImages

_TILE_BYTES = 2 << 20


@dataclass(frozen=True)
class CpuReference(Reference):
    """A padded transform as float32 pairs."""

    volume: Float32[np.ndarray, "z y x 2"]


class CpuBackend(Backend):
    """NumPy and numba on this machine's cores.

    Parameters
    ----------
    threads
        Threads for work on whole volumes and on many particles; poses are shared out over threads by the caller.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._mixtures = ShiftMixtures()

    def reference(self, transform: Complex64[np.ndarray, "z y x"]) -> CpuReference:
        """Take over a padded reference transform."""
        return CpuReference(as_pairs(transform))

    def slices(
        self, reference: Reference, images: TiltImages, rotations: Float64[np.ndarray, "orientations 3 3"]
    ) -> Complex64[np.ndarray, "orientations tilts pixels"]:
        """Read the slices that predict a particle's images."""
        return _reader(reference, images).read(rotations, slice(None)).view(np.complex64)[..., 0]

    def comparison(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Likelihood:
        """Weight all images and multiply them by what shifts are mixtures of."""
        weighted, weight = [one.weighted for one in images], [one.half_power_weight for one in images]
        return Likelihood(*self._compared(reference, images, weighted, weight, frames, origins_px, offsets_px))

    def correlation(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Correlation:
        """Multiply all images by what shifts are mixtures of."""
        values, weight = [one.ctf * one.masked for one in images], [one.ctf**2 for one in images]
        return Correlation(*self._compared(reference, images, values, weight, frames, origins_px, offsets_px))

    def _compared(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        values: Sequence[Complex64[np.ndarray, "tilts pixels"]],
        power_weight: Sequence[Float32[np.ndarray, "tilts pixels"]],
        frames: Float64[np.ndarray, "particles 3 3"],
        origins_px: Float64[np.ndarray, "particles 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> tuple[
        SliceReader,
        tuple[Float32[np.ndarray, "particles functions numbers"], ...],
        Float32[np.ndarray, "all_functions offsets"],
        Float32[np.ndarray, "tilts particles pixels"],
    ]:
        first = images[0]
        reader = _reader(reference, first, first.geometry @ frames[0].T)
        centre = middle(offsets_px)
        shifts = first.shifts((offsets_px - centre) @ frames[0])
        mixture = self._mixtures.of(first.pixels, shifts, often=len(images) > 1)
        columns = tuple(
            np.empty((len(images), len(functions), 2 * functions.shape[1]), np.float32)
            for functions in mixture.functions
        )

        def fill(particle: int) -> None:
            one, origin_px = images[particle], origins_px[particle] + centre @ frames[particle]
            moved = values[particle] * phases(one, origin_px)
            for tilt, functions in enumerate(mixture.functions):
                columns[tilt][particle] = as_pairs(moved[tilt] * functions).reshape(len(functions), -1)

        if len(images) == 1:
            fill(0)
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(fill, range(len(images))))
        return reader, columns, mixture.mixing, np.stack(power_weight, axis=1)

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
        reader, centre = _reader(reference, images), middle(offsets_px)
        mixture = self._mixtures.of(images.pixels, images.shifts(offsets_px - centre), often=False)
        at_centre = phases(images, centre)
        kx, ky = images.pixels.kx.astype(np.float32), images.pixels.ky.astype(np.float32)
        totals = weights.sum(axis=1)
        masked, inserted, inserted_weight = (
            as_pairs(images.masked),
            as_pairs(images.back_projected),
            images.back_projected_weight,
        )
        residuals = Residuals(np.zeros(len(kx)), np.zeros(len(kx)))
        for f in range(reader.tilts):
            one = slice(f, f + 1)
            functions, mixing = mixture.tilt(f)
            flat, by_function = as_pairs(functions * at_centre[f]).reshape(len(functions), -1), weights @ mixing.T
            for tile in spans(len(rotations), 8 * len(kx), _TILE_BYTES):
                slices = reader.read(rotations[tile], one)
                mean = (by_function[tile] @ flat).reshape(slices.shape)
                add_residual_terms(
                    slices, mean, totals[tile], masked[one], images.ctf[one], residuals.cross, residuals.power
                )
                matrices = reader.matrices(rotations[tile], one)
                insert_slices(
                    accumulator.sums, matrices, kx, ky, mean, totals[tile], inserted[one], inserted_weight[one]
                )
        return residuals

    def symmetrise(self, accumulator: Accumulator, operators: Float64[np.ndarray, "g 3 3"]) -> Accumulator:
        """Sum an accumulator over a point group, planes shared out over the threads."""
        return symmetrise(accumulator, operators, self._add_rotated)

    def _add_rotated(
        self,
        sums: Float64[np.ndarray, "z y x 3"],
        rotation: Float64[np.ndarray, "3 3"],
        radius: int,
        total: Float64[np.ndarray, "z y x 3"],
    ) -> None:
        edges = np.linspace(0, len(sums), 4 * self.threads + 1).astype(int)
        with ThreadPoolExecutor(self.threads) as pool:
            parts = [
                pool.submit(add_rotated, sums, np.ascontiguousarray(rotation), radius, first, last, total)
                for first, last in pairwise(edges.tolist())
            ]
            for part in parts:
                part.result()


def _reader(
    reference: Reference, images: TiltImages, geometry: Float64[np.ndarray, "tilts 2 3"] | None = None
) -> SliceReader:
    assert isinstance(reference, CpuReference)
    return SliceReader(reference.volume, images.pixels, images.geometry if geometry is None else geometry)


def middle(offsets_px: Float64[np.ndarray, "offsets 3"]) -> Float64[np.ndarray, "3"]:
    """Point amid the smallest and the largest offset along each axis."""
    return (offsets_px.min(axis=0) + offsets_px.max(axis=0)) / 2


def phases(images: TiltImages, offset_px: Float64[np.ndarray, "3"]) -> Complex64[np.ndarray, "tilts pixels"]:
    """Phase factors of one offset in each tilt image."""
    found = np.empty((1, *images.ctf.shape, 2), np.float32)
    fill_phases(images.shifts(offset_px[None]), images.pixels.kx, images.pixels.ky, found)
    return found.view(np.complex64)[0, ..., 0]
