"""The backends for cores and cards against the plain one: every number that the expectation step takes from them.

The card is a processor that plays one, and a real one where there is one.
"""

import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.backend import shift_mixture
from halfmap.engine.backend.matrix_backend import power_in_plane
from halfmap.engine.backend.on_cpu import Cores, CpuBackend
from halfmap.engine.backend.shift_mixture import ShiftMixtures
from halfmap.engine.fourier.backprojector import Accumulator

from .conftest import make_problem

# Slices, phases and products are float32: 24 bits of mantissa, coordinates up to 10 voxels, and sums of some hundred
# terms of order one leave an error near 1e-5 of the largest value.
SINGLE = 3e-5


def assert_near(found, expected, tolerance=SINGLE):
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def read(backend, what, transform, *arguments):
    """Slices, scores or correlations, on the host."""
    return backend.on_host(getattr(backend, what)(backend.reference(transform), *arguments))


def accumulate(backend, problem, images=None, times=1):
    """Sums after a particle was added, and the residual terms."""
    reference, accumulator = backend.reference(problem.transform), backend.accumulator(problem.geometry)
    poses = (problem.rotations, problem.offsets_px, problem.weights)
    for _ in range(times):
        terms = backend.accumulate(reference, images or problem.images, *poses, accumulator)
    return backend.collected(accumulator).sums, terms


def test_slices_agree_with_plain_interpolation(backend, problem, plain_backend):
    arguments = (problem.transform, problem.images, problem.rotations)
    found = read(backend, "slices", *arguments)
    assert found.dtype == np.complex64
    expected = read(plain_backend(problem), "slices", *arguments)
    assert np.abs(expected).max() > 1
    assert_near(found, expected)


# traps 7, 19, 20, 21: shifts through the tilt geometry, no origin, Hermitian pairs once, tilts summed
def test_scores_agree_with_squared_differences_that_were_never_expanded(backend, problem, plain_backend):
    arguments = (problem.transform, problem.images, problem.rotations, problem.offsets_px)
    assert_near(read(backend, "scores", *arguments), read(plain_backend(problem), "scores", *arguments))


def test_correlations_agree_with_plain_ones(backend, problem, plain_backend):
    arguments = (problem.transform, problem.images, problem.rotations, problem.offsets_px)
    assert_near(read(backend, "correlations", *arguments), read(plain_backend(problem), "correlations", *arguments))


def test_a_slice_without_power_correlates_with_nothing(backend, one_problem):
    nothing = np.zeros_like(one_problem.transform)
    poses = (one_problem.rotations, one_problem.offsets_px)
    assert (read(backend, "correlations", nothing, one_problem.images, *poses) == 0).all()


def test_accumulated_sums_and_residual_terms_agree_with_plain_ones(backend, problem, plain_backend):
    found, terms = accumulate(backend, problem)
    expected, plain_terms = accumulate(plain_backend(problem), problem)
    assert found.dtype == np.float64
    assert expected[..., 2].max() > 0
    for part in range(3):
        assert_near(found[..., part], expected[..., part])
    assert_near(terms.cross, plain_terms.cross)
    assert_near(terms.power, plain_terms.power)


def test_residual_terms_make_up_the_squared_difference(backend, problem, plain_backend):
    """σ² of the noise is taken from Σ w|sCP − SX|² = s²·power − 2s·cross + Σ w|X|²."""
    plain, images = plain_backend(problem), problem.images
    _, terms = accumulate(backend, problem)
    own_power = float(problem.weights.sum()) * (np.abs(images.masked) ** 2).sum(axis=0)
    found = images.scale**2 * terms.power - 2 * images.scale * terms.cross + own_power
    poses = (problem.rotations, problem.offsets_px, problem.weights)
    assert_near(found, plain.squared_differences(plain.reference(problem.transform), images, *poses))


def test_accumulating_adds_to_what_is_there(backend, one_problem):
    once, _ = accumulate(backend, one_problem)
    twice, _ = accumulate(backend, one_problem, times=2)
    # a card's sums are single precision
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-6, atol=1e-6 * np.abs(once).max())


