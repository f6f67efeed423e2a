import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from halfmap.tui.charts.arrange import arranged, draw_all
from halfmap.tui.charts.draw import draw
from halfmap.tui.charts.plot import Axis, Level, Mark, Plot, Series

ITERATIONS = tuple(float(n) for n in range(1, 41))
PLOT = Plot(
    title="Resolution",
    x=Axis("iteration", whole=True),
    y=Axis("Å", "reciprocal"),
    series=(
        Series("FSC 0.143", ITERATIONS, tuple(38 - 0.7 * n for n in ITERATIONS), "second", "line", "g"),
        Series("in run", ITERATIONS, tuple(40 - 0.7 * n for n in ITERATIONS), "first", "line", "r"),
        Series("step", ITERATIONS, tuple(20.0 if n < 20 else 15.0 for n in ITERATIONS), "third", "stairs", "s"),
        Series("joined", (40.0,), (11.0,), "final", "points", "J"),
    ),
    levels=(Level(16.2, "Nyquist 16.2 Å"),),
    marks=(Mark(12.0, "local searches"),),
    cursor_x=30.0,
    notes=("iteration 30: 19 Å, 0.7 Å finer than before", "FSC 0.143 at 17 Å"),
)


def lines(rows) -> list[str]:
    return ["".join(run.text for run in row) for row in rows]


def roles_of(rows, text: str) -> set[str]:
    return {run.role for row in rows for run in row if text in run.text}


def test_a_plot_has_title_legend_values_names_and_notes():
    rows = lines(draw(PLOT, 70, 16, False))
    assert rows[0].rstrip() == "Resolution (Å)  J joined  s step  r in run  g FSC 0.143"
    assert any("Nyquist 16.2 Å" in row for row in rows)
    assert any("local searches" in row for row in rows)
    assert rows[-3].split() == ["5", "10", "15", "20", "25", "30", "iteration", "40"]
    assert [row.rstrip() for row in rows[-2:]] == list(PLOT.notes)
    assert {row[2] for row in rows[1:-3]} == {"│", "┤"}


def test_curves_are_told_apart_by_letters():
    rows = draw(PLOT, 70, 16, False)
    drawn = "".join(lines(rows)[1:-3])
    for letter in "grsJ":
        assert letter in drawn
    assert roles_of(rows[1:-3], "J") == {"final"}


def test_in_ascii_nothing_else_is_written():
    rows = lines(draw(PLOT, 70, 16, True))
    assert all(row.isascii() for row in rows)
    assert rows[0].startswith("Resolution (A)")
    assert any("Nyquist 16.2 A" in row for row in rows)


def test_the_cursor_is_a_line_in_its_column():
    rows = draw(PLOT, 70, 16, False)
    without = draw(Plot(**{**fields(PLOT), "cursor_x": None}), 70, 16, False)
    assert any(run.role == "cursor" for row in rows for run in row)
    assert not any(run.role == "cursor" for row in without for run in row)


def fields(plot: Plot) -> dict[str, object]:
    return {name: getattr(plot, name) for name in Plot.__slots__}


def series(y, line="line", glyph="") -> Plot:
    x = tuple(float(n) for n in range(len(y)))
    return Plot("t", Axis(), Axis(low=0.0, high=10.0), (Series("", x, tuple(y), "first", line, glyph),))


def test_an_unknown_value_leaves_a_gap():
    whole, gap = (lines(draw(series(y), 40, 6, False))[1:-1] for y in ((5,) * 5, (5, 5, math.nan, 5, 5)))
    assert sum(row.count(" ") for row in gap) > sum(row.count(" ") for row in whole) + 8


def test_a_value_between_gaps_is_seen():
    drawn = "".join(lines(draw(series((None, 5.0, None)), 40, 6, False))[1:-1])
    assert any("⠀" < sign <= "⣿" for sign in drawn)


def test_stairs_hold_a_value_until_the_next():
    rows = lines(draw(series((0.0, 10.0), "stairs"), 22, 6, True))[1:-1]
    assert rows[-1].count(".") + rows[-1].count("-") > 12
    assert rows[0].rstrip().endswith("|")


def test_bars_stand_on_the_ground():
    rows = lines(draw(series((2.0, 8.0), "bars"), 24, 12, False))[1:-1]
    filled = [row.count("⣿") for row in rows]
    assert filled[0] == 0
    assert 0 < filled[-3] <= filled[-1]
    assert filled[3] < filled[-1]


def test_a_level_beyond_the_plot_is_named_with_an_arrow():
    plot = Plot(**{**fields(series((5.0, 6.0))), "levels": (Level(20.0, "high"), Level(-3.0, "low"))})
    assert any("high ↑" in row for row in lines(draw(plot, 40, 8, False)))
    assert any("low v" in row for row in lines(draw(plot, 40, 8, True)))


