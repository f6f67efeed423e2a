"""Particles that are aligned together in the frame of their tomogram, against each by itself in that frame."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.pass_images import PassSettings
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement.all_particles import is_together
from halfmap.engine.refinement.expectation import Expectation, HalfModel
from halfmap.engine.refinement.particle_state import Batch, ParticleState
from halfmap.engine.refinement.plan import Windows
from halfmap.engine.refinement.search import Search
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.refinement.tally import Tally
from halfmap.engine.refinement.together import align_together, batches, even_tiles, in_batches
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior
from halfmap.engine.sampling.symmetry import PointGroup

SIGMA2 = np.full((1, 9), 2e-3)
COUNT = 5


@dataclass(frozen=True)
class Case:
    """A step, particles in frames of their own, and the same ones as seen from the frame that they share."""

    step: Expectation
    own: tuple[ParticleState, ...]
    common: tuple[ParticleState, ...]
    frames: np.ndarray


@pytest.fixture(params=[None, (0.0, 12.0, 0.0)], ids=["everywhere", "tilt alone"])
def case(request, world, density):
    refinement = world.refinement
    grid = OrientationGrid(1, 1, PointGroup("C1"))
    prior = None if request.param is None else OrientationPrior(grid, *request.param, False)
    flat = np.full(len(grid.pixels), 1 / len(grid.pixels))
    search = Search(grid, OffsetGrid(8.0, 8.0, 1), prior, flat, 0.2, 12.0, offset_prior_quirk=False)
    model = HalfModel(
        refinement.backend.reference(reference_transform(density, 6, 2)), SIGMA2, np.array([1.2, 0.8]), np.arange(9) < 4
    )
    windows = Windows(PassSettings(10, 6, 2), PassSettings(12, 6, 2), PassSettings(12, 6, 2))
    step = Expectation(refinement.backend, model, search, refinement.settings.images, (windows,), 0.99, -1, False)
    frames = Rotation.random(COUNT, rng=4).as_matrix()
    common = []
    for i in range(COUNT):
        images = refinement.load(i, None)
        # all are seen from the sides that the first one is seen from
        images = replace(images, rotations=refinement.load(0, None).rotations)
        # a tilt of 90°, seen from either frame, so that a band on it is the same in both
        common.append(
            ParticleState(images, 0, i % 2, np.array([0.0, 90, 0]), np.array([1.0, -2, i]), np.array([2.0, 0, 0]))
        )
    own = tuple(
        replace(
            one,
            images=replace(one.images, rotations=one.images.rotations @ frame),
            origin_angstrom=frame.T @ one.origin_angstrom,
            origin_prior_angstrom=frame.T @ one.origin_prior_angstrom,
        )
        for one, frame in zip(common, frames, strict=True)
    )
    return Case(step, own, tuple(common), frames)


def empty_sums(step):
    return ExpectationSums.empty(
        Accumulator.empty(AccumulatorGeometry(16, 2, 6)), 1, 9, 2, len(step.search.orientations.pixels)
    )


def aligned_together(case, frames, particles, threads):
    batch = Batch(particles, tuple(case.step.images_of(one) for one in particles), frames)
    sums = [empty_sums(case.step) for _ in range(threads)]
    told: list[int] = []
    with ThreadPoolExecutor(threads) as executor:
        found = align_together(case.step, batch, sums, executor, Tally(told.append))
    for other in sums[1:]:
        sums[0].add(other)
    assert sum(told) == len(particles)
    assert len(told) > 1, "progress must be told within a batch"
    return found, sums[0]


def assert_alike(found, sums, expected, expected_sums, frames):
    for one, other, frame in zip(found, expected, frames, strict=True):
        pose = frame @ euler_to_matrix(one.angles_deg)
        np.testing.assert_allclose(pose, euler_to_matrix(other.angles_deg), atol=1e-6)
        np.testing.assert_allclose(frame @ one.origin_angstrom, other.origin_angstrom, atol=1e-6)
        assert one.significant_samples == other.significant_samples
        # phase factors are mixtures of few functions, float32 sums of some hundred terms
        assert one.max_probability == pytest.approx(other.max_probability, rel=0.02)
        assert one.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-4)
    scale = np.abs(expected_sums.accumulator.sums).max()
    np.testing.assert_allclose(sums.accumulator.sums, expected_sums.accumulator.sums, atol=5e-3 * scale)
    np.testing.assert_allclose(sums.residual, expected_sums.residual, rtol=2e-3)
    np.testing.assert_allclose(sums.scalars, expected_sums.scalars, rtol=5e-3)


@pytest.mark.parametrize("threads", [1, 3])
def test_together_particles_find_what_each_finds_alone(case, threads):
    """With one frame for all, the common grid is that of each particle."""
    frames = np.tile(np.eye(3), (COUNT, 1, 1))
    found, sums = aligned_together(case, frames, case.common, threads)
    expected_sums = empty_sums(case.step)
    expected = [case.step.align(one, expected_sums) for one in case.common]
    assert len({one.significant_samples for one in expected}) > 1
    assert_alike(found, sums, expected, expected_sums, frames)
    np.testing.assert_allclose(sums.direction_mass, expected_sums.direction_mass, atol=0.02)


def test_frames_of_particles_change_the_way_of_counting_and_nothing_else(case):
    """A rotation of a particle's frame turns its angles and its offset, not what is back-projected."""
    if case.step.search.prior is not None:
        pytest.skip("a prior on tilt belongs to the frame")
    found, sums = aligned_together(case, case.frames, case.own, 2)
    still = np.tile(np.eye(3), (COUNT, 1, 1))
    expected, expected_sums = aligned_together(case, still, case.common, 2)
    assert_alike(found, sums, expected, expected_sums, case.frames)
    assert sums.direction_mass.sum() == pytest.approx(expected_sums.direction_mass.sum())


