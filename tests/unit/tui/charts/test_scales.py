import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.tui.charts.plot import Axis
from halfmap.tui.charts.scales import Span, span_of


@pytest.mark.parametrize("scale", ["linear", "log", "reciprocal"])
@given(st.floats(0.5, 500))
def test_a_value_is_found_again_where_it_was_laid_out(scale, value):
    span = span_of(Axis(scale=scale), (0.5, 500.0))
    assert span.value(span.place(value)) == pytest.approx(value, rel=1e-9)


def test_the_ends_of_an_axis_are_at_0_and_1():
    span = span_of(Axis(scale="log"), (0.1, 10.0, 1000.0))
    assert (span.place(0.1), span.place(10.0), span.place(1000.0)) == pytest.approx((0, 0.5, 1))


def test_finer_distances_are_further_on_a_reciprocal_axis():
    span = span_of(Axis(scale="reciprocal"), (40.0, 10.0))
    assert span.place(40.0) == pytest.approx(0)
    assert span.place(16.0) == pytest.approx(0.5)
    assert span.place(10.0) == pytest.approx(1)


def test_an_infinite_distance_lies_at_the_start_of_an_axis_that_begins_there():
    span = span_of(Axis(scale="reciprocal", low=math.inf, high=10.0), ())
    assert span.place(math.inf) == 0
    assert span.place(20.0) == pytest.approx(0.5)


def test_values_that_are_not_finite_make_no_axis_longer():
    span = span_of(Axis(), (1.0, math.nan, None, math.inf, -math.inf, 3.0))
    assert (span.low, span.high) == (1, 3)


@pytest.mark.parametrize("scale", ["log", "reciprocal"])
def test_values_that_a_scale_does_not_have_are_passed_over(scale):
    span = span_of(Axis(scale=scale, low=-1.0), (0.0, -5.0, 2.0, 8.0))
    assert sorted((span.low, span.high)) == pytest.approx([2, 8])
    assert math.isnan(span.place(0.0))


@pytest.mark.parametrize("scale", ["linear", "log", "reciprocal"])
@pytest.mark.parametrize("value", [1e-30, 0.5, 17.0, 1e16, 1e80])
def test_a_single_value_lies_within_an_axis_that_has_a_length(scale, value):
    span = span_of(Axis(scale=scale), (value, value))
    assert span.start < span.end
    assert 0 < span.place(value) < 1


def test_whole_numbers_get_half_a_unit_on_either_side_of_a_single_one():
    span = span_of(Axis(whole=True), (7.0,))
    assert (span.low, span.high) == (6.5, 7.5)


def test_there_is_room_beyond_the_values_but_not_beyond_an_end_that_is_set():
    span = span_of(Axis(low=0.0), (2.0, 10.0), pad=0.1)
    assert (span.low, span.high) == (0, 11)


def test_without_values_and_ends_there_is_no_axis():
    assert span_of(Axis(), (None, math.nan)) is None


def test_zooming_keeps_the_place_in_the_middle_and_stays_within_the_axis():
    span = Span("linear", 0, 100)
    assert (span.zoomed(4, 0.5).low, span.zoomed(4, 0.5).high) == (37.5, 62.5)
    assert (span.zoomed(4, 1.0).low, span.zoomed(4, 1.0).high) == (75, 100)
    assert span.zoomed(0.2) == span
