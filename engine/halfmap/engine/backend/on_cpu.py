"""The backend for cores: BLAS for products, compiled loops for gathers and scatters.

Work goes through blocks of tilt images and tiles of orientations, so that shifted images and slices stay in the cache
and memory does not grow with the number of poses.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Complex64, Float32, Float64

from halfmap.engine.backend.columns import BasisColumns, Columns, ShiftedColumns
from halfmap.engine.backend.interface import Backend, Comparison, Reference, Residuals
from halfmap.engine.backend.kernels.gather import gather_slices, normalise_slices, square_pairs
from halfmap.engine.backend.kernels.phases import fill_phases, shift_images
from halfmap.engine.backend.kernels.scatter import add_residual_terms, add_rotated, insert_slices
from halfmap.engine.fourier.backprojector import Accumulator, symmetrise
from halfmap.engine.fourier.shells import PixelList
from halfmap.engine.imaging.shift_basis import ShiftBasis, shift_basis
from halfmap.engine.imaging.tilt_images import TiltImages

TILT_BLOCK_BYTES = 32 << 20
ORIENTATION_TILE_BYTES = 2 << 20
SLICES_BYTES = 64 << 20
SHIFT_TOLERANCE = 5e-4
WORTH_A_BASIS = 0.7


@dataclass(frozen=True)
class CpuReference(Reference):
    """A padded transform as float32 pairs."""

    volume: Float32[np.ndarray, "z y x 2"]


@dataclass(frozen=True)
class CpuComparison(Comparison):
    """Matrix products compare slices with all images of all particles.

    Parameters
    ----------
    reference, pixels, geometry
        What slices are read from, and where.
    columns
        Weighted images in all offsets.
    half_weight
        Half of what the log-likelihood multiplies the power of a slice by.
    """

    reference: CpuReference
    pixels: PixelList
    geometry: Float64[np.ndarray, "tilts 2 3"]
    columns: Columns
    half_weight: Float32[np.ndarray, "particles all_pixels"]

    @property
    def orientations_at_once(self) -> int:
        """So many that their slices are a matrix with which products are fast."""
        return int(np.clip(SLICES_BYTES // (12 * self.half_weight.shape[1]), 16, 256))

    def fill_scores(
        self,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        which: Bool[np.ndarray, " particles"],
        scores: Float32[np.ndarray, "particles orientations offsets"],
    ) -> None:
        """Multiply slices with images; one product for each row of particles without a gap."""
        slices, squares = self._slices(rotations)
        for some in _runs(which):
            product = self.columns.products(slices, some)
            product -= (squares @ self.half_weight[some].T)[..., None]
            scores[some] = product.swapaxes(0, 1)

    def _slices(
        self, rotations: Float64[np.ndarray, "n 3 3"]
    ) -> tuple[Float32[np.ndarray, "n tilts numbers"], Float32[np.ndarray, "n all_pixels"]]:
        matrices = (self.geometry @ rotations[:, None]).astype(np.float32)
        slices = np.empty((*matrices.shape[:2], len(self.pixels.kx), 2), np.float32)
        squares = np.empty(slices.shape[:-1], np.float32)
        kx, ky = self.pixels.kx.astype(np.float32), self.pixels.ky.astype(np.float32)
        no_weight = np.zeros(slices.shape[1:3], np.float32)
        gather_slices(self.reference.volume, matrices, kx, ky, no_weight, slices, np.zeros(len(rotations)))
        square_pairs(slices, squares)
        return slices.reshape(*slices.shape[:2], -1), squares.reshape(len(slices), -1)


def _pairs(values: Complex64[np.ndarray, "*n"]) -> Float32[np.ndarray, "*n 2"]:
    """See complex numbers as pairs of real ones, without copying."""
    contiguous = np.ascontiguousarray(values, np.complex64)
    return contiguous.view(np.float32).reshape(*contiguous.shape, 2)


def _runs(which: Bool[np.ndarray, " n"]) -> Iterator[slice]:
    """Give stretches of entries that are true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(np.int8)))
    return (slice(first, last) for first, last in edges.reshape(-1, 2).tolist())


