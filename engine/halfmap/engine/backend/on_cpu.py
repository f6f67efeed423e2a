"""The backend for cores: BLAS for products, compiled loops for gathers and scatters.

Work goes tilt by tilt through tiles of orientations, so that slices stay in the cache and memory does not grow with the
number of poses.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.comparisons import ByBasis, ByCorrelation, ByShifts, CpuComparison
from halfmap.engine.backend.interface import Backend, Reference, Residuals
from halfmap.engine.backend.kernels.scatter import add_residual_terms, add_rotated, insert_slices
from halfmap.engine.backend.shifted_images import CentredOffsets, ShiftBases, phases, shifted
from halfmap.engine.backend.slice_reader import SliceReader, as_pairs, spans
from halfmap.engine.fourier.backprojector import Accumulator, symmetrise
from halfmap.engine.imaging.shift_basis import ShiftBasis
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
        self._bases = ShiftBases()

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
        geometry: Float64[np.ndarray, "tilts 2 3"],
        offsets_px: Sequence[Float64[np.ndarray, "offsets 3"]],
    ) -> CpuComparison:
        """Weight all images and shift them, or multiply them by what shifts consist of, whichever is less."""
        reader = _reader(reference, images[0], geometry)
        half_weight = np.stack([one.half_power_weight for one in images], axis=1)
        centred = [CentredOffsets.of(some) for some in offsets_px]
        basis = self._bases.worth_it(images[0], max(some.radius_px for some in centred), len(offsets_px[0]))
        if basis is None:
            columns = self._stacked(lambda p: _in_offsets(images[p], images[p].weighted, offsets_px[p]), len(images))
            return ByShifts(reader, columns, half_weight)
        columns = self._stacked(lambda p: _with_functions(images[p], centred[p], basis), len(images))
        coefficients = np.stack(
            [_by_function(one, some, basis) for one, some in zip(images, centred, strict=True)]
        )
        return ByBasis(reader, columns, half_weight, coefficients)

    def correlation(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        geometry: Float64[np.ndarray, "tilts 2 3"],
        offsets_px: Sequence[Float64[np.ndarray, "offsets 3"]],
    ) -> CpuComparison:
        """Shift all images."""
        columns = self._stacked(
            lambda p: _in_offsets(images[p], images[p].ctf * images[p].masked, offsets_px[p]), len(images)
        )
        squared_ctf = np.stack([one.ctf**2 for one in images], axis=1)
        return ByCorrelation(_reader(reference, images[0], geometry), columns, squared_ctf)

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
        reader, offsets = _reader(reference, images), CentredOffsets.of(offsets_px)
        basis = self._bases.worth_it(images, offsets.radius_px, len(offsets_px))
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
            mixture, functions = _phase_mixture(images, offsets, basis, weights, f)
            for tile in spans(len(rotations), 8 * len(kx), _TILE_BYTES):
                slices = reader.read(rotations[tile], one)
                mean = (mixture[tile] @ functions).reshape(slices.shape)
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

    def _stacked(
        self, columns_of: Callable[[int], Float32[np.ndarray, "tilts each numbers"]], particles: int
    ) -> Float32[np.ndarray, "tilts particles each numbers"]:
        """Make the columns of all particles, shared out over the threads where there are many."""
        first = columns_of(0)
        found = np.empty((first.shape[0], particles, *first.shape[1:]), np.float32)
        found[:, 0] = first

        def fill(particle: int) -> None:
            found[:, particle] = columns_of(particle)

        if particles > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(fill, range(1, particles)))
        return found


def _reader(
    reference: Reference, images: TiltImages, geometry: Float64[np.ndarray, "tilts 2 3"] | None = None
) -> SliceReader:
    assert isinstance(reference, CpuReference)
    return SliceReader(reference.volume, images.pixels, images.geometry if geometry is None else geometry)


def _in_offsets(
    images: TiltImages, values: Complex64[np.ndarray, "tilts pixels"], offsets_px: Float64[np.ndarray, "offsets 3"]
) -> Float32[np.ndarray, "tilts offsets numbers"]:
    return shifted(images, values, offsets_px).swapaxes(0, 1)


def _by_function(
    images: TiltImages, offsets: CentredOffsets, basis: ShiftBasis
) -> Float32[np.ndarray, "tilts_functions offsets"]:
    """What combines the functions of all tilts into offsets."""
    coefficients = basis.coefficients(images.shifts(offsets.rest_px))
    return np.ascontiguousarray(coefficients.reshape(len(coefficients), -1).T)


def _with_functions(
    images: TiltImages, offsets: CentredOffsets, basis: ShiftBasis
) -> Float32[np.ndarray, "tilts functions numbers"]:
    """Weighted images, moved to the centre of the offsets, times each function."""
    centred = shifted(images, images.weighted, offsets.centre_px[None])[0].view(np.complex64)
    return as_pairs(centred[:, None] * basis.functions).reshape(len(centred), len(basis.functions), -1)


def _phase_mixture(
    images: TiltImages,
    offsets: CentredOffsets,
    basis: ShiftBasis | None,
    weights: Float32[np.ndarray, "orientations offsets"],
    tilt: int,
) -> tuple[Float32[np.ndarray, "orientations each"], Float32[np.ndarray, "each numbers"]]:
    """Two factors whose product is the posterior-weighted sum of phase factors of each orientation in one tilt."""
    one = slice(tilt, tilt + 1)
    if basis is None:
        return weights, phases(images, offsets.centre_px + offsets.rest_px, one).reshape(weights.shape[1], -1)
    centre = phases(images, offsets.centre_px[None], one)[0, 0].view(np.complex64)[:, 0]
    coefficients = basis.coefficients(images.shifts(offsets.rest_px)[:, tilt])
    return weights @ coefficients, as_pairs(basis.functions * centre).reshape(len(basis.functions), -1)
