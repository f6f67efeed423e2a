"""The expectation step of one particle against brute force: every pose, every pixel, plain squared differences."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.special import logsumexp

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.fourier.projector import reference_transform
from halfmap.engine.imaging.pass_images import PassSettings, tilt_images
from halfmap.engine.particles.pose import euler_to_matrix
from halfmap.engine.refinement import expectation as module
from halfmap.engine.refinement.expectation import Expectation, HalfModel
from halfmap.engine.refinement.particle_state import ParticleState
from halfmap.engine.refinement.plan import Windows
from halfmap.engine.refinement.search import Search
from halfmap.engine.refinement.sums import ExpectationSums
from halfmap.engine.sampling.offsets import OffsetGrid
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.priors import OrientationPrior
from halfmap.engine.sampling.symmetry import PointGroup

PARTICLE = 0
COARSE, FINE, STORED = PassSettings(8, 6, 2), PassSettings(12, 6, 2), PassSettings(12, 6, 2)
SIGMA2 = np.full((1, 9), 2e-3)
SCALE = np.array([1.2, 0.8])
SCALE_SHELLS = np.arange(9) < 4


@dataclass(frozen=True)
class Case:
    """One particle, what it is compared with, and the step that does it."""

    step: Expectation
    state: ParticleState
    transform: np.ndarray


def make_case(world, density, correlation=False, origin_prior=(2.0, 0.0, 0.0)):
    refinement = world.refinement
    grid = OrientationGrid(2, 1, PointGroup("C1"))
    prior = OrientationPrior(grid, 7.0, 7.0, 7.0, euler_psi_window=False)
    search = Search(
        grid, OffsetGrid(8.0, 8.0, 1), prior, np.ones(len(grid.pixels)), 0.2, 12.0, offset_prior_quirk=False
    )
    transform = reference_transform(density, 6, 2)
    model = HalfModel(refinement.backend.reference(transform), SIGMA2, SCALE, SCALE_SHELLS)
    windows = Windows(replace(COARSE, correlation=correlation), replace(FINE, correlation=correlation), STORED)
    step = Expectation(refinement.backend, model, search, refinement.settings.images, (windows,), 0.9, -1, correlation)
    state = ParticleState(
        refinement.load(PARTICLE, None),
        0,
        1,
        world.true_angles_deg[PARTICLE],
        np.array([1.0, -2.0, 3.0]),
        np.array(origin_prior),
    )
    return Case(step, state, transform)


def empty_sums(step):
    return ExpectationSums.empty(
        Accumulator.empty(AccumulatorGeometry(16, 2, 6)), 1, 9, 2, len(step.search.orientations.pixels)
    )


def images_of(case, one_pass):
    return tilt_images(case.state.images, case.step.settings, one_pass, SIGMA2[0], SCALE[1])


def shifted(images, offset_px):
    """Images moved by the offset's first two components in each tilt image."""
    shift = images.rotations[:, :2] @ offset_px / images.pixels.box_px
    return np.exp(-2j * np.pi * (shift[:, :1] * images.pixels.kx + shift[:, 1:] * images.pixels.ky))


def brute_log_likelihoods(case, backend, one_pass, rotations, offsets_angstrom):
    """−½ Σ |s C V − S X|²/σ² over all tilt images and all pixels but the origin."""
    images = images_of(case, one_pass)
    slices = backend.slices(backend.reference(case.transform), images, rotations)
    counted = images.shells > 0
    out = np.zeros((len(rotations), len(offsets_angstrom)))
    for t, offset in enumerate(offsets_angstrom):
        moved = images.masked * shifted(images, (case.state.origin_angstrom + offset) / 8.0)
        difference = SCALE[1] * images.ctf * slices - moved
        out[:, t] = -0.5 * (np.abs(difference[..., counted]) ** 2 / SIGMA2[0, 0]).sum(axis=(1, 2))
    return out


