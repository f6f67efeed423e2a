"""The phase factors of many offsets as mixtures of few functions, tilt by tilt."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.kernels.phases import fill_phases
from halfmap.engine.fourier.shells import PixelList
from halfmap.engine.imaging.shift_basis import ShiftBasis, functions_needed, shift_basis

TOLERANCE = 1e-4
COARSE_TOLERANCE = 1e-3
"""For many particles at once, whose best poses are then compared anew: log-weights change by some hundredths."""
_WORTH_IT = 0.7
_RADIUS_STEP = 1.1
_MOST_DIAGONALISED = 400

Shifts = Float64[np.ndarray, "offsets tilts 2"]


@dataclass(frozen=True)
class ShiftMixture:
    """Functions of the pixels, and what mixes those of all tilts into offsets.

    Parameters
    ----------
    functions
        Functions of each tilt.
    mixing
        Coefficients of each offset; the functions of one tilt after those of another.
    """

    functions: tuple[Complex64[np.ndarray, "functions pixels"], ...]
    mixing: Float32[np.ndarray, "all_functions offsets"]

    def tilt(
        self, tilt: int
    ) -> tuple[Complex64[np.ndarray, "functions pixels"], Float32[np.ndarray, "functions offsets"]]:
        """Functions of one tilt and their coefficients."""
        first = sum(len(functions) for functions in self.functions[:tilt])
        return self.functions[tilt], self.mixing[first : first + len(self.functions[tilt])]


class ShiftMixtures:
    """Makes mixtures; functions for all shifts of a disc are made once for nearly equal radii."""

    def __init__(self) -> None:
        self._bases: dict[tuple[int, int, int], ShiftBasis] = {}

    def of(self, pixels: PixelList, shifts: Shifts, often: bool) -> ShiftMixture:
        """Choose the functions.

        Parameters
        ----------
        pixels
            Pixels of the images.
        shifts
            Shifts in pixels over the box size.
        often
            The mixture serves many particles, so that it may take time to make it as small as can be.
        """
        offsets = len(shifts)
        if often and offsets <= _MOST_DIAGONALISED:
            return _diagonalised(pixels, shifts)
        basis = self._basis(pixels, float(np.hypot(*shifts.reshape(-1, 2).T).max()))
        if basis is None or len(basis.functions) > _WORTH_IT * offsets:
            return ShiftMixture(
                _phases(pixels, shifts), np.tile(np.eye(offsets, dtype=np.float32), (shifts.shape[1], 1))
            )
        coefficients = basis.coefficients(shifts)
        return ShiftMixture(
            (basis.functions,) * shifts.shape[1], np.ascontiguousarray(coefficients.reshape(offsets, -1).T)
        )

    def _basis(self, pixels: PixelList, radius: float) -> ShiftBasis | None:
        if radius <= 0 or not len(pixels.kx):
            return None
        step = int(np.ceil(np.log(radius) / np.log(_RADIUS_STEP) - 1e-9))
        key = (pixels.box_px, len(pixels.kx), step)
        if key not in self._bases:
            self._bases[key] = shift_basis(pixels, _RADIUS_STEP**step, TOLERANCE)
        return self._bases[key]


def _phases(pixels: PixelList, shifts: Shifts) -> tuple[Complex64[np.ndarray, "offsets pixels"], ...]:
    by_tilt = np.ascontiguousarray(shifts.swapaxes(0, 1))
    found = np.empty((*by_tilt.shape[:2], len(pixels.kx), 2), np.float32)
    fill_phases(by_tilt, pixels.kx, pixels.ky, found)
    return tuple(found.view(np.complex64)[..., 0])


def _diagonalised(pixels: PixelList, shifts: Shifts) -> ShiftMixture:
    """Give the fewest functions for these very shifts: principal components of their phase factors."""
    functions, mixing = [], []
    for phases in _phases(pixels, shifts):
        numbers = phases.view(np.float32).astype(np.float64)
        power, vectors = np.linalg.eigh(numbers @ numbers.T)
        power, vectors = power[::-1], vectors[:, ::-1]
        chosen = vectors[:, : functions_needed(power, vectors, COARSE_TOLERANCE)].T.astype(np.float32)
        functions.append(chosen @ phases)
        mixing.append(chosen)
    return ShiftMixture(tuple(functions), np.concatenate(mixing))
