"""A backend whose methods count what they compute."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float64

from halfmap.engine.backend.interface import Backend, Comparison, Reference
from halfmap.engine.backend.matrix_backend import MatrixBackend
from halfmap.engine.imaging.tilt_images import TiltImages
from tests.bench.tally import Tally

T = TypeVar("T")
Orientations = Float64[np.ndarray, "orientations 3 3"]
Offsets = Float64[np.ndarray, "offsets 3"]


def pose_pixels(images: TiltImages, poses: int) -> int:
    """Multiply poses by tilt images by pixels."""
    return int(poses) * int(images.ctf.size)


def functions_of(comparison: Comparison) -> int:
    """Count the functions that shifts are mixtures of, those of all tilts together.

    This is all that is known here of a comparison's inside.
    """
    return sum(math.prod(one.mixing.shape[:2]) for one in comparison.columns)  # type: ignore[attr-defined]


def operations(comparison: Comparison, pixels: int) -> int:
    """Multiplications and additions of the products of one slice in each tilt with the images of one particle.

    Each image is there once for each function, and has a real and an imaginary part in each pixel.
    """
    return 2 * functions_of(comparison) * 2 * pixels


@dataclass(frozen=True)
class CountingComparison(Comparison):
    """Hands on to another comparison, and counts.

    Parameters
    ----------
    comparison
        What compares.
    tilts, pixels
        Tilt images of a particle, and pixels of each.
    tally
        Where it is counted.
    """

    comparison: Comparison
    tilts: int
    pixels: int
    tally: Tally

    @property
    def orientations_at_once(self) -> int:
        """Hand on."""
        return self.comparison.orientations_at_once

    def fill_scores(
        self, rotations: Orientations, wanted: Bool[np.ndarray, "particles orientations"], scores: Any
    ) -> None:
        """Hand on, and count the scores that are filled in; only the wide search calls this."""
        of_one_offset = scores[:, :, 0]
        of_one_offset[...] = np.nan
        start = time.perf_counter()
        with self.tally.during("coarse"):
            self.comparison.fill_scores(rotations, wanted, scores)
        took = time.perf_counter() - start
        compared = int((~np.isnan(of_one_offset)).sum())
        self.tally.add(
            "coarse",
            computed=compared * scores.shape[2] * self.tilts * self.pixels,
            samples=len(rotations) * self.tilts * self.pixels,
            operations=compared * operations(self.comparison, self.pixels),
            backend_seconds=took,
            scoring_seconds=took,
        )


def counting(backend: Backend, tally: Tally) -> Backend:
    """Let a backend count; it stays what it is."""
    for name in ("comparison", "correlation"):
        setattr(backend, name, _counting_comparison(getattr(backend, name), tally))
    for name in ("scores", "correlations", "accumulate"):
        setattr(backend, name, _counting_poses(getattr(backend, name), tally))
    if isinstance(backend, MatrixBackend):
        gather = _timed(backend.device.gather_slices, tally)
        setattr(backend.device, "gather_slices", gather)  # noqa: B010 (a method cannot be assigned to, says mypy)
    return backend


def _timed(gather: Callable[..., T], tally: Tally) -> Callable[..., T]:
    """Time how slices are read, whatever asks for them."""

    def run(*words: Any, **more: Any) -> T:
        with tally.gathering():
            return gather(*words, **more)

    return run


def _counting_comparison(prepare: Callable[..., Comparison], tally: Tally) -> Callable[..., Comparison]:
    """Count comparisons of many particles; those inside of `scores` are counted there."""

    def run(reference: Reference, images: Sequence[TiltImages], *rest: Any) -> Comparison:
        if tally.is_computing:
            return prepare(reference, images, *rest)
        with tally.computing(0, 0):
            prepared = prepare(reference, images, *rest)
        tilts, pixels = images[0].ctf.shape
        return CountingComparison(prepared, tilts, pixels, tally)

    return run


def _counting_poses(compute: Callable[..., T], tally: Tally) -> Callable[..., T]:
    """Count what is computed with the images of one particle."""

    def run(reference: Reference, images: TiltImages, rotations: Orientations, offsets_px: Offsets, *rest: Any) -> T:
        poses = len(rotations) * len(offsets_px)
        with tally.computing(pose_pixels(images, poses), pose_pixels(images, len(rotations))):
            return compute(reference, images, rotations, offsets_px, *rest)

    return run
