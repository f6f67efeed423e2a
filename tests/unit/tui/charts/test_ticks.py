import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.tui.charts.plot import Axis
from halfmap.tui.charts.scales import Span, span_of
from halfmap.tui.charts.ticks import brief, texts_of, ticks_across, ticks_up


def texts(ticks) -> list[str]:
    return [tick.text for tick in ticks]


def test_values_are_multiples_of_1_2_or_5():
    span = span_of(Axis(), (0.0, 1.0))
    assert texts(ticks_across(span, 60)) == [
        "0.0",
        "0.1",
        "0.2",
        "0.3",
        "0.4",
        "0.5",
        "0.6",
        "0.7",
        "0.8",
        "0.9",
        "1.0",
    ]
    assert texts(ticks_across(span, 24)) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert texts(ticks_across(span, 12)) == ["0.0", "0.5", "1.0"]


def test_iterations_are_whole_numbers_however_few_there_are():
    assert texts(ticks_across(span_of(Axis(whole=True), (1.0, 3.0)), 80, whole=True)) == ["1", "2", "3"]
    assert texts(ticks_across(span_of(Axis(whole=True), (4.0,)), 80, whole=True)) == ["4"]


def test_a_reciprocal_axis_is_labelled_with_round_distances():
    span = span_of(Axis(scale="reciprocal"), (50.0, 3.0))
    assert texts(ticks_across(span, 80)) == ["50", "20", "15", "10", "9", "8", "7", "6", "5", "4.5", "4", "3.5", "3"]
    assert texts(ticks_across(span, 30)) == ["20", "10", "8", "6", "5", "4", "3.5", "3"]
    assert texts(ticks_across(span, 12)) == ["10", "5", "4", "3"]


def test_a_short_piece_of_a_reciprocal_axis_has_values_too():
    assert texts(ticks_up(span_of(Axis(scale="reciprocal"), (19.44, 16.2)), 8)) == ["19", "18", "17"]


def test_decades_are_divided_where_there_is_room():
    span = span_of(Axis(scale="log"), (1.0, 1000.0))
    assert texts(ticks_up(span, 8)) == ["1", "10", "100", "1000"]
    assert texts(ticks_up(span, 30)) == ["1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"]


@given(
    st.sampled_from(["linear", "log", "reciprocal"]),
    st.floats(1e-5, 1e5),
    st.floats(1.0001, 1e4),
    st.integers(1, 90),
    st.booleans(),
)
def test_values_written_across_never_touch_and_are_what_they_say(scale, low, ratio, cells, whole):
    span = span_of(Axis(scale=scale), (low, low * ratio))
    row = [" "] * cells
    for tick in ticks_across(span, cells, whole and scale == "linear"):
        begin = min(max(round(tick.place * (cells - 1)) - len(tick.text) // 2, 0), cells - len(tick.text))
        around = row[max(begin - 1, 0) : begin + len(tick.text) + 1]
        assert set(around) <= {" "}
        row[begin : begin + len(tick.text)] = tick.text
        assert -1e-6 <= tick.place <= 1 + 1e-6
    assert len(row) == cells


@given(
    st.sampled_from(["linear", "log", "reciprocal"]), st.floats(1e-5, 1e5), st.floats(1.0001, 1e4), st.integers(1, 60)
)
def test_values_written_upwards_have_rows_of_their_own(scale, low, ratio, rows):
    ticks = ticks_up(span_of(Axis(scale=scale), (low, low * ratio)), rows)
    assert len({round(tick.place * (rows - 1)) for tick in ticks}) == len(ticks)


@pytest.mark.parametrize("span", [Span("linear", -1e99, 1e99), Span("log", -99, 99), Span("reciprocal", 0, 1e99)])
def test_enormous_axes_have_few_values(span):
    assert len(ticks_across(span, 60)) < 30


def test_no_room_means_no_values():
    assert ticks_across(Span("linear", 0, 1), 0) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.46875, "0.469"),
        (17.152942, "17.2"),
        (999.7, "1000"),
        (9999.4, "9999"),
        (12_345, "12.3k"),
        (999_700, "1M"),
        (2_221_395, "2.22M"),
        (-0.5, "-0.5"),
        (0, "0"),
    ],
)
def test_a_value_in_three_digits(value, text):
    assert brief(value) == text


def test_values_along_an_axis_have_as_many_decimals_as_their_step_needs():
    assert texts_of([2.20e6, 2.21e6, 2.22e6], 1e4) == ["2.20M", "2.21M", "2.22M"]
    assert texts_of([0.0, 20000.0], 20000.0) == ["0", "20k"]
    assert texts_of([-0.2, 0.0, 0.2], 0.2) == ["-0.2", "0.0", "0.2"]
    assert not math.isnan(float(texts_of([1e20], 1e20)[0]))
