import pytest

from halfmap.tui.text.log_match import Marks, expression_of
from halfmap.tui.text.log_status import Place, status_text
from halfmap.tui.text.log_text import LINE_BYTES, RawLine
from halfmap.tui.text.log_words import title_of
from halfmap.tui.widgets.log.log_row import RowLook, column_of, row, thumb_of


def drawn(kept, look, marks=None, is_hit=False, missing=0):
    return row(RawLine(kept, missing), look, marks, is_hit).text


def test_a_line_that_fits_is_drawn_whole():
    assert drawn(b"0123456789", RowLook(10)) == "0123456789"


def test_what_is_missing_at_either_side_has_a_sign():
    line = b"0123456789"
    assert drawn(line, RowLook(5)) == "0123…"
    assert drawn(line, RowLook(5, 2)) == "…345…"
    assert drawn(line, RowLook(5, 5)) == "…6789"
    assert drawn(line, RowLook(5, ascii=True)) == "0123>"
    assert drawn(line, RowLook(5, 5, ascii=True)) == "<6789"
    assert drawn(line, RowLook(5, 50)) == "…"
    assert drawn(b"", RowLook(5, 50)) == ""


def test_wide_characters_are_not_halved():
    line = "漢字漢字漢字".encode()
    for width in range(1, 13):
        for column in range(12):
            assert row(RawLine(line), RowLook(width, column), None, False).cell_length <= width


@pytest.mark.parametrize("width", [0, 1, 2])
def test_the_smallest_rows_are_drawn(width):
    assert len(drawn(b"abcdef", RowLook(width, 1))) <= max(1, width)


def test_how_much_of_a_giant_line_is_missing_stands_at_its_end():
    line = b"x" * LINE_BYTES
    assert drawn(line, RowLook(60, LINE_BYTES - 10), missing=200_000_000).endswith("… 200.0 MB more in this line")
    assert "more" not in drawn(line, RowLook(60), missing=200_000_000)


def test_matches_are_reversed_and_the_line_that_was_found_is_underlined_too():
    marks = Marks(expression_of("b+"))
    styles = [
        (one.text, bool(one.style.reverse), bool(one.style.underline))
        for one in row(RawLine(b"abbc"), RowLook(9), marks, False)
    ]
    assert styles == [("a", False, False), ("bb", True, False), ("c", False, False)]
    assert [bool(one.style.underline) for one in row(RawLine(b"abbc"), RowLook(9), marks, True)] == [False, True, False]


def test_errors_and_warnings_have_styles_of_their_own():
    plain, error, warning = (
        next(iter(row(RawLine(text), RowLook(80), None, False))).style for text in (b"fine", b"ERROR: x", b"WARNING: y")
    )
    assert len({plain, error, warning}) == 3


def test_going_to_a_match_moves_sideways_only_if_it_is_not_seen():
    line = RawLine(b"x" * 100 + b"needle" + b"x" * 100)
    marks = Marks(expression_of("needle"))
    assert column_of(line, RowLook(40), marks) == 80
    assert column_of(line, RowLook(40, 90), marks) == 90
    assert column_of(RawLine(b"needle"), RowLook(40, 90), marks) == 0
    assert column_of(RawLine(b"none"), RowLook(40, 7), marks) == 7


def test_the_thumb_of_the_scroll_bar_is_where_one_is():
    assert thumb_of(10, 20, 0) == (0, 0)
    assert thumb_of(40, 20, 0) == (0, 80)
    assert thumb_of(40, 20, 20) == (80, 160)
    assert thumb_of(1_500_000, 20, 0) == (0, 8)
    assert thumb_of(1_500_000, 0, 0) == (0, 0)


PLACE = Place("run.out", 11, 30, 1_558_140, 200_300_000)


def test_the_status_tells_file_lines_following_and_size():
    assert status_text(PLACE, "", 90) == "run.out · lines 11–30 of 1,558,140 · following · 200.3 MB"
    ascii_text = status_text(PLACE, "", 90, ascii_only=True)
    assert ascii_text == "run.out . lines 11-30 of 1,558,140 . following . 200.3 MB"


def test_the_status_leaves_out_what_matters_least():
    assert status_text(PLACE, "", 50) == "run.out · lines 11–30 of 1,558,140 · following"
    assert status_text(PLACE, "", 40) == "run.out · lines 11–30 of 1,558,140"
    assert status_text(PLACE, "", 5) == "run.…"
    assert status_text(PLACE, "", 0) == ""


def test_a_message_stands_in_front():
    assert status_text(PLACE, "not found: 'x'.", 40) == "not found: 'x'."
    assert status_text(PLACE, "a\x1b[31mb", 60).startswith("a\ufffd[31mb · lines")


def test_lines_that_are_not_counted_yet_have_no_number():
    counting = Place("run.out", 1, 20, 500, 1000, to_count=250)
    assert status_text(counting, "", 60) == "run.out · 75 % of the lines counted · following · 1.0 KB"


def test_a_file_that_is_not_there_has_no_place():
    assert status_text(Place("run.err", 1, 0, 0, 0), "", 60) == "run.err"


def test_errors_are_announced_in_the_title():
    assert title_of("8 Output", "", "run.err", 0) == "8 Output"
    assert title_of("8 Output", "", "run.err", 1) == "8 Output · run.err 1 line (t)"
    assert title_of("8 Output", "", "run.err", 3000) == "8 Output · run.err 3,000 lines (t)"
    assert title_of("8 Output", "run.err", "run.err", 0) == "8 Output: run.err"
