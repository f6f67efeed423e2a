"""Volumes of pseudo-subtomograms on cores, against plain loops: every number that the expectation step takes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from halfmap.engine.backend import shift_mixture
from halfmap.engine.backend.on_cpu import Cores, CpuBackend
from halfmap.engine.backend.shift_mixture import ShiftMixtures

from .conftest import Problem, make_problem
from .test_backends import accumulate, assert_near, read

PROBLEMS = {
    "padded and premultiplied": {},
    "sums of many images": {"multiplicity": True},
    "plain volumes": {"premultiplied": False},
    "coarser volumes, first shells left out": {"image_box_px": 16, "ratio": 0.75, "first_shell": 2},
    "up to Nyquist, not padded": {"box_px": 8, "image_box_px": 8, "padding": 1},
}


@pytest.fixture
def backend(monkeypatch) -> CpuBackend:
    """Cores that compare some voxels after the others."""
    monkeypatch.setattr(Cores, "voxels_at_once", 37)
    return CpuBackend(2)


def volumes(seed: int = 1, **choices) -> Problem:
    return make_problem(dimensions=3, tilts=1, max_shell=choices.pop("max_shell", 3), seed=seed, **choices)


@pytest.fixture(params=PROBLEMS.values(), ids=PROBLEMS.keys())
def problem(request: pytest.FixtureRequest) -> Problem:
    return volumes(**request.param)


def test_rotated_references_agree_with_plain_interpolation(backend, problem, plain_backend):
    arguments = (problem.transform, problem.images, problem.rotations)
    assert_near(read(backend, "slices", *arguments), read(plain_backend(problem), "slices", *arguments))


# traps 6, 19, 20: offsets along three axes in the volume's own frame, no origin, Hermitian pairs once
@pytest.mark.parametrize("what", ["scores", "correlations"])
def test_scores_agree_with_plain_ones(backend, problem, plain_backend, what):
    arguments = (problem.transform, problem.images, problem.rotations, problem.offsets_px)
    expected = read(plain_backend(problem), what, *arguments)
    assert np.ptp(expected) > 0.1
    assert_near(read(backend, what, *arguments), expected)


def test_the_third_component_of_an_offset_counts(backend, problem):
    along_z = problem.offsets_px + [0, 0, 1.0]
    arguments = (problem.transform, problem.images, problem.rotations)
    here, there = (read(backend, "scores", *arguments, offsets) for offsets in (problem.offsets_px, along_z))
    assert np.abs(here - there).max() > 0.1


def test_accumulated_sums_and_residual_terms_agree_with_plain_ones(backend, problem, plain_backend):
    found, terms = accumulate(backend, problem)
    expected, plain_terms = accumulate(plain_backend(problem), problem)
    for part in range(3):
        assert np.abs(expected[..., part]).max() > 0
        assert_near(found[..., part], expected[..., part])
    assert_near(terms.cross, plain_terms.cross)
    assert_near(terms.power, plain_terms.power)


def test_a_reference_without_power_correlates_with_nothing(backend):
    one = volumes()
    nothing = np.zeros_like(one.transform)
    assert (read(backend, "correlations", nothing, one.images, one.rotations, one.offsets_px) == 0).all()


@pytest.mark.parametrize("kind", ["comparison", "correlation"])
def test_particles_compared_together_have_the_scores_of_each_by_itself(backend, plain, kind):
    problems = [volumes(seed) for seed in (1, 2, 3)]
    images = [replace(one.images, rotations=np.eye(3)[None], geometry=2 * np.eye(3)[None]) for one in problems]
    origins_px = np.random.default_rng(3).uniform(-1, 1, (3, 3))
    offsets_px = np.random.default_rng(1).uniform(-0.5, 0.5, (40, 3))
    rotations, found = Rotation.random(3, rng=9).as_matrix(), []
    for one in (backend, plain.PlainBackend(2.0, problems[0].geometry.radius)):
        scores = np.full((3, 3, 40), np.nan, np.float32)
        reference = one.reference(problems[0].transform)
        comparison = getattr(one, kind)(reference, images, np.tile(np.eye(3), (3, 1, 1)), origins_px, offsets_px)
        comparison.fill_scores(rotations, np.ones((3, 3), bool), scores)
        found.append(scores)
    # phase factors are mixtures of few functions
    assert_near(*found, 3 * shift_mixture.COARSE_TOLERANCE)


@pytest.mark.parametrize("often", [False, True])
def test_mixtures_give_the_phase_factors_of_all_offsets_in_all_stretches(backend, often):
    pixels = volumes().images.pixels
    shifts = np.random.default_rng(2).uniform(-0.05, 0.05, (60, 1, 3))
    importance = np.ones((1, len(pixels.kx)), np.float32) if often else None
    mixtures = ShiftMixtures(backend.device).of(pixels, shifts, importance)
    assert [k for one in mixtures for k in range(*one.pixels.indices(len(pixels.kx)))] == list(range(len(pixels.kx)))
    assert all((one.functions.shape[1] < 40) == often for one in mixtures)
    for one in mixtures:
        expected = np.exp(-2j * np.pi * shifts[:, 0] @ pixels.part(one.pixels).frequencies)
        left = one.mixing[0].T @ one.functions[0] - expected
        tolerance = 2.5 * shift_mixture.COARSE_TOLERANCE if often else 1e-6
        assert np.sqrt((np.abs(left) ** 2).mean(axis=1)).max() < tolerance
