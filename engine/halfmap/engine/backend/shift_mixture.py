"""The phase factors of many offsets as mixtures of few functions, tilt by tilt or, in volumes, stretch by stretch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.arrays import Array
from halfmap.engine.backend.device import Device
from halfmap.engine.backend.slice_reader import spans
from halfmap.engine.fourier.shells import PixelList
from halfmap.engine.imaging.shift_basis import ShiftBasis, functions_needed, shift_basis

TOLERANCE = 1e-4
COARSE_TOLERANCE = 3e-3
"""For many particles at once, whose best poses are then compared anew.

On simulated HIV capsids log-weights change by 0.08 (root mean square of a particle's poses, median of 200 particles;
0.14 for the worst one), among poses within 10 of the best by 0.03 at most (median; 0.6 for the worst one).
"""
_WORTH_IT = 0.7
_RADIUS_STEP = 1.1

Shifts = Float64[np.ndarray, "offsets tilts axes"]


@dataclass(frozen=True)
class ShiftMixture:
    """Functions of some pixels in some tilts, and what mixes them into offsets.

    Parameters
    ----------
    tilts, pixels
        Neighbouring tilts and neighbouring pixels; all pixels of an image, a stretch of a volume's.
    functions
        Functions of each of these tilts.
    mixing
        Coefficients of each offset.
    """

    tilts: slice
    pixels: slice
    functions: Complex64[Array, "some_tilts functions pixels"]
    mixing: Float32[Array, "some_tilts functions offsets"]


class ShiftMixtures:
    """Makes mixtures; functions for all shifts of a disc are made once for nearly equal radii.

    Parameters
    ----------
    device
        Where the functions are used.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._bases: dict[tuple[int, int, int], tuple[ShiftBasis, Array] | None] = {}

    def of(
        self, pixels: PixelList, shifts: Shifts, importance: Float32[np.ndarray, "tilts pixels"] | None = None
    ) -> Sequence[ShiftMixture]:
        """Choose the functions, for all tilts at once or for one after the other, as the device likes it.

        Parameters
        ----------
        pixels
            Pixels of the images.
        shifts
            Shifts in pixels over the box size.
        importance
            Expected share of each pixel in the square of a score's error. If given, the mixture serves many particles,
            so that it may take time to make it as small as can be.
        """
        offsets, tilts = shifts.shape[:2]
        if importance is not None:
            return self._diagonalised(pixels, shifts, importance)
        if pixels.dimensions == 3:
            return [self._as_they_are(pixels, shifts, stretch) for stretch in self._stretches(pixels)]
        found = self._basis(pixels, float(np.hypot(*shifts.reshape(-1, 2).T).max()))
        if found is None or found[1].shape[0] > _WORTH_IT * offsets:
            functions = self._device.phases(shifts.swapaxes(0, 1), pixels)
            mixing = np.broadcast_to(np.eye(offsets, dtype=np.float32), (tilts, offsets, offsets))
        else:
            basis, on_device = found
            functions = np.broadcast_to(on_device, (tilts, *on_device.shape))
            mixing = basis.coefficients(shifts).transpose(1, 2, 0)
        runs = [slice(0, tilts)] if self._device.all_tilts_at_once else [slice(f, f + 1) for f in range(tilts)]
        mixing = self._device.put(np.ascontiguousarray(mixing))
        return [ShiftMixture(run, slice(None), functions[run], mixing[run]) for run in runs]

    def _as_they_are(self, pixels: PixelList, shifts: Shifts, stretch: slice) -> ShiftMixture:
        """One function for each offset."""
        functions = self._device.phases(shifts.swapaxes(0, 1), pixels.part(stretch))
        tilts, offsets = functions.shape[:2]
        mixing = np.broadcast_to(np.eye(offsets, dtype=np.float32), (tilts, offsets, offsets))
        return ShiftMixture(slice(0, tilts), stretch, functions, self._device.put(mixing))

    def _stretches(self, pixels: PixelList) -> list[slice]:
        """Whole images, or stretches of volumes."""
        if pixels.dimensions == 2:
            return [slice(None)]
        return list(spans(len(pixels.kx), 1, self._device.voxels_at_once))

    def _basis(self, pixels: PixelList, radius: float) -> tuple[ShiftBasis, Array] | None:
        if radius <= 0 or not len(pixels.kx):
            return None
        step = int(np.ceil(np.log(radius) / np.log(_RADIUS_STEP) - 1e-9))
        key = (pixels.box_px, len(pixels.kx), step)
        if key not in self._bases:
            basis = shift_basis(pixels, _RADIUS_STEP**step, TOLERANCE)
            self._bases[key] = basis, self._device.put(basis.functions)
        return self._bases[key]

    def _diagonalised(
        self, pixels: PixelList, shifts: Shifts, importance: Float32[np.ndarray, "tilts pixels"]
    ) -> list[ShiftMixture]:
        """Give the fewest functions for these very shifts: principal components of their weighted phase factors."""
        mixtures = []
        for tilt, stretch in product(range(len(importance)), self._stretches(pixels)):
            share = importance[tilt, stretch]
            phases = self._device.take(self._device.phases(shifts[None, :, tilt], pixels.part(stretch)))[0]
            numbers = (phases * np.sqrt(share)).view(np.float32).astype(np.float64)
            power, vectors = np.linalg.eigh(numbers @ numbers.T)
            power, vectors = power[::-1], vectors[:, ::-1]
            chosen = vectors[:, : functions_needed(power, vectors, COARSE_TOLERANCE)].T.astype(np.float32)
            functions, mixing = self._device.put((chosen @ phases)[None]), self._device.put(chosen[None])
            mixtures.append(ShiftMixture(slice(tilt, tilt + 1), stretch, functions, mixing))
        return mixtures