def _spans(count: int, bytes_each: int, bytes_at_once: int) -> Iterator[slice]:
    width = max(1, bytes_at_once // max(bytes_each, 1))
    return (slice(start, min(start + width, count)) for start in range(0, count, width))


class CpuBackend(Backend):
    """NumPy and numba on this machine's cores.

    Parameters
    ----------
    threads
        Threads for work on whole volumes; poses are shared out over threads by the caller.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._bases: dict[tuple[int, int, float], ShiftBasis] = {}

    def reference(self, transform: Complex64[np.ndarray, "z y x"]) -> CpuReference:
        """Take over a padded reference transform."""
        return CpuReference(_pairs(transform))

    def slices(
        self, reference: Reference, images: TiltImages, rotations: Float64[np.ndarray, "orientations 3 3"]
    ) -> Complex64[np.ndarray, "orientations tilts pixels"]:
        """Read the slices that predict a particle's images."""
        tilts, pixels = images.ctf.shape
        out = np.empty((len(rotations), tilts, pixels, 2), np.float32)
        self._gather(reference, images, rotations, slice(0, tilts), out)
        return out.view(np.complex64)[..., 0]

    def scores(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Float64[np.ndarray, "orientations offsets"]:
        """Log-likelihood of each pose."""
        comparison = self.comparison(reference, [images], images.geometry, [offsets_px])
        scores = np.empty((1, len(rotations), len(offsets_px)), np.float32)
        for tile in _spans(len(rotations), 1, comparison.orientations_at_once):
            comparison.fill_scores(rotations[tile], np.ones(1, bool), scores[:, tile])
        return scores[0].astype(np.float64)

    def comparison(
        self,
        reference: Reference,
        images: Sequence[TiltImages],
        geometry: Float64[np.ndarray, "tilts 2 3"],
        offsets_px: Sequence[Float64[np.ndarray, "offsets 3"]],
    ) -> Comparison:
        """Weight all images and shift them, or multiply them by what shifts consist of, whichever is less."""
        assert isinstance(reference, CpuReference)
        half_weight = np.stack([one.half_power_weight.ravel() for one in images])
        columns = self._columns(images, offsets_px)
        return CpuComparison(reference, images[0].pixels, geometry, columns, half_weight)

    def _columns(self, images: Sequence[TiltImages], offsets_px: Sequence[Float64[np.ndarray, "offsets 3"]]) -> Columns:
        pixels, offsets = images[0].pixels, len(offsets_px[0])
        centres = [(some.min(axis=0) + some.max(axis=0)) / 2 for some in offsets_px]
        reach = [np.linalg.norm(some - centre, axis=1).max() for some, centre in zip(offsets_px, centres, strict=True)]
        basis = self._basis(pixels, max(reach) / pixels.box_px)
        if basis is None or len(basis.functions) > WORTH_A_BASIS * offsets:
            return ShiftedColumns(np.stack(list(map(self._shifted_columns, images, offsets_px))))
        values = [self._basis_columns(one, centre, basis) for one, centre in zip(images, centres, strict=True)]
        coefficients = [
            basis.coefficients(one.shifts(some - centre)).swapaxes(0, 1).swapaxes(1, 2).reshape(-1, offsets)
            for one, some, centre in zip(images, offsets_px, centres, strict=True)
        ]
        return BasisColumns(np.stack(values, axis=1), np.stack(coefficients))

    def _basis(self, pixels: PixelList, radius: float) -> ShiftBasis | None:
        if radius == 0 or not len(pixels.kx):
            return None
        key = pixels.box_px, len(pixels.kx), float(f"{radius:.4g}")
        if key not in self._bases:
            self._bases[key] = shift_basis(pixels, 1.001 * radius, SHIFT_TOLERANCE)
        return self._bases[key]

    def _shifted_columns(
        self, images: TiltImages, offsets_px: Float64[np.ndarray, "offsets 3"]
    ) -> Float32[np.ndarray, "offsets numbers"]:
        return self._shifted(images, images.weighted, offsets_px, slice(None))

    def _basis_columns(
        self, images: TiltImages, centre: Float64[np.ndarray, "3"], basis: ShiftBasis
    ) -> Float32[np.ndarray, "tilts functions numbers"]:
        centred = self._shifted(images, images.weighted, centre[None], slice(None))
        centred = centred.view(np.complex64).reshape(images.ctf.shape)
        return _pairs(centred[:, None] * basis.functions).reshape(len(centred), len(basis.functions), -1)

    def correlations(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
    ) -> Float64[np.ndarray, "orientations offsets"]:
        """Sum of correlation coefficients; slices are normalised image by image."""
        weighted = images.ctf * images.masked
        total = np.zeros((len(rotations), len(offsets_px)))
        for block in self._tilt_blocks(images, len(offsets_px)):
            shifted = self._shifted(images, weighted, offsets_px, block)
            for tile, slices, _ in self._tiles(reference, images, rotations, block, np.zeros_like(images.ctf)):
                normalise_slices(slices, images.ctf[block])
                total[tile] += slices.reshape(len(slices), -1) @ shifted.T
        return total

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
        kx, ky = images.pixels.kx.astype(np.float32), images.pixels.ky.astype(np.float32)
        totals = weights.sum(axis=1)
        residuals = Residuals(np.zeros(len(kx)), np.zeros(len(kx)))
        masked, inserted, inserted_weight = (
            _pairs(images.masked),
            _pairs(images.back_projected),
            images.back_projected_weight,
        )
        for block in self._tilt_blocks(images, len(offsets_px)):
            phases = self._phases(images, offsets_px, block)
            flat = phases.reshape(len(offsets_px), -1)
            for tile, slices, _ in self._tiles(reference, images, rotations, block, np.zeros_like(images.ctf)):
                mean = (weights[tile] @ flat).reshape(slices.shape)
                add_residual_terms(
                    slices, mean, totals[tile], masked[block], images.ctf[block], residuals.cross, residuals.power
                )
                matrices = _matrices(images, rotations[tile], block)
                insert_slices(
                    accumulator.sums, matrices, kx, ky, mean, totals[tile], inserted[block], inserted_weight[block]
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

    @staticmethod
    def _tilt_blocks(images: TiltImages, offsets: int) -> Iterator[slice]:
        tilts, pixels = images.ctf.shape
        return _spans(tilts, offsets * pixels * 8, TILT_BLOCK_BYTES)

    @staticmethod
    def _phases(
        images: TiltImages, offsets_px: Float64[np.ndarray, "offsets 3"], block: slice
    ) -> Float32[np.ndarray, "offsets tilts pixels 2"]:
        shifts = np.ascontiguousarray(images.shifts(offsets_px)[:, block])
        phases = np.empty((*shifts.shape[:2], len(images.pixels.kx), 2), np.float32)
        fill_phases(shifts, images.pixels.kx, images.pixels.ky, phases)
        return phases

    def _shifted(
        self,
        images: TiltImages,
        weighted: Complex64[np.ndarray, "tilts pixels"],
        offsets_px: Float64[np.ndarray, "offsets 3"],
        block: slice,
    ) -> Float32[np.ndarray, "offsets columns"]:
        phases = self._phases(images, offsets_px, block)
        shift_images(phases, _pairs(weighted[block]), phases)
        return phases.reshape(len(offsets_px), -1)

    def _tiles(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "orientations 3 3"],
        block: slice,
        half_weight: Float32[np.ndarray, "all_tilts pixels"],
    ) -> Iterator[tuple[slice, Float32[np.ndarray, "tile tilts pixels 2"], Float64[np.ndarray, " tile"]]]:
        """Give tiles of orientations with their slices; the array is used again for the next tile."""
        tilts, pixels = half_weight[block].shape
        tiles = list(_spans(len(rotations), tilts * pixels * 8, ORIENTATION_TILE_BYTES))
        buffer = np.empty((tiles[0].stop, tilts, pixels, 2), np.float32)
        for tile in tiles:
            slices = buffer[: tile.stop - tile.start]
            yield tile, slices, self._gather(reference, images, rotations[tile], block, slices, half_weight)

    @staticmethod
    def _gather(
        reference: Reference,
        images: TiltImages,
        rotations: Float64[np.ndarray, "tile 3 3"],
        block: slice,
        out: Float32[np.ndarray, "tile tilts pixels 2"],
        half_weight: Float32[np.ndarray, "all_tilts pixels"] | None = None,
    ) -> Float64[np.ndarray, " tile"]:
        assert isinstance(reference, CpuReference)
        weight = np.zeros_like(images.ctf) if half_weight is None else half_weight
        power = np.zeros(len(rotations))
        kx, ky = images.pixels.kx.astype(np.float32), images.pixels.ky.astype(np.float32)
        gather_slices(reference.volume, _matrices(images, rotations, block), kx, ky, weight[block], out, power)
        return power


def _matrices(
    images: TiltImages, rotations: Float64[np.ndarray, "tile 3 3"], block: slice
) -> Float32[np.ndarray, "tile tilts 2 3"]:
    """Maps from pixel indices to voxels of the padded reference: geometry times orientation."""
    return (images.geometry[block] @ rotations[:, None]).astype(np.float32)
