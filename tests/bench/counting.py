"""Counting what a refinement compares, and timing each pass, without the engine's help.

The unit of what is compared is the pose-pixel: one orientation and offset compared in one Fourier pixel of one tilt
image. What is computed for that is counted in operations of matrix products, which are far fewer, and in samples:
pixels of slices that are read.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.imaging.tilt_images import TiltImages
from halfmap.engine.refinement.expectation import Expectation
from halfmap.engine.refinement.particle_state import Batch
from halfmap.engine.sampling.priors import Candidates
from tests.bench.counting_backend import counting, pose_pixels
from tests.bench.tally import Tally


@contextmanager
def counted() -> Iterator[Tally]:
    """Count what the refinements of this process do meanwhile."""
    tally = Tally()
    watched: dict[str, tuple[str, Callable[..., int]]] = {
        "comparison": ("coarse", _nothing),
        "align": ("coarse", _nothing),
        "align_compared": ("coarse", _coarse_pose_pixels),
        "_fine": ("fine", _fine_pose_pixels),
        "_store": ("stored", _stored_pose_pixels),
    }
    with ExitStack() as stack:
        for method, (name, asked) in watched.items():
            stack.enter_context(patch.object(Expectation, method, _watched(method, tally, name, asked)))
        stack.enter_context(patch.object(CpuBackend, "__init__", _counting(CpuBackend.__init__, tally)))
        yield tally


def _counting(make: Callable[..., None], tally: Tally) -> Callable[..., None]:
    """Let each backend count from the beginning, whatever makes it."""

    def run(backend: CpuBackend, *words: Any) -> None:
        make(backend, *words)
        counting(backend, tally)

    return run


def _watched(method: str, tally: Tally, name: str, asked: Callable[..., int]) -> Callable[..., Any]:
    """Wrap a part of the expectation step that belongs to a pass; parts of other passes may lie within it."""
    inner = getattr(Expectation, method)

    def run(expectation: Expectation, *words: Any) -> Any:
        with tally.during(name):
            result = inner(expectation, *words)
        tally.add(name, asked=asked(expectation, result, *words))
        return result

    return run


def _nothing(*_: object) -> int:
    """Count what a particle that is compared by itself asks for where it is computed."""
    return 0


def _coarse_pose_pixels(
    expectation: Expectation, _result: object, batch: Batch, index: int, candidates: Candidates, *_: object
) -> int:
    coarse = expectation.windows[batch.particles[index].optics].coarse
    poses = len(candidates.directions) * len(expectation.search.offsets.coarse_angstrom)
    return pose_pixels(batch.images[index].of(coarse), poses)


def _fine_pose_pixels(_expectation: object, result: Any, _particle: object, images: TiltImages, *_: object) -> int:
    return pose_pixels(images, len(result.orientation))


def _stored_pose_pixels(
    _expectation: object, _result: object, _particle: object, images: TiltImages, _poses: object, fine: Any, *_: object
) -> int:
    return pose_pixels(images, int(fine.posterior.significant.sum()))
