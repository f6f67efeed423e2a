"""Estimating how accurately poses can be assigned, from the reference and the noise alone.

RELION: MlOptimiser::calculateExpectedAngularErrors. A pose error counts as visible when the signal-to-noise ratio of
the difference that it makes exceeds −ln 0.01.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float64, Int64

from halfmap.engine.backend.interface import Backend, Reference
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.sampling.random_numbers import uniform

# from errors to the signal-to-noise ratios of the differences that they make
Snr = Callable[[Float64[np.ndarray, " n"]], Float64[np.ndarray, " n"]]

VISIBLE_SNR = 4.60517
PARTICLES, VOLUMES = 100, 10
_AXIS_SHARE = 0.3333
_CHUNK = 8
# below each limit the error grows by the step
_ROTATION_STEPS_DEG = ((0.2, 0.05), (1, 0.1), (2, 0.2), (5, 0.5), (10, 1), (20, 2), (30, 5))
_SHIFT_STEPS_PX = ((1, 0.1), (2, 0.2), (5, 0.5), (10, 1), (10, 2))


def growing_errors(steps: tuple[tuple[float, float], ...]) -> Float64[np.ndarray, " errors"]:
    """Errors that are tried, in growing order; the last one exceeds the last limit."""
    errors = [0.0]
    while errors[-1] <= steps[-1][0]:
        step = next((step for limit, step in steps if errors[-1] < limit), steps[-1][1])
        errors.append(errors[-1] + step)
    return np.array(errors[1:])


@dataclass(frozen=True)
class AccuracyProbe:
    """Measures pose errors of one particle at a time against one reference.

    Parameters
    ----------
    backend, reference
        What slices are read from.
    """

    backend: Backend
    reference: Reference

    def rotation_error_deg(
        self, images: TiltImages, angles_deg: Float64[np.ndarray, "3"], axes: Int64[np.ndarray, " tilts"]
    ) -> float:
        """Smallest tried rotation error that is visible, in degrees.

        `axes` tells for each tilt image whether rot, tilt or psi is wrong.
        """
        return _first_visible(growing_errors(_ROTATION_STEPS_DEG), self._rotated(images, angles_deg, axes))

    def shift_error_px(
        self, images: TiltImages, angles_deg: Float64[np.ndarray, "3"], axes: Int64[np.ndarray, " tilts"]
    ) -> float:
        """Smallest tried offset error that is visible, in image pixels, along x, y or z for each tilt image."""
        return _first_visible(growing_errors(_SHIFT_STEPS_PX), self._shifted(images, angles_deg, axes))

    def _rotated(
        self, images: TiltImages, angles_deg: Float64[np.ndarray, "3"], axes: Int64[np.ndarray, " tilts"]
    ) -> Snr:
        def snr(errors: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
            total = np.zeros(len(errors))
            for axis in range(3):
                if not (axes == axis).any():
                    continue
                some = images.some(axes == axis)
                tried = np.concatenate([[0.0], errors])[:, None] * np.eye(3)[axis] + angles_deg
                slices = self._slices(some, euler_to_matrix(tried))
                total += (some.half_power_weight * np.abs(slices[1:] - slices[0]) ** 2).sum(axis=(1, 2))
            return total

        return snr

    def _shifted(
        self, images: TiltImages, angles_deg: Float64[np.ndarray, "3"], axes: Int64[np.ndarray, " tilts"]
    ) -> Snr:
        slices = self._slices(images, euler_to_matrix(angles_deg)[None])[0]
        power = images.half_power_weight * np.abs(slices) ** 2
        along = (
            np.take_along_axis(images.rotations[:, : images.pixels.dimensions], axes[:, None, None], axis=2)[..., 0]
            / images.pixels.box_px
        )
        phase = 2 * np.pi * along @ images.pixels.frequencies

        def snr(errors: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
            change = 2 - 2 * np.cos(errors[:, None, None] * phase)
            return np.asarray((power * change).sum(axis=(1, 2)))

        return snr

    def _slices(
        self, images: TiltImages, rotations: Float64[np.ndarray, "orientations 3 3"]
    ) -> Complex64[np.ndarray, "orientations tilts pixels"]:
        return self.backend.on_host(self.backend.slices(self.reference, images, rotations))


def _first_visible(errors: Float64[np.ndarray, " errors"], snr: Snr) -> float:
    for chunk in _chunks(errors):
        visible = np.flatnonzero(snr(chunk) > VISIBLE_SNR)
        if len(visible):
            return float(chunk[visible[0]])
    return float(errors[-1])


def _chunks(errors: Float64[np.ndarray, " errors"]) -> Iterator[Float64[np.ndarray, " n"]]:
    return (errors[start : start + _CHUNK] for start in range(0, len(errors), _CHUNK))


def wrong_axes(seed: int, tilts: int) -> Int64[np.ndarray, " tilts"]:
    """Draw the axis along which each tilt image's pose is wrong.

    RELION draws one per tilt image, not per particle; this is kept, so that accuracies can be compared with its.
    """
    drawn = uniform(np.array([seed]), tilts)[0]
    return np.searchsorted([_AXIS_SHARE, 2 * _AXIS_SHARE], drawn, side="right")
