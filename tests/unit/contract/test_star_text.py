import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfmap.contract.star_text import StarError, list_text, loop_text, quoted, read_tables, split_words

WORDS = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)) | st.just("\t"))

NAMES = st.text(string.ascii_lowercase, min_size=1)


@given(st.lists(WORDS, min_size=1))
def test_quoted_words_are_read_back_as_they_were(words):
    assert split_words(1, " ".join(map(quoted, words))) == words


@given(st.lists(st.tuples(NAMES, WORDS), min_size=1))
def test_a_loop_is_read_back_as_it_was(rows):
    tables = read_tables(loop_text("words", ("rlnFirst", "rlnSecond"), rows))
    assert [tuple(row.values.values()) for row in tables["words"]] == rows


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", '""'),
        ("plain", "plain"),
        ("1.8 degrees", '"1.8 degrees"'),
        ("it's", "it's"),
        ("'quoted'", "\"'quoted'\""),
        ('say "no"', '"say \a"no\a""'),
    ],
)
def test_quotation_marks_are_set_where_relion_sets_them(text, written):
    assert quoted(text) == written


def test_both_kinds_of_quotation_marks_are_read():
    assert split_words(1, "'a b' \"c d\" e'f") == ["a b", "c d", "e'f"]


def test_a_list_stands_in_relions_columns():
    assert list_text("job", {"rlnJobTypeLabel": "relion.refine3d.tomo", "rlnJobIsContinue": 0}) == (
        "\n# version 50001\n\ndata_job\n\n"
        "_rlnJobTypeLabel             relion.refine3d.tomo\n"
        "_rlnJobIsContinue                       0\n"
        " \n"
    )


def test_columns_comments_and_empty_lines_may_stand_as_relion_allows():
    values = "# version 30001\n\ndata_a\n; note\n_rlnX  1\n# note\n_rlnY 2 \n\n"
    rows = "data_b\n\nloop_\n_rlnP #1\n_rlnQ\n 1  2\n3 4\n"
    tables = read_tables(values + rows)
    assert [dict(row.values) for row in tables["a"]] == [{"rlnX": "1"}, {"rlnY": "2"}]
    assert [dict(row.values) for row in tables["b"]] == [{"rlnP": "1", "rlnQ": "2"}, {"rlnP": "3", "rlnQ": "4"}]
    assert [row.line for row in tables["b"]] == [14, 15]


def test_a_value_that_looks_like_a_table_is_a_value():
    tables = read_tables("data_b\nloop_\n_rlnP\nfirst\ndata_folder/x.star\n")
    assert [row.values["rlnP"] for row in tables["b"]] == ["first", "data_folder/x.star"]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("data_a\r\n_rlnX 1\n", 1, "carriage return"),
        ("data_a\n_rlnX 1\n_rlnY 2\r\n", 3, "carriage return"),
        ("data_a extra\n", 1, "after the name of the table"),
        ("_rlnX 1\n", 1, "outside of a table"),
        ("data_a\n_rlnX 1 2\n", 2, "2 values for _rlnX"),
        ("data_a\n_rlnX\n", 2, "0 values for _rlnX"),
        ("data_a\nvalue\n", 2, "values without labels"),
        ("data_a\nloop_\n_rlnX\n_rlnY\n1 2\n1\n", 6, "1 values for 2 labels"),
        ("data_a\nloop_\n_rlnX\n_rlnY\n1 2 3\n", 5, "3 values for 2 labels"),
        ("data_a\nloop_\n_rlnX\n1\n# note\n2\n", 5, "comment among the rows"),
        ("data_a\nloop_\n_rlnX\n1\n\n2\n", 6, "an empty line ends a table"),
        ('data_a\n_rlnX "open\n', 2, "quotation mark"),
    ],
)
def test_what_relion_could_not_read_is_refused_with_its_line(text, line, told):
    with pytest.raises(StarError, match=f"line {line}: .*{told}"):
        read_tables(text)
