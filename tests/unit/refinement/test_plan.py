"""Windows and grids of an iteration."""

from dataclasses import replace

import numpy as np
import pytest

from halfmap.engine.imaging.ctf import Microscope
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.particles.optics import OpticsGroup
from halfmap.engine.refinement.plan import fitting_distribution, plan_search, plan_windows
from halfmap.engine.refinement.state import Control, Sampling
from halfmap.engine.sampling.orientations import OrientationGrid
from halfmap.engine.sampling.symmetry import PointGroup

GRID = ModelGrid(128, 4.0)
SAME = OpticsGroup(1, "", Microscope(300, 2.7, 0.1), 4.0, 128, True)
SMALLER = OpticsGroup(2, "", Microscope(300, 2.7, 0.1), 5.0, 60, True)
# 20 shells and 10 more
CONTROL = Control(3, 20 / 512, Sampling(3, 20.0, 8.0, perturbation=0.3))


@pytest.fixture
def settings(world):
    settings = world.refinement.settings
    return replace(settings, sampling=replace(settings.sampling, diameter_angstrom=200.0))


def windows_of(settings, control=CONTROL, optics=SAME):
    return plan_windows(control, settings, (optics,), GRID).by_group[0]


# trap 63: r_max is half of the window, the stored cube 2·(2·30 + 1) + 1
def test_the_model_reaches_as_far_as_its_window(settings):
    plan = plan_windows(CONTROL, settings, (SAME, SMALLER), GRID)
    assert (plan.model_px, plan.max_shell, plan.geometry.shape) == (60, 30, (123, 123, 62, 3))
    assert len(plan.by_group) == 2


# 7.5° of 200 Å: 2·⌈512/10.9⌉ = 94, more than the fine window; 15°: 48
def test_the_coarse_pass_looks_at_what_the_angular_step_can_tell_apart(settings):
    for order, coarse in [(3, 60), (2, 48)]:
        control = replace(CONTROL, sampling=Sampling(order, 20.0, 8.0))
        windows = windows_of(settings, control)
        assert windows.coarse.image_size_px == coarse
        assert windows.fine.image_size_px == windows.stored.image_size_px == 60
        assert windows.coarse.max_shell == windows.fine.max_shell == windows.stored.max_shell == 30


def test_without_oversampling_both_passes_see_the_same(settings):
    search = replace(settings.search, oversampling=0)
    control = replace(CONTROL, sampling=Sampling(1, 20.0, 8.0))
    assert windows_of(replace(settings, search=search), control).coarse.image_size_px == 60


def test_windows_of_smaller_images_are_scaled(settings):
    # 60 of 512 Å are ⌈17.6⌉ pairs of pixels of 300 Å
    assert windows_of(settings, optics=SMALLER).fine.image_size_px == 36


# a strict limit holds for both passes, not for what is back-projected: 512/25.6 = 20 shells
def test_a_strict_limit_on_resolution_holds_for_comparisons(settings):
    search = replace(settings.search, finest_angstrom=25.6)
    windows = windows_of(replace(settings, search=search))
    assert windows.coarse.image_size_px == windows.fine.image_size_px == 40
    assert windows.stored.image_size_px == 60
    beyond = replace(settings, search=replace(settings.search, finest_angstrom=2.0))
    assert windows_of(beyond).fine.image_size_px == 60


def test_a_limit_on_low_resolution_leaves_the_first_shells_out_of_comparisons(settings):
    search = replace(settings.search, coarsest_angstrom=100.0)
    windows = windows_of(replace(settings, search=search))
    assert windows.coarse.first_shell == windows.fine.first_shell == 5
    assert windows.stored.first_shell == 0


def test_in_the_last_iteration_all_frequencies_are_used(settings):
    plan = plan_windows(replace(CONTROL, has_converged=True), settings, (SAME,), GRID)
    assert plan.model_px == 128
    assert plan.by_group[0].stored.image_size_px == 128


def test_windows_know_whether_poses_are_compared_by_correlation(settings):
    by_correlation = replace(settings, search=replace(settings.search, first_by_correlation=True))
    first, second = (windows_of(by_correlation, replace(CONTROL, iteration=i)) for i in (1, 2))
    assert (first.coarse.correlation, first.fine.correlation, first.stored.correlation) == (True, True, False)
    assert not second.coarse.correlation
    assert first.compared == replace(first.fine, correlation=False)
    assert second.correlated == replace(second.coarse, correlation=True)


def test_grids_are_laid_out_as_the_sampling_says(settings):
    found = plan_search(CONTROL.sampling, settings, PointGroup("C2"))
    assert found.orientations == OrientationGrid(3, 1, PointGroup("C2"))
    assert (found.offsets.range_angstrom, found.offsets.step_angstrom, found.offsets.oversampling) == (20, 8, 1)
    assert found.prior is None
    assert found.perturbation == 0.3
    with_prior = plan_search(replace(CONTROL.sampling, sigma_tilt_deg=10.0), settings, PointGroup("C2"))
    assert with_prior.prior.sigma_tilt_deg == 10
    assert with_prior.prior.sigma_rot_deg == 0
    assert not with_prior.prior.euler_psi_window


def test_the_distribution_of_directions_is_kept_on_its_grid_and_flat_on_another():
    grid = OrientationGrid(1, 1, PointGroup("C1"))
    mass = np.random.default_rng(1).dirichlet(np.ones(48))
    assert fitting_distribution(mass, grid) is mass
    np.testing.assert_allclose(fitting_distribution(mass[:20], grid), np.full(48, 1 / 48))