@pytest.mark.parametrize("fold", [2, 3])
def test_symmetrised_sums_agree_with_plain_ones(backend, one_problem, plain_backend, fold):
    sums = np.random.default_rng(7).normal(size=one_problem.geometry.shape)
    operators = Rotation.from_rotvec(np.outer(np.arange(fold), [0.3, 0.1, 0.9]) * 2 * np.pi / fold).as_matrix()
    accumulator = Accumulator(one_problem.geometry, sums)
    found = backend.symmetrise(accumulator, operators)
    expected = plain_backend(one_problem).symmetrise(accumulator, operators)
    # double precision throughout: only the order of the sums differs
    np.testing.assert_allclose(found.sums, expected.sums, atol=1e-12)


def test_symmetrising_over_the_identity_changes_nothing(backend, one_problem):
    sums = np.random.default_rng(7).normal(size=one_problem.geometry.shape)
    found = backend.symmetrise(Accumulator(one_problem.geometry, sums), np.eye(3)[None])
    np.testing.assert_array_equal(found.sums, sums)


def test_the_number_of_threads_changes_no_symmetrised_sum(one_problem):
    accumulator = Accumulator(one_problem.geometry, np.random.default_rng(7).normal(size=one_problem.geometry.shape))
    operators = Rotation.from_euler("z", [[0], [120], [240]], degrees=True).as_matrix()
    found = [CpuBackend(threads).symmetrise(accumulator, operators).sums for threads in (1, 3)]
    np.testing.assert_array_equal(*found)


def test_tiles_of_orientations_change_nothing(backend, one_problem, monkeypatch):
    arguments = (one_problem.transform, one_problem.images, one_problem.rotations, one_problem.offsets_px)

    def everything():
        sums, terms = accumulate(backend, one_problem)
        compared = (read(backend, what, *arguments) for what in ("scores", "correlations"))
        return *compared, sums, terms.cross, terms.power

    at_once = everything()
    monkeypatch.setattr(backend.device, "tile_bytes", 1, raising=False)
    monkeypatch.setattr(backend.device, "orientations_at_once", lambda _: 1)
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
@pytest.mark.parametrize("wanted", [(5, 5, 5, 5), (5, 0, 3, 5), (0, 0, 0, 0)])
def test_particles_in_one_frame_have_the_scores_of_each_by_itself(
    backend, family, plain, kind, offsets, wanted, monkeypatch
):
    """Each particle wants some of the orientations, counted from the first one for even particles."""
    monkeypatch.setattr(backend.device, "block_orientations", 2)
    rotations = Rotation.random(5, rng=9).as_matrix()
    offsets_px = np.random.default_rng(1).uniform(-0.7, 0.7, (offsets, 3))
    mask = np.array([np.roll(np.arange(5) < count, p % 2) for p, count in enumerate(wanted)])
    found, expected = (np.full((4, 5, offsets), np.nan, np.float32) for _ in range(2))
    plainly = plain.PlainBackend(family.zoom, family.geometry.radius)
    for one, scores in ((backend, found), (plainly, expected)):
        prepare, reference = getattr(one, kind), one.reference(family.transform)
        comparison = prepare(reference, family.images, family.frames, family.origins_px, offsets_px)
        on_device = one.on_device(scores)
        comparison.fill_scores(rotations, mask, on_device)
        scores[...] = one.on_host(on_device)
    assert np.isnan(found[np.array(wanted) == 0]).all()
    if any(wanted):
        # phase factors are mixtures of few functions
        assert_near(found[mask], expected[mask], 3 * shift_mixture.COARSE_TOLERANCE if offsets > 1 else SINGLE)


@pytest.mark.parametrize("often", [False, True])
@pytest.mark.parametrize("offsets", [1, 4, 150])
def test_mixtures_give_the_phase_factors_of_all_offsets(backend, one_problem, often, offsets):
    pixels = one_problem.images.pixels
    shifts = np.random.default_rng(2).uniform(-0.05, 0.05, (offsets, 3, 2))
    importance = np.ones((3, len(pixels.kx)), np.float32) if often else None
    mixtures = ShiftMixtures(backend.device).of(pixels, shifts, importance)
    assert [f for one in mixtures for f in range(*one.tilts.indices(3))] == [0, 1, 2]
    tolerance = max(shift_mixture.TOLERANCE, shift_mixture.COARSE_TOLERANCE * often)
    for f in range(3):
        one = next(one for one in mixtures if f in range(*one.tilts.indices(3)))
        functions, mixing = (backend.on_host(part)[f - one.tilts.start] for part in (one.functions, one.mixing))
        assert len(functions) <= min(offsets, 40)
        expected = np.exp(-2j * np.pi * (shifts[:, f, :1] * pixels.kx + shifts[:, f, 1:] * pixels.ky))
        left = mixing.T @ functions - expected
        assert np.sqrt((np.abs(left) ** 2).mean(axis=1)).max() < 2.5 * tolerance


