"""The backend for cores against the plain one: every number that the expectation step takes from it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.backend import comparisons, on_cpu, shift_mixture
from halfmap.engine.backend.on_cpu import CpuBackend
from halfmap.engine.backend.select import backend
from halfmap.engine.backend.shift_mixture import ShiftMixtures
from halfmap.engine.fourier.backprojector import Accumulator

from .conftest import make_problem

# Slices, phases and products are float32: 24 bits of mantissa, coordinates up to 10 voxels, and sums of some hundred
# terms of order one leave an error near 1e-5 of the largest value.
SINGLE = 3e-5


def assert_near(found, expected, tolerance=SINGLE):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_slices_agree_with_plain_interpolation(problem, plain_backend):
    cpu = CpuBackend()
    found = cpu.slices(cpu.reference(problem.transform), problem.images, problem.rotations)
    assert found.dtype == np.complex64
    plain = plain_backend(problem)
    expected = plain.slices(plain.reference(problem.transform), problem.images, problem.rotations)
    assert np.abs(expected).max() > 1
    assert_near(found, expected)


# traps 7, 19, 20, 21: shifts through the tilt geometry, no origin, Hermitian pairs once, tilts summed
def test_scores_agree_with_squared_differences_that_were_never_expanded(problem, plain_backend):
    cpu, plain = CpuBackend(), plain_backend(problem)
    arguments = (problem.images, problem.rotations, problem.offsets_px)
    found = cpu.scores(cpu.reference(problem.transform), *arguments)
    assert_near(found, plain.scores(plain.reference(problem.transform), *arguments))


def test_correlations_agree_with_plain_ones(problem, plain_backend):
    cpu, plain = CpuBackend(), plain_backend(problem)
    arguments = (problem.images, problem.rotations, problem.offsets_px)
    found = cpu.correlations(cpu.reference(problem.transform), *arguments)
    assert_near(found, plain.correlations(plain.reference(problem.transform), *arguments))


def test_a_slice_without_power_correlates_with_nothing(one_problem):
    cpu = CpuBackend()
    empty = cpu.reference(np.zeros_like(one_problem.transform))
    found = cpu.correlations(empty, one_problem.images, one_problem.rotations, one_problem.offsets_px)
    assert (found == 0).all()


def test_accumulated_sums_and_residual_terms_agree_with_plain_ones(problem, plain_backend):
    cpu, plain = CpuBackend(), plain_backend(problem)
    arguments = (problem.images, problem.rotations, problem.offsets_px, problem.weights)
    found, expected = Accumulator.empty(problem.geometry), Accumulator.empty(problem.geometry)
    terms = cpu.accumulate(cpu.reference(problem.transform), *arguments, found)
    plain_terms = plain.accumulate(plain.reference(problem.transform), *arguments, expected)
    assert expected.weight.max() > 0
    for part in range(3):
        assert_near(found.sums[..., part], expected.sums[..., part])
    assert_near(terms.cross, plain_terms.cross)
    assert_near(terms.power, plain_terms.power)


def test_residual_terms_make_up_the_squared_difference(problem, plain_backend):
    """σ² of the noise is taken from Σ w|sCP − SX|² = s²·power − 2s·cross + Σ w|X|²."""
    cpu, plain, images = CpuBackend(), plain_backend(problem), problem.images
    arguments = (images, problem.rotations, problem.offsets_px, problem.weights)
    terms = cpu.accumulate(cpu.reference(problem.transform), *arguments, Accumulator.empty(problem.geometry))
    own_power = float(problem.weights.sum()) * (np.abs(images.masked) ** 2).sum(axis=0)
    found = images.scale**2 * terms.power - 2 * images.scale * terms.cross + own_power
    assert_near(found, plain.squared_differences(plain.reference(problem.transform), *arguments))


def test_accumulating_adds_to_what_is_there(one_problem):
    cpu = CpuBackend()
    reference = cpu.reference(one_problem.transform)
    arguments = (one_problem.images, one_problem.rotations, one_problem.offsets_px, one_problem.weights)
    accumulator = Accumulator.empty(one_problem.geometry)
    cpu.accumulate(reference, *arguments, accumulator)
    once = accumulator.sums.copy()
    cpu.accumulate(reference, *arguments, accumulator)
    np.testing.assert_allclose(accumulator.sums, 2 * once, rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("fold", [2, 3])
def test_symmetrised_sums_agree_with_plain_ones(one_problem, plain_backend, fold, threads):
    random = np.random.default_rng(7)
    sums = np.zeros(one_problem.geometry.shape)
    sums[..., :3] = random.normal(size=one_problem.geometry.shape)
    operators = Rotation.from_rotvec(np.outer(np.arange(fold), [0.3, 0.1, 0.9]) * 2 * np.pi / fold).as_matrix()
    accumulator = Accumulator(one_problem.geometry, sums)
    found = CpuBackend(threads).symmetrise(accumulator, operators)
    expected = plain_backend(one_problem).symmetrise(accumulator, operators)
    # double precision throughout: only the order of the sums differs
    np.testing.assert_allclose(found.sums, expected.sums, atol=1e-12)


def test_symmetrising_over_the_identity_changes_nothing(one_problem):
    sums = np.random.default_rng(7).normal(size=one_problem.geometry.shape)
    accumulator = Accumulator(one_problem.geometry, sums)
    found = CpuBackend().symmetrise(accumulator, np.eye(3)[None])
    np.testing.assert_array_equal(found.sums, sums)


def test_tiles_of_orientations_change_nothing(one_problem, monkeypatch):
    cpu = CpuBackend()
    reference = cpu.reference(one_problem.transform)
    arguments = (one_problem.images, one_problem.rotations, one_problem.offsets_px)

    def everything():
        accumulator = Accumulator.empty(one_problem.geometry)
        terms = cpu.accumulate(reference, *arguments, one_problem.weights, accumulator)
        scores, correlations = cpu.scores(reference, *arguments), cpu.correlations(reference, *arguments)
        return scores, correlations, accumulator.sums, terms.cross, terms.power

    at_once = everything()
    monkeypatch.setattr(on_cpu, "_TILE_BYTES", 1)
    monkeypatch.setattr(comparisons, "_ORIENTATIONS", 1)
    for whole, piecewise in zip(at_once, everything(), strict=True):
        assert_near(piecewise, whole)


# --- many particles ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Family:
    """Particles whose tilt images are seen from the same sides, each with a frame of its own."""

    transform: np.ndarray
    geometry: object
    images: list
    frames: np.ndarray
    origins_px: np.ndarray
    zoom: float


@pytest.fixture
def family():
    problems = [make_problem(seed=seed, tilts=3) for seed in (1, 2, 3, 4)]
    frames = Rotation.random(4, rng=5).as_matrix()
    series, padded = problems[0].images.rotations, problems[0].images.geometry
    images = [
        replace(one.images, rotations=series @ frame, geometry=padded @ frame)
        for one, frame in zip(problems, frames, strict=True)
    ]
    origins_px = np.random.default_rng(3).uniform(-2, 2, (4, 3))
    return Family(problems[0].transform, problems[0].geometry, images, frames, origins_px, problems[0].zoom)


@pytest.mark.parametrize("kind", ["comparison", "correlation"])
@pytest.mark.parametrize("offsets", [1, 5, 70])
@pytest.mark.parametrize("which", [[True] * 4, [True, False, True, True], [False] * 4])
def test_particles_in_one_frame_have_the_scores_of_each_by_itself(family, plain, kind, offsets, which):
    rotations = Rotation.random(5, rng=9).as_matrix()
    offsets_px = np.random.default_rng(1).uniform(-0.7, 0.7, (offsets, 3))
    found, expected = (np.full((4, 5, offsets), np.nan, np.float32) for _ in range(2))
    for one, scores in (
        (CpuBackend(2), found),
        (plain.PlainBackend(family.zoom, family.geometry.radius), expected),
    ):
        prepare = getattr(one, kind)
        reference = one.reference(family.transform)
        comparison = prepare(reference, family.images, family.frames, family.origins_px, offsets_px)
        comparison.fill_scores(rotations, np.array(which), scores)
    assert np.isnan(found[~np.array(which)]).all()
    if any(which):
        # phase factors are mixtures of few functions, each accurate to 5e-4
        assert_near(found[which], expected[which], 3e-3 if offsets > 1 else SINGLE)


@pytest.mark.parametrize("often", [False, True])
@pytest.mark.parametrize("offsets", [1, 4, 150])
def test_mixtures_give_the_phase_factors_of_all_offsets(one_problem, often, offsets):
    pixels = one_problem.images.pixels
    shifts = np.random.default_rng(2).uniform(-0.05, 0.05, (offsets, 3, 2))
    mixture = ShiftMixtures().of(pixels, shifts, often)
    assert len(mixture.mixing) == sum(map(len, mixture.functions))
    assert len(mixture.mixing) <= 3 * min(offsets, 40)
    for f in range(3):
        functions, coefficients = mixture.tilt(f)
        expected = np.exp(-2j * np.pi * (shifts[:, f, :1] * pixels.kx + shifts[:, f, 1:] * pixels.ky))
        left = coefficients.T @ functions - expected
        tolerance = shift_mixture.COARSE_TOLERANCE if often else shift_mixture.TOLERANCE
        assert np.sqrt((np.abs(left) ** 2).mean(axis=1)).max() < 2.5 * tolerance


# trap 21: one likelihood per particle, the product of those of its tilt images
def test_the_score_of_a_tilt_series_is_the_sum_of_the_scores_of_its_images(one_problem):
    cpu, images = CpuBackend(), one_problem.images
    reference = cpu.reference(one_problem.transform)
    poses = (one_problem.rotations, one_problem.offsets_px)
    singles = [
        replace(
            images,
            rotations=images.rotations[[f]],
            geometry=images.geometry[[f]],
            masked=images.masked[[f]],
            unmasked=images.unmasked[[f]],
            ctf=images.ctf[[f]],
        )
        for f in range(len(images.ctf))
    ]
    together = cpu.scores(reference, images, *poses)
    assert_near(together, sum(cpu.scores(reference, single, *poses) for single in singles))


# trap 19
def test_a_constant_added_to_the_images_changes_no_score_but_what_is_back_projected(one_problem):
    cpu, images = CpuBackend(), one_problem.images
    reference = cpu.reference(one_problem.transform)
    origin = (images.pixels.kx == 0) & (images.pixels.ky == 0)
    brighter = replace(
        images,
        masked=images.masked + 5 * origin.astype(np.complex64),
        unmasked=images.unmasked + 5 * origin.astype(np.complex64),
    )
    poses = (one_problem.rotations, one_problem.offsets_px)
    np.testing.assert_array_equal(cpu.scores(reference, brighter, *poses), cpu.scores(reference, images, *poses))
    dark, bright = Accumulator.empty(one_problem.geometry), Accumulator.empty(one_problem.geometry)
    cpu.accumulate(reference, images, *poses, one_problem.weights, dark)
    cpu.accumulate(reference, brighter, *poses, one_problem.weights, bright)
    centre = dark.sums.shape[0] // 2
    weight = images.inverse_sigma2[origin][0] * one_problem.weights.sum() * len(images.ctf)
    change = bright.sums[centre, centre, 0] - dark.sums[centre, centre, 0]
    np.testing.assert_allclose(change, [5 * weight, 0, 0], rtol=1e-5, atol=1e-5)


def test_the_backend_of_this_machine_has_the_threads_that_were_asked_for():
    assert backend(3).threads == 3