def log_prior_of_offsets(case, offsets_angstrom):
    away = case.state.origin_angstrom + offsets_angstrom - case.state.origin_prior_angstrom
    # to the power of the pixel size, 8 Å
    return -0.5 * 8.0 * (away**2).sum(axis=1) / 12.0**2


def significant(weights, fraction):
    ordered = np.sort(weights.ravel())[::-1]
    last = ordered[np.argmax(np.cumsum(ordered) > fraction * weights.sum())]
    return weights >= last


@dataclass(frozen=True)
class Brute:
    """All fine poses with their posterior, 0 where the parents were not significant."""

    angles_deg: np.ndarray
    rotations: np.ndarray
    offsets_angstrom: np.ndarray
    directions: np.ndarray
    log_weights: np.ndarray
    coarse_count: int

    @property
    def posterior(self):
        return np.exp(self.log_weights - logsumexp(self.log_weights))


def brute_force(case, backend):
    """Two passes written out: all coarse poses, and the 64 children of each significant one."""
    grid, offsets = case.step.search.orientations, case.step.search.offsets
    candidates = case.step.search.candidates(case.state.centre_deg)
    turn, step = euler_to_matrix(np.full(3, 0.2 * 15)), 0.2 * 8.0
    coarse = euler_to_matrix(grid.coarse_angles_deg(candidates.directions, candidates.psis)) @ turn
    logs = brute_log_likelihoods(case, backend, COARSE, coarse, offsets.coarse_angstrom + step)
    logs += candidates.log_prior[:, None] + log_prior_of_offsets(case, offsets.coarse_angstrom)
    kept = significant(np.exp(logs - logs.max()), 0.9)
    rows = np.flatnonzero(kept.any(axis=1))
    angles = grid.fine_angles_deg(candidates.directions[rows], candidates.psis[rows]).reshape(-1, 3)
    parents = np.repeat(offsets.coarse_angstrom, 8, axis=0)
    fine_offsets = parents + np.tile(offsets.child_shifts_angstrom, (len(offsets.coarse_angstrom), 1)) + step
    rotations = euler_to_matrix(angles) @ turn
    fine = brute_log_likelihoods(case, backend, FINE, rotations, fine_offsets)
    # trap 23: the prior of the parent, in both passes
    fine += np.repeat(candidates.log_prior[rows], 8)[:, None] + log_prior_of_offsets(case, parents)
    fine[~np.repeat(np.repeat(kept[rows], 8, axis=0), 8, axis=1)] = -np.inf
    directions = np.repeat(candidates.directions[rows], 8)
    return Brute(angles, rotations, fine_offsets, directions, fine, int(kept.sum()))


@pytest.fixture(scope="module")
def case(world, density):
    return make_case(world, density)


@pytest.fixture(scope="module")
def backend(plain):
    return plain.PlainBackend(2.0, 12)


@pytest.fixture(scope="module")
def brute(case, backend):
    return brute_force(case, backend)


@pytest.fixture(scope="module")
def aligned(case):
    sums = empty_sums(case.step)
    return case.step.align(case.state, sums), sums


def test_there_is_something_to_choose_from(brute):
    """Several poses share the posterior; otherwise the comparisons below would say little."""
    assert brute.coarse_count >= 2
    assert 0.05 < brute.posterior.max() < 0.95


# traps 19, 20, 21, 22, 23
def test_the_best_pose_and_its_probability_are_those_of_brute_force(brute, aligned):
    alignment, _ = aligned
    o, t = np.unravel_index(brute.posterior.argmax(), brute.posterior.shape)
    np.testing.assert_allclose(euler_to_matrix(alignment.angles_deg), brute.rotations[o], atol=1e-6)
    np.testing.assert_allclose(alignment.origin_angstrom, np.array([1.0, -2.0, 3.0]) + brute.offsets_angstrom[t])
    # float32 in the comparison: an error of 1e-6 in log-likelihoods of some hundreds
    assert alignment.max_probability == pytest.approx(brute.posterior.max(), rel=5e-3)
    assert alignment.significant_samples == brute.coarse_count