def test_without_any_reference_all_poses_of_all_particles_are_alike(backend, family):
    offsets_px = np.random.default_rng(1).uniform(-0.7, 0.7, (5, 3))
    nothing = backend.reference(np.zeros_like(family.transform))
    comparison = backend.comparison(nothing, family.images, family.frames, family.origins_px, offsets_px)
    scores = backend.on_device(np.full((4, 2, 5), np.nan, np.float32))
    comparison.fill_scores(Rotation.random(2, rng=9).as_matrix(), np.ones((4, 2), bool), scores)
    assert (backend.on_host(scores) == 0).all()


def test_pixels_that_hardly_matter_need_no_functions_of_their_own(one_problem):
    pixels = one_problem.images.pixels
    shifts = np.random.default_rng(2).uniform(-0.05, 0.05, (60, 1, 2))
    matters = pixels.radius < 2.5
    importance = np.where(matters, 1, 1e-9)[None].astype(np.float32)
    (one,) = ShiftMixtures(Cores(1)).of(pixels, shifts, importance)
    (other,) = ShiftMixtures(Cores(1)).of(pixels, shifts, np.ones_like(importance))
    assert one.functions.shape[1] < other.functions.shape[1]
    expected = np.exp(-2j * np.pi * (shifts[:, 0, :1] * pixels.kx + shifts[:, 0, 1:] * pixels.ky))
    left = (one.mixing[0].T @ one.functions[0] - expected)[:, matters]
    assert np.sqrt((np.abs(left) ** 2).mean(axis=1)).max() < 2.5 * shift_mixture.COARSE_TOLERANCE


def test_the_power_of_a_reference_is_that_of_its_shells(one_problem):
    transform = one_problem.transform
    found = power_in_plane(transform)
    centre = len(transform) // 2
    assert found[0] == pytest.approx(abs(transform[centre, centre, 0]) ** 2)
    ring = [transform[centre, centre + y, x] for y in (-1, 0, 1) for x in (0, 1) if round(np.hypot(x, y)) == 1]
    assert found[1] == pytest.approx(np.mean(np.abs(ring) ** 2), rel=1e-6)


# trap 21: one likelihood per particle, the product of those of its tilt images
def test_the_score_of_a_tilt_series_is_the_sum_of_the_scores_of_its_images(backend, one_problem):
    images, poses = one_problem.images, (one_problem.rotations, one_problem.offsets_px)
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
    together = read(backend, "scores", one_problem.transform, images, *poses)
    assert_near(together, sum(read(backend, "scores", one_problem.transform, single, *poses) for single in singles))


# trap 19
def test_a_constant_added_to_the_images_changes_no_score_but_what_is_back_projected(backend, one_problem):
    images, poses = one_problem.images, (one_problem.rotations, one_problem.offsets_px)
    origin = (images.pixels.kx == 0) & (images.pixels.ky == 0)
    brighter = replace(
        images,
        masked=images.masked + 5 * origin.astype(np.complex64),
        unmasked=images.unmasked + 5 * origin.astype(np.complex64),
    )
    scores = [read(backend, "scores", one_problem.transform, one, *poses) for one in (brighter, images)]
    np.testing.assert_array_equal(*scores)
    (dark, _), (bright, _) = (accumulate(backend, one_problem, one) for one in (images, brighter))
    centre = dark.shape[0] // 2
    weight = images.inverse_sigma2[origin][0] * one_problem.weights.sum() * len(images.ctf)
    change = bright[centre, centre, 0] - dark[centre, centre, 0]
    np.testing.assert_allclose(change, [5 * weight, 0, 0], rtol=1e-5, atol=1e-5)


def test_work_is_shared_out_over_the_threads_that_were_asked_for():
    names = Cores(3).for_each(lambda _: threading.current_thread().name, range(30))
    assert threading.current_thread().name not in names
