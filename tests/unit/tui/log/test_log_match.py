import signal
import time

import pytest

from halfmap.tui.text.log_match import ERROR_LINES, BadExpression, Expression, Marks, expression_of


def test_small_letters_find_both_and_capitals_only_themselves():
    assert expression_of("iteration").compiled().search("Iteration 3")
    assert not expression_of("Iteration").compiled().search("iteration 3")


def test_the_letter_of_a_class_is_no_capital():
    assert expression_of(r"\Sok").ignores_case
    assert expression_of(r"\W").compiled().search("-")


@pytest.mark.parametrize("typed", ["a(", "[", "*", "a{99999999999}", "(?<x", "(" * 5000])
def test_what_is_no_regular_expression_is_told(typed):
    with pytest.raises(BadExpression, match="no regular expression"):
        expression_of(typed)


def test_only_plain_words_are_taken_as_words():
    assert expression_of("Pmax= 0").words == ("pmax= 0",)
    assert expression_of("P.ax").words == ()


@pytest.mark.parametrize(
    "pattern", [r"[^x]y", r"a\sb", r"a\nb", r"\Wa", r"\Da", r"[a\n]", r"(?s)a.b", r"(?=\n)a", r"\x0a"]
)
def test_expressions_that_could_cross_lines_are_known(pattern):
    assert Expression(pattern).may_cross_lines


@pytest.mark.parametrize("pattern", ["a.*b", r"\d+ of \d+", "^x|y$", "(?:a|b)+", "(?i:a)", r"a\.b", "[abc]"])
def test_expressions_that_stay_in_a_line_are_known(pattern):
    assert not Expression(pattern).may_cross_lines


def test_errors_are_searched_for_many_lines_at_once():
    assert not ERROR_LINES.may_cross_lines


def test_marks_are_where_it_matches_and_nowhere_where_it_matches_nothing():
    assert Marks(expression_of("ab*")).spans("xabbxa") == ((1, 4), (5, 6))
    assert Marks(expression_of("b*")).spans("aca") == ()


def test_an_expression_that_takes_for_ever_is_left_soon_and_not_tried_again():
    marks = Marks(expression_of("(a+)+b"))
    before = signal.getsignal(signal.SIGALRM)
    began = time.monotonic()
    assert marks.spans("a" * 200) == ()
    assert marks.is_slow
    assert marks.spans("ab") == ()
    assert time.monotonic() - began < 2
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