def stored_of(brute):
    """Weights above the share of 90 %, divided by the sum of all."""
    weights = brute.posterior
    return np.where(significant(weights, 0.9), weights, 0)


def test_sums_are_weighted_by_the_stored_posterior(case, backend, brute, aligned):
    _, sums = aligned
    weights = stored_of(brute)
    assert 0.9 < weights.sum() < 1
    mass = np.zeros(len(case.step.search.orientations.pixels))
    np.add.at(mass, brute.directions, weights.sum(axis=1))
    np.testing.assert_allclose(sums.direction_mass, mass, atol=5e-3)
    # the perturbed fine offset counts, not its parent
    away = case.state.origin_angstrom + brute.offsets_angstrom - case.state.origin_prior_angstrom
    expected = (weights.sum(axis=0) * (away**2).sum(axis=1)).sum()
    assert sums.scalars[0] == pytest.approx(expected, rel=5e-3)
    assert sums.scalars[1] == pytest.approx(brute.posterior.max(), rel=5e-3)
    assert sums.particles == 1


def compact(brute):
    """Poses with weight, and their weights."""
    weights = stored_of(brute)
    rows, columns = np.flatnonzero(weights.any(axis=1)), np.flatnonzero(weights.any(axis=0))
    return brute.rotations[rows], brute.offsets_angstrom[columns], weights[np.ix_(rows, columns)]


# traps 17, 18, 51: masked images in the residuals, unmasked ones in the reconstruction
def test_residuals_and_scale_terms_are_those_of_brute_force(case, backend, brute, aligned):
    _, sums = aligned
    rotations, offsets, weights = compact(brute)
    images = images_of(case, STORED)
    slices = images.ctf * backend.slices(backend.reference(case.transform), images, rotations)
    residual, product, power = np.zeros(9), 0.0, 0.0
    for t, offset in enumerate(offsets):
        moved = images.masked * shifted(images, (case.state.origin_angstrom + offset) / 8.0)
        for o, weight in enumerate(weights[:, t]):
            square = np.abs(SCALE[1] * slices[o] - moved) ** 2
            residual += weight * np.bincount(images.shells, square.sum(axis=0), 9)
            counted = SCALE_SHELLS[images.shells]
            product += weight * (slices[o] * moved.conj()).real[:, counted].sum()
            power += weight * (np.abs(slices[o]) ** 2)[:, counted].sum()
    # beyond the window there is no model: the images' own power
    inside = np.bincount(images.shells, (np.abs(images.masked) ** 2).sum(axis=0), 9)
    residual += weights.sum() * (case.state.images.power - inside)
    # a particle counts as one, however many tilt images it has
    whole = case.state.images
    np.testing.assert_allclose(sums.residual[0], residual / whole.tilts, rtol=5e-3)
    np.testing.assert_allclose(sums.noise_count[0], weights.sum() * whole.pixel_counts / whole.tilts, rtol=1e-3)
    np.testing.assert_allclose(sums.signal_product, [0, product], rtol=5e-3)
    np.testing.assert_allclose(sums.reference_power, [0, power], rtol=5e-3)


def test_the_particle_is_back_projected_with_its_posterior(case, backend, brute, aligned):
    _, sums = aligned
    rotations, offsets, weights = compact(brute)
    expected = empty_sums(case.step).accumulator
    offsets_px = (case.state.origin_angstrom + offsets) / 8.0
    reference = backend.reference(case.transform)
    backend.accumulate(reference, images_of(case, STORED), rotations, offsets_px, weights, expected)
    # what differs are posteriors that rest on float32 comparisons
    tolerance = 5e-3 * np.abs(expected.sums).max(axis=(0, 1, 2))
    assert (np.abs(sums.accumulator.sums - expected.sums) <= tolerance).all()