def test_zoomed_there_is_less_of_x_about_the_cursor():
    values = lines(draw(PLOT, 70, 16, False, 4.0))[-3].split()
    numbers = [int(value) for value in values if value.isdecimal()]
    assert min(numbers) >= 25
    assert max(numbers) <= 35


def test_with_nothing_to_draw_it_is_said():
    rows = lines(draw(Plot("FSC", Axis(), Axis(), (Series("x", (1.0,), (None,)),), empty="no curve yet"), 30, 7, False))
    assert rows[0].startswith("FSC")
    assert any("no curve yet" in row for row in rows[1:])


def test_with_fewer_rows_notes_go_first_then_values_of_x():
    seven, six, four, three, two, one = (lines(draw(PLOT, 60, height, False)) for height in (7, 6, 4, 3, 2, 1))
    assert seven[-1].startswith("iteration 30")
    assert "iteration" in six[-1]
    assert "iteration" in four[-1]
    assert "iteration" not in three[-1]
    assert two[0].startswith("Resolution")
    assert one[0].startswith("iteration 30: 19 Å")


def test_hostile_texts_are_neither_obeyed_nor_wider_than_their_place():
    plot = Plot(
        "\x1b[31mtitle\x07",
        Axis("it\ner"),
        Axis("日本"),
        (Series("A" * 300 + "\u202e", (1.0, 2.0), (1.0, 2.0), "overlay", "line", "\x1b"),),
        (Level(1.5, "日本語\x1b]0;x\x07"),),
        notes=("\x1b[2J" + "n" * 300,),
    )
    rows = draw(plot, 50, 10, False)
    assert all("\x1b" not in row and "\x07" not in row and "\u202e" not in row for row in lines(rows))
    assert all(cell_len(row) == 50 for row in lines(rows))


numbers = st.one_of(
    st.none(),
    st.sampled_from([0.0, 1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, 1e16]),
    st.floats(-100, 1e4),
)
texts = st.sampled_from(["", "x", "Å°", "日本語", "z" * 300, "\x1b[31m", "e\u0301", "👩‍👩‍👧", "\ud800", "a\nb"])
axes = st.builds(
    Axis, texts, st.sampled_from(["linear", "log", "reciprocal"]), low=numbers, high=numbers, whole=st.booleans()
)
curves = st.builds(
    Series,
    texts,
    st.lists(numbers, max_size=9).map(tuple),
    st.lists(numbers, max_size=9).map(tuple),
    line=st.sampled_from(["line", "stairs", "points", "bars"]),
    glyph=texts,
)
plots = st.builds(
    Plot,
    texts,
    axes,
    axes,
    st.lists(curves, max_size=3).map(tuple),
    st.lists(st.builds(Level, numbers, texts), max_size=2).map(tuple),
    st.lists(st.builds(Mark, numbers, texts), max_size=2).map(tuple),
    numbers,
    st.lists(texts, max_size=3).map(tuple),
    texts,
)


@settings(max_examples=150, deadline=None)
@given(plots, st.integers(0, 60), st.integers(0, 18), st.booleans(), st.sampled_from([1.0, 2.0, 64.0]))
def test_whatever_is_drawn_fills_its_area_exactly(plot, width, height, ascii_only, zoom):
    rows = draw(plot, width, height, ascii_only, zoom)
    assert len(rows) == height
    for row in lines(rows):
        assert cell_len(row) == width
        assert row.isprintable()
        assert row.isascii() or not ascii_only


@settings(max_examples=40, deadline=None)
@given(st.lists(plots, max_size=5), st.integers(0, 120), st.integers(0, 30))
def test_several_plots_fill_their_area_exactly(several, width, height):
    rows = draw_all(several, width, height, False)
    assert len(rows) == height
    assert all(cell_len(row) == width for row in lines(rows))


@pytest.mark.parametrize(
    ("plots", "width", "height", "grid"),
    [
        (2, 120, 12, (2, 1)),
        (2, 76, 20, (1, 2)),
        (2, 36, 7, (1, 1)),
        (4, 120, 30, (2, 2)),
        (5, 76, 20, (2, 2)),
        (1, 1, 1, (1, 1)),
    ],
)
def test_plots_stand_beside_or_below_one_another_as_there_is_room(plots, width, height, grid):
    found = arranged(plots, width, height)
    assert (found.columns, found.rows) == grid


@pytest.mark.usefixtures("undisturbed")
def test_a_chart_of_four_curves_is_drawn_in_a_few_milliseconds():
    spent = []
    for _ in range(15):
        began = time.process_time()
        draw(PLOT, 60, 15, False)
        spent.append(time.process_time() - began)
    # about 2 ms
    assert min(spent) < 0.01, spent
