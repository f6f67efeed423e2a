"""Where the halves meet: shared low resolution, and the FSC between them."""

import numpy as np
import pytest

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.ranks.alone import Alone
from halfmap.engine.refinement.half_sets import (
    added_up,
    gold_standard_fsc,
    is_resolved,
    join_low_resolution,
    joining_shell,
)

RANDOM = np.random.default_rng(15)
GEOMETRY = AccumulatorGeometry(12, 2, 5)


class Bystander(Alone):
    """A rank that is captain of no half."""

    def meet(self, values):
        return None


@pytest.fixture
def accumulators():
    return {half: Accumulator(GEOMETRY, RANDOM.uniform(0.5, 1, GEOMETRY.shape)) for half in (1, 2)}


# traps 38, 41: the mean of both, data and weights alike, so that their later sum is that of all data
def test_halves_share_the_mean_of_their_sums_up_to_a_shell(accumulators):
    found = join_low_resolution(accumulators, 3, Alone())
    first, second = accumulators[1].sums, accumulators[2].sums
    shared = GEOMETRY.radius2 <= 36
    for half in (1, 2):
        np.testing.assert_allclose(found[half].sums[shared], ((first + second) / 2)[shared])
        np.testing.assert_array_equal(found[half].sums[~shared], accumulators[half].sums[~shared])
    np.testing.assert_allclose(found[1].sums + found[2].sums, first + second)


def test_a_rank_without_a_half_of_its_own_joins_nothing(accumulators):
    assert join_low_resolution(accumulators, 3, Bystander()) is accumulators
    assert gold_standard_fsc(accumulators, Bystander()) is None
    assert added_up(accumulators, Bystander()) is None


# trap 41: r_j = CEIL(N·pix/res) with the worse of 40 Å and the current resolution
@pytest.mark.parametrize(("resolution", "expected"), [(1 / 20, 8), (1 / 60, 5), (0.0, 0), (1 / 40, 8)])
def test_halves_are_joined_up_to_forty_angstrom_or_the_resolution_if_that_is_worse(resolution, expected):
    # 300 Å: 7.5 and 5 shells
    assert joining_shell(ModelGrid(100, 3.0), 40.0, resolution) == expected


# traps 40, 41
def test_shared_shells_correlate_fully_and_others_by_themselves(accumulators):
    # data of random sign hardly correlate
    noisy = {half: Accumulator(GEOMETRY, RANDOM.normal(size=GEOMETRY.shape)) for half in (1, 2)}
    for accumulator in noisy.values():
        accumulator.sums[..., 2] = 1
        accumulator.sums[GEOMETRY.radius2 > GEOMETRY.radius**2] = 0
    apart = gold_standard_fsc(noisy, Alone())
    joined = gold_standard_fsc(join_low_resolution(noisy, 3, Alone()), Alone())
    assert len(joined) == 7
    np.testing.assert_allclose(joined[:3], 1)
    assert abs(joined[5]) < 0.3
    assert joined[5] == apart[5]
    assert np.abs(apart[2:6]).max() < 0.5
    assert joined[6] == 0


def test_both_halves_are_added_up(accumulators):
    found = added_up(accumulators, Alone())
    np.testing.assert_allclose(found.sums, accumulators[1].sums + accumulators[2].sums)


@pytest.mark.parametrize(("first_of_its_own", "resolved"), [(0.3, False), (0.49, False), (0.5, True), (0.9, True)])
def test_maps_are_resolved_if_the_halves_agree_where_they_do_not_share(first_of_its_own, resolved):
    fsc = np.array([1.0, 1, 1, 0.95, first_of_its_own, 0.2])
    assert is_resolved(fsc, 3) is resolved
    assert not is_resolved(fsc, 5), "all shells are shared"
