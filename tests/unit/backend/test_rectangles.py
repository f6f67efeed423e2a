"""Products of several particles with several orientations cover what is wanted and little else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from halfmap.engine.backend.rectangles import Rectangle, rectangles


def covered(wanted, block):
    counts = np.zeros(wanted.shape, int)
    for one in rectangles(wanted, block):
        counts[one.particles, one.orientations] += 1
    return counts


@given(
    arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 23))),
    st.integers(1, 25),
)
def test_all_that_is_wanted_is_covered_once_and_nothing_twice(wanted, block):
    counts = covered(wanted, block)
    assert (counts[wanted] == 1).all()
    assert counts.max() <= 1


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 23))))
def test_a_particle_that_wants_nothing_is_in_no_product(wanted):
    assert covered(wanted, 4)[~wanted.any(axis=1)].sum() == 0


def test_particles_that_want_the_same_are_in_one_product():
    wanted = np.zeros((6, 16), bool)
    wanted[1:5, 4:12] = True
    assert rectangles(wanted, 4) == [Rectangle(slice(1, 5), slice(4, 12))]


@pytest.mark.parametrize(("last", "together"), [(12, 1), (4, 2)])
def test_particles_that_want_much_the_same_are_multiplied_together(last, together):
    wanted = np.ones((2, 16), bool)
    # one of eight blocks too many is tolerated, three are not
    wanted[1, last:] = False
    assert len(rectangles(wanted, 4)) == together


def test_waste_stays_below_what_is_tolerated_of_each_product():
    ranges = np.random.default_rng(1).integers(0, 64, (40, 2))
    wanted = np.array([(np.arange(64) >= a) & (np.arange(64) < b) for a, b in np.sort(ranges, axis=1)])
    for one in rectangles(wanted, 1):
        part = wanted[one.particles, one.orientations]
        assert part.mean() >= 0.85
