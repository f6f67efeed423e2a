"""Counting what a refinement compares, and timing each pass, without the engine's help.

The unit is the pose-pixel: one orientation and offset compared in one Fourier pixel of one tilt image.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from jaxtyping import Complex64, Float32, Float64

from halfmap.engine.backend.interface import Backend, Reference, Residuals
from halfmap.engine.backend.select import backend
from halfmap.engine.fourier.backprojector import Accumulator
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.refinement.expectation import Expectation
from halfmap.engine.setup import assembly

Orientations = Float64[np.ndarray, "orientations 3 3"]
Offsets = Float64[np.ndarray, "offsets 3"]
Scores = Float64[np.ndarray, "orientations offsets"]


@dataclass
class Work:
    """What one pass over the poses has done.

    Parameters
    ----------
    asked
        Pose-pixels of the poses that the search asks for.
    computed
        Pose-pixels that were computed: whole blocks of orientations × offsets.
    seconds, backend_seconds
        Time of the pass added up over threads, and how much of it was spent in the backend.
    """

    asked: int = 0
    computed: int = 0
    seconds: float = 0.0
    backend_seconds: float = 0.0


class Tally:
    """Adds up the work of each pass over all threads."""

    def __init__(self) -> None:
        self.coarse, self.fine, self.stored = Work(), Work(), Work()
        self._lock = threading.Lock()
        self._here = threading.local()

    @contextmanager
    def during(self, work: Work) -> Iterator[None]:
        """Time a pass of this thread; computations in it belong to it."""
        self._here.work, start = work, time.perf_counter()
        try:
            yield
        finally:
            self._here.work = None
            self._add(work, seconds=time.perf_counter() - start)

    @contextmanager
    def computing(self, pose_pixels: int) -> Iterator[None]:
        """Time a computation; outside of the passes nothing is counted."""
        work: Work | None = getattr(self._here, "work", None)
        start = time.perf_counter()
        yield
        if work is not None:
            self._add(work, computed=pose_pixels, backend_seconds=time.perf_counter() - start)

    def ask(self, work: Work, pose_pixels: int) -> None:
        """Count what a search asks for."""
        self._add(work, asked=pose_pixels)

    def _add(self, work: Work, **amounts: float) -> None:
        with self._lock:
            for name, amount in amounts.items():
                setattr(work, name, getattr(work, name) + amount)


def pose_pixels(images: TiltImages, poses: int) -> int:
    """Multiply poses by tilt images by pixels."""
    return int(poses) * int(images.ctf.size)


class CountingBackend(Backend):
    """Hands everything on to another backend, and counts.

    Parameters
    ----------
    backend
        What computes.
    tally
        Where it is counted.
    """

    def __init__(self, backend: Backend, tally: Tally) -> None:
        self._backend, self._tally = backend, tally

    def reference(self, transform: Complex64[np.ndarray, "z y x"]) -> Reference:
        """Hand on."""
        return self._backend.reference(transform)

    def slices(
        self, reference: Reference, images: TiltImages, rotations: Orientations
    ) -> Complex64[np.ndarray, "orientations tilts pixels"]:
        """Hand on; accuracies are not counted."""
        return self._backend.slices(reference, images, rotations)

    def scores(self, reference: Reference, images: TiltImages, rotations: Orientations, offsets_px: Offsets) -> Scores:
        """Count and hand on."""
        with self._tally.computing(pose_pixels(images, len(rotations) * len(offsets_px))):
            return self._backend.scores(reference, images, rotations, offsets_px)

    def correlations(
        self, reference: Reference, images: TiltImages, rotations: Orientations, offsets_px: Offsets
    ) -> Scores:
        """Count and hand on."""
        with self._tally.computing(pose_pixels(images, len(rotations) * len(offsets_px))):
            return self._backend.correlations(reference, images, rotations, offsets_px)

    def accumulate(
        self,
        reference: Reference,
        images: TiltImages,
        rotations: Orientations,
        offsets_px: Offsets,
        weights: Float32[np.ndarray, "orientations offsets"],
        accumulator: Accumulator,
    ) -> Residuals:
        """Count and hand on."""
        with self._tally.computing(pose_pixels(images, weights.size)):
            return self._backend.accumulate(reference, images, rotations, offsets_px, weights, accumulator)

    def symmetrise(self, accumulator: Accumulator, operators: Float64[np.ndarray, "g 3 3"]) -> Accumulator:
        """Hand on."""
        return self._backend.symmetrise(accumulator, operators)


@contextmanager
def counted() -> Iterator[Tally]:
    """Count what the refinements of this process do meanwhile."""
    tally = Tally()
    with (
        patch.object(Expectation, "_coarse", _watched("_coarse", tally, tally.coarse, _coarse_poses)),
        patch.object(Expectation, "_fine", _watched("_fine", tally, tally.fine, _fine_poses)),
        patch.object(Expectation, "_store", _watched("_store", tally, tally.stored, _stored_poses)),
        patch.object(assembly, "backend", lambda threads: CountingBackend(backend(threads), tally)),
    ):
        yield tally


def _watched(name: str, tally: Tally, work: Work, poses: Callable[..., int]) -> Callable[..., Any]:
    """Wrap one of the three passes of the expectation step; each is given particle and images first."""
    method = getattr(Expectation, name)

    def run(expectation: Expectation, particle: object, images: TiltImages, *rest: Any) -> Any:
        with tally.during(work):
            result = method(expectation, particle, images, *rest)
        tally.ask(work, pose_pixels(images, poses(result, *rest)))
        return result

    return run


def _coarse_poses(result: Any, *_: object) -> int:
    return int(result.weights.size)


def _fine_poses(result: Any, *_: object) -> int:
    return len(result.orientation)


def _stored_poses(_result: object, _poses: object, fine: Any, *_: object) -> int:
    return int(fine.posterior.significant.sum())
