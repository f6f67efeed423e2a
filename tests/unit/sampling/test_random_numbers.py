"""Random numbers against the C library, and against what RELION drew with them."""

import ctypes
import platform

import numpy as np
import pytest
import starfile

from halfmap.engine.sampling.random_numbers import RAND_MAX, next_perturbation, rand, random_half_sets, uniform

IS_GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.mark.skipif(not IS_GLIBC, reason="the C library is not glibc, whose generator RELION's users get")
@pytest.mark.parametrize("seed", [0, 1, 2, 1234567, 2**31 - 1])
def test_the_numbers_are_those_of_the_c_library(seed):
    libc = ctypes.CDLL("libc.so.6")
    libc.srand(ctypes.c_uint(seed))
    expected = [libc.rand() for _ in range(400)]
    assert rand(np.array([seed]), 400)[0].tolist() == expected


# the first values after srand(1) are printed in many a textbook
def test_the_first_numbers_of_seed_one_are_known():
    assert rand(np.array([1]), 3).tolist() == [[1804289383, 846930886, 1681692777]]


def test_many_seeds_are_drawn_from_at_once():
    both = rand(np.array([5, 9]), 7)
    assert both.shape == (2, 7)
    assert both[1].tolist() == rand(np.array([9]), 7)[0].tolist()
    np.testing.assert_allclose(uniform(np.array([5, 9]), 7), both / RAND_MAX)


# trap 58: the recorded half sets of seed 1
def test_half_sets_are_those_that_relion_assigned(hiv_twin):
    recorded = starfile.read(hiv_twin / "Refine3D/job006/run_it000_data.star")["particles"]["rlnRandomSubset"]
    assert random_half_sets(1, len(recorded)).tolist() == recorded.tolist()


# trap 24: the recorded perturbations of seed 1, each after seeding with seed + iteration
def test_perturbations_are_those_that_relion_drew(hiv_twin):
    perturbation = 0.0
    for iteration in range(10):
        name = "run" if iteration == 9 else f"run_it{iteration:03d}"
        general = starfile.read(hiv_twin / f"Refine3D/job006/{name}_sampling.star")["sampling_general"]
        perturbation = next_perturbation(perturbation, 0.5, 1 + iteration)
        assert perturbation == pytest.approx(float(general["rlnSamplingPerturbInstance"]), abs=6e-6)


# trap 24
@pytest.mark.parametrize("factor", [0.5, 0.2])
def test_perturbations_stay_within_their_factor_and_average_to_nothing(factor):
    drawn, perturbation = [], 0.0
    for seed in range(400):
        perturbation = next_perturbation(perturbation, factor, seed)
        drawn.append(perturbation)
    assert -factor <= min(drawn) < max(drawn) <= factor
    # uniform over ±factor: a standard error of 0.03 factors
    assert np.mean(drawn) == pytest.approx(0, abs=0.12 * factor)
    assert np.std(drawn) == pytest.approx(factor / 3**0.5, rel=0.1)


def test_without_a_factor_nothing_is_perturbed():
    assert next_perturbation(0.3, 0.0, 1) == 0