def test_a_prior_on_tilt_holds_in_each_particles_own_frame(case):
    if case.step.search.prior is None:
        pytest.skip("there is no prior")
    found, _ = aligned_together(case, case.frames, case.own, 2)
    tilts = np.array([one.angles_deg[1] for one in found])
    # three widths, and a step of the grid for the children and the perturbation
    assert np.abs(tilts - 90).max() < 3 * 12 + 30
    bands = [case.step.search.common.candidates(frame, np.array([0.0, 90, 0])) for frame in case.frames]
    assert len({tuple(band.directions.tolist()) for band in bands}) == COUNT


def test_batches_are_of_one_tomogram_optics_group_and_set_of_images(world):
    particles = world.refinement.particles
    count = len(particles)
    series = np.arange(count) % 2
    visible = tuple(np.array([True, i % 3 != 0, True]) for i in range(count))
    mixed = replace(particles, tilt_series_index=series, visible=visible, tilt_series=particles.tilt_series * 2)
    some = np.arange(count)[::-1]
    ordered = in_batches(mixed, some)
    assert sorted(ordered.tolist()) == sorted(some.tolist())
    found = batches(mixed, ordered)
    assert np.concatenate(found).tolist() == ordered.tolist()
    keys = [{(series[i], visible[i].tobytes()) for i in batch} for batch in found]
    assert all(len(key) == 1 for key in keys)
    assert len(found) == len(set.union(*keys))


def test_who_is_aligned_together_is_decided_by_search_and_wishes(world):
    settings, grid = world.refinement.settings, OrientationGrid(1, 1, PointGroup("C1"))
    assert is_together(settings, 2, None)
    assert is_together(settings, 2, OrientationPrior(grid, 0.0, 10.0, 0.0, False))
    assert not is_together(settings, 2, OrientationPrior(grid, 5.0, 5.0, 5.0, False))
    first_by_correlation = replace(settings, search=replace(settings.search, first_by_correlation=True))
    assert not is_together(first_by_correlation, 1, None)
    assert is_together(first_by_correlation, 2, None)
    assert not is_together(replace(settings, quirks=replace(settings.quirks, own_frames=True)), 2, None)


@pytest.mark.parametrize(
    ("count", "at_most", "threads", "expected"),
    [
        (672, 256, 2, [168] * 4),
        (6144, 256, 2, [256] * 24),
        (5, 256, 1, [5]),
        (2, 256, 3, [1, 1]),
        (700, 256, 1, [233, 233, 234]),
    ],
)
def test_each_thread_has_as_many_tiles_of_the_same_size(count, at_most, threads, expected):
    tiles = even_tiles(count, at_most, threads)
    assert [last - first for first, last in tiles] == expected
    assert tiles[0][0] == 0
    assert tiles[-1][1] == count
    assert all(one[1] == next_one[0] for one, next_one in pairwise(tiles))
