import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from halfmap.engine.fourier.shells import round_half_away, round_scalar


def test_halves_are_rounded_away_from_zero_unlike_numpy():
    values = np.array([0.5, 1.5, 2.5, -0.5, -2.5, 0.49, -0.49])
    assert round_half_away(values).tolist() == [1, 2, 3, -1, -3, 0, 0]


@given(st.floats(-1e6, 1e6))
def test_rounding_moves_a_number_by_half_at_most(value):
    assert abs(round_scalar(value) - value) <= 0.5
