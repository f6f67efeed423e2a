import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.tui.charts.raster import ASCII, BRAILLE, Canvas, clipped


def shown(canvas: Canvas) -> list[str]:
    return ["".join(run.text for run in row) for row in canvas.rows()]


def test_dots_of_braille_are_where_they_were_painted():
    canvas = Canvas(2, 1, BRAILLE)
    canvas.take_pen(0, "first")
    for x, y in ((0, 0), (1, 3), (2, 1)):
        canvas.dot(x, y)
    assert shown(canvas) == ["⢁⠂"]


def test_ascii_tells_three_levels_of_a_cell():
    canvas = Canvas(4, 1, ASCII)
    canvas.take_pen(0, "first")
    for x, y in ((0, 0), (1, 1), (2, 2), (3, 0), (3, 1), (3, 2)):
        canvas.dot(x, y)
    assert shown(canvas) == ["'-.|"]


def test_what_is_painted_later_is_opaque():
    canvas = Canvas(1, 1, BRAILLE)
    canvas.take_pen(0, "first")
    canvas.dot(0, 0)
    canvas.take_pen(1, "second")
    canvas.dot(1, 3)
    assert shown(canvas) == ["⢀"]
    assert next(canvas.rows())[0].role == "second"


def test_a_line_has_no_holes():
    canvas = Canvas(10, 5, BRAILLE)
    canvas.take_pen(0, "first")
    canvas.line(0, 19, 19, 0)
    assert sum(bin(ord(sign) - 0x2800).count("1") for row in shown(canvas) for sign in row if sign != " ") == 20


@pytest.mark.parametrize("ends", [(math.nan, 0, 1, 1), (0, math.inf, 1, 1)])
def test_a_line_to_nowhere_is_not_painted(ends):
    canvas = Canvas(3, 3, BRAILLE)
    canvas.take_pen(0, "first")
    canvas.line(*ends)
    assert set("".join(shown(canvas))) == {" "}


def test_a_line_is_cut_at_the_rim_where_it_crosses_it():
    canvas = Canvas(4, 1, ASCII)
    canvas.take_pen(0, "first")
    canvas.line(-1e9, 1, 1e9, 1)
    assert shown(canvas) == ["----"]


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, numbers)
def test_what_is_left_of_a_line_is_inside_and_on_it(x0, y0, x1, y1):
    inside = clipped((x0, y0, x1, y1), 100.0, 50.0, 0.0, 0.0)
    if inside is None:
        return
    for x, y in (inside[:2], inside[2:]):
        assert -1e-3 <= x <= 100.001
        assert -1e-3 <= y <= 50.001
        # twice the area of the triangle with the ends, against the length
        off = abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0))
        assert off <= 1e-3 * max(1.0, math.hypot(x1 - x0, y1 - y0))


def test_texts_take_free_cells_only():
    canvas = Canvas(6, 1, BRAILLE)
    canvas.take_pen(0, "first")
    canvas.dot(6, 0)
    assert canvas.is_free(0, 0, 3)
    assert not canvas.is_free(2, 0, 2)
    assert not canvas.is_free(4, 0, 3)
    canvas.write(0, 0, "ab", "level")
    assert not canvas.is_free(1, 0, 1)
    assert shown(canvas) == ["ab ⠁  "]


def test_nothing_is_written_or_painted_beyond_the_canvas():
    canvas = Canvas(2, 1, BRAILLE)
    canvas.take_pen(0, "first")
    canvas.write(1, 0, "abc", "level")
    canvas.write(-1, 0, "x", "level")
    canvas.dot(-1, 0)
    canvas.dot(4, 4)
    canvas.block(range(-5, -2), range(-5, 9))
    assert shown(canvas) == [" a"]