def test_the_log_likelihood_is_that_of_the_images_under_white_noise(case, brute, aligned):
    alignment, sums = aligned
    images, whole = images_of(case, FINE), case.state.images
    inside = np.bincount(images.shells, (np.abs(images.masked) ** 2).sum(axis=0), 9)
    shells = np.arange(9)
    window = (shells > 0) & (shells <= 6)
    # pixels of the window's last shell beyond its radius have no model
    rest = 0.5 * ((whole.power - inside)[window] / SIGMA2[0, 0]).sum()
    normalisation = whole.pixel_counts[window].sum() * np.log(2 * np.pi * SIGMA2[0, 0])
    beyond = 0.5 * whole.power[shells > 6].sum()
    expected = logsumexp(brute.log_weights) - rest - normalisation - beyond
    assert alignment.log_likelihood == pytest.approx(expected, abs=0.01)
    assert sums.scalars[2] == alignment.log_likelihood


def test_by_correlation_the_best_pose_takes_all(world, density, backend):
    case = make_case(world, density, correlation=True)
    sums = empty_sums(case.step)
    alignment = case.step.align(case.state, sums)
    assert (alignment.max_probability, alignment.significant_samples) == (1, 1)
    assert sums.direction_mass.sum() == 1
    # the best of the 64 children of the best coarse pose
    search = case.step.search
    candidates = search.candidates(case.state.centre_deg)
    turn, step = euler_to_matrix(np.full(3, 0.2 * 15)), 0.2 * 8.0

    def correlations(rotations, offsets, one_pass):
        images = images_of(case, replace(one_pass, correlation=True))
        offsets_px = (case.state.origin_angstrom + offsets) / 8.0
        return backend.correlations(backend.reference(case.transform), images, rotations, offsets_px)

    coarse = euler_to_matrix(search.orientations.coarse_angles_deg(candidates.directions, candidates.psis)) @ turn
    found = correlations(coarse, search.offsets.coarse_angstrom + step, COARSE)
    row, column = np.unravel_index(found.argmax(), found.shape)
    angles = search.orientations.fine_angles_deg(candidates.directions[[row]], candidates.psis[[row]])[0]
    offsets = search.offsets.coarse_angstrom[column] + search.offsets.child_shifts_angstrom + step
    found = correlations(euler_to_matrix(angles) @ turn, offsets, FINE)
    row, column = np.unravel_index(found.argmax(), found.shape)
    np.testing.assert_allclose(euler_to_matrix(alignment.angles_deg), euler_to_matrix(angles[row]) @ turn, atol=1e-6)
    np.testing.assert_allclose(alignment.origin_angstrom, case.state.origin_angstrom + offsets[column])
    # poses are given without a likelihood
    assert alignment.log_likelihood == pytest.approx(found.max(), abs=1e-5)


def test_poses_in_small_portions_give_the_same(case, aligned, monkeypatch):
    monkeypatch.setattr(module, "_POSES_AT_ONCE", 50)
    sums = empty_sums(case.step)
    alignment = case.step.align(case.state, sums)
    assert alignment.significant_samples == aligned[0].significant_samples
    np.testing.assert_array_equal(alignment.angles_deg, aligned[0].angles_deg)
    for whole, portions in zip(aligned[1].arrays(), sums.arrays(), strict=True):
        np.testing.assert_allclose(portions, whole, rtol=1e-4, atol=1e-6 * np.abs(whole).max())


# trap 52: a scale near zero would leave the particle without any weight
def test_a_vanishing_scale_is_raised_to_a_thousandth(case):
    step = replace(case.step, model=replace(case.step.model, scale=np.array([1.0, 0.0])))
    sums, raised = empty_sums(step), empty_sums(step)
    step.align(case.state, sums)
    replace(step, model=replace(step.model, scale=np.array([1.0, 0.001]))).align(case.state, raised)
    np.testing.assert_array_equal(sums.accumulator.sums, raised.accumulator.sums)
    assert sums.accumulator.weight.max() > 0
