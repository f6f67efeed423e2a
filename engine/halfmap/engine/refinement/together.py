"""The coarse pass of many particles at once: those of a tomogram are compared with the same slices.

The work is shared out over the threads stage by stage: particles are loaded, tiles of orientations are compared with
all of them, and then each particle goes on by itself.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import groupby, pairwise

import numpy as np
from jaxtyping import Float32, Int64

from halfmap.engine.arrays import Array
from halfmap.engine.particles.particle import ParticleSet
from halfmap.engine.refinement.alignment import Alignment
from halfmap.engine.refinement.expectation import Expectation
from halfmap.engine.refinement.particle_state import Batch
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.refinement.tally import Tally
from halfmap.engine.sampling.common_grid import line_index
from halfmap.engine.sampling.priors import Candidates

_COARSE_SHARE = 0.5
"""How much of a particle is counted as done after its coarse pass."""


def in_batches(particles: ParticleSet, indices: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """Order particles so that those that can be compared together stand together, neighbours in orientation first."""
    axes = line_index(particles.frames(indices)[:, :, 2])
    order = sorted(range(len(indices)), key=lambda i: (*batch_key(particles, int(indices[i])), int(axes[i])))
    return indices[order]


def batches(particles: ParticleSet, indices: Int64[np.ndarray, " n"]) -> list[Int64[np.ndarray, " some"]]:
    """Cut ordered particles into those of the same tomogram, optics group and tilt images."""
    return [np.array(list(some)) for _, some in groupby(indices.tolist(), key=lambda i: batch_key(particles, i))]


def batch_key(particles: ParticleSet, particle: int) -> tuple[int, int, bytes]:
    """Tomogram, optics group and tilt images; particles that share them can be compared together.

    All volumes are seen alike, each in its own frame.
    """
    if particles.are_volumes:
        return 0, int(particles.optics_index[particle]), b""
    visible = particles.visible[particle].tobytes()
    return int(particles.tilt_series_index[particle]), int(particles.optics_index[particle]), visible


def align_together(
    expectation: Expectation, batch: Batch, sums: Sequence[ExpectationSums], executor: Executor, tally: Tally
) -> list[Alignment]:
    """Align the particles of a batch, add them to the sums, one set for each thread, and count them."""
    common = expectation.search.common
    candidates = list(
        executor.map(lambda frame, one: common.candidates(frame, one.centre_deg), batch.frames, batch.particles)
    )
    scores = _coarse_scores(expectation, batch, candidates, executor, tally, len(sums))

    def aligned(index: int, thread: int) -> Alignment:
        found = expectation.align_compared(batch, index, candidates[index], scores[index], sums[thread])
        tally.add(1 - _COARSE_SHARE)
        return found

    def all_aligned(thread: int) -> list[Alignment]:
        return [aligned(index, thread) for index in range(thread, len(candidates), len(sums))]

    found: list[Alignment | None] = [None] * len(candidates)
    submitted = [executor.submit(all_aligned, thread) for thread in range(len(sums))]
    for thread, some in enumerate(tally.results(submitted)):
        found[thread :: len(sums)] = some
    return [one for one in found if one is not None]


def _coarse_scores(
    expectation: Expectation,
    batch: Batch,
    candidates: Sequence[Candidates],
    executor: Executor,
    tally: Tally,
    threads: int,
) -> Float32[Array, "particles orientations offsets"]:
    """Scores of all orientations of the common grid; nothing is written where no orientation of a tile is possible."""
    common = expectation.search.common
    possible = np.zeros((len(candidates), len(common.rotations)), bool)
    for row, some in zip(possible, candidates, strict=True):
        row[common.rows(some)] = True
    scores = expectation.backend.empty_scores(*possible.shape, len(expectation.search.offsets.coarse_angstrom))
    comparison = expectation.comparison(batch)

    def fill(first: int, last: int) -> None:
        tile = slice(first, last)
        comparison.fill_scores(common.rotations[tile], possible[:, tile], scores[:, tile])
        tally.add(_COARSE_SHARE * len(candidates) * (last - first) / possible.shape[1])

    tiles = even_tiles(possible.shape[1], comparison.orientations_at_once, threads)
    for _ in tally.results([executor.submit(fill, *tile) for tile in tiles]):
        pass
    return scores


def even_tiles(count: int, at_most: int, threads: int) -> list[tuple[int, int]]:
    """Cut a number of things into tiles of nearly equal size, as many for each thread."""
    tiles = -(-count // at_most)
    edges = np.linspace(0, count, -(-tiles // threads) * threads + 1).astype(int).tolist()
    return [(first, last) for first, last in pairwise(edges) if first < last]
