"""Sums over particles."""

import numpy as np

from halfmap.engine.fourier.backprojector import Accumulator, AccumulatorGeometry
from halfmap.engine.refinement.sums import ExpectationSums, pooled

GEOMETRY = AccumulatorGeometry(4, 1, 2)


def filled(value):
    sums = ExpectationSums.empty(Accumulator.empty(GEOMETRY), 2, 3, 4, 5)
    for i, array in enumerate(sums.arrays()):
        np.add(array, value + i, out=array)
    return sums


def test_sums_start_with_nothing():
    sums = ExpectationSums.empty(Accumulator.empty(GEOMETRY), 2, 3, 4, 5)
    shapes = [array.shape for array in sums.arrays()]
    assert shapes == [GEOMETRY.shape, (2, 3), (2, 3), (2, 3), (4,), (4,), (5,), (4,)]
    assert not any(array.any() for array in sums.arrays())
    assert sums.particles == 0


def test_sums_are_added_in_place():
    first, second = filled(1.0), filled(10.0)
    arrays = first.arrays()
    first.add(second)
    for i, array in enumerate(arrays):
        assert (array == 11 + 2 * i).all()
    assert (second.accumulator.sums == 10).all()


def test_pooling_adds_everything_but_the_large_accumulators():
    first, second = filled(1.0).without_accumulator(), filled(10.0).without_accumulator()
    assert first.accumulator.sums.size == 0
    found = pooled(first, second)
    for i, array in enumerate(found.arrays()[1:], 1):
        assert (array == 11 + 2 * i).all()
    # neither of the two has changed
    assert (first.scalars == 1 + 7).all()
    assert found.particles == 11 + 2 * 7


def test_what_is_left_without_the_accumulator_is_the_same():
    sums = filled(2.0)
    for whole, left in zip(sums.arrays()[1:], sums.without_accumulator().arrays()[1:], strict=True):
        np.testing.assert_array_equal(left, whole)
