"""Single values of a STAR file are changed, everything else stays."""

from pathlib import Path

import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import read_star
from halfmap.engine.formats.star_edit import with_values

TEXT = """# by hand, 1 of 2

data_general

_rlnA   1e-3
_rlnB "two words"

data_particles

loop_
_rlnName #1
_rlnX #2
_rlnY #3
; not RELION's
  "a b"     1.000000         2.0
c 3\t4.50

data_other
loop_
_rlnX
1.000000

# the end"""
PATH = Path("some.star")


def test_only_the_asked_values_change():
    found = with_values(PATH, TEXT.replace("; not RELION's\n", ""), "particles", {"rlnX": ["-7.25", "8"]})
    expected = TEXT.replace("; not RELION's\n", "").replace('"a b"     1.000000', '"a b"        -7.25')
    assert found == expected.replace("c 3\t4.50", "c 8\t4.50")


def test_longer_values_push_what_follows_aside(tmp_path):
    columns = {"rlnY": ["   14.850000", "-9.09300e-16"], "rlnX": ["   0.5", "12"]}
    found = with_values(PATH, TEXT.replace("; not RELION's\n", ""), "particles", columns)
    (tmp_path / "x.star").write_text(found)
    table = read_star(tmp_path / "x.star")["particles"]
    assert table["rlnY"].tolist() == ["14.850000", "-9.09300e-16"]
    assert table["rlnX"].tolist() == ["0.5", "12"]
    assert table["rlnName"].tolist() == ["a b", "c"]


def test_single_values_are_changed_in_lists_and_in_the_first_table():
    assert with_values(PATH, TEXT, "general", {"rlnB": ['"x y"']}) == TEXT.replace("two words", "x y")
    assert with_values(PATH, TEXT, None, {"rlnA": ["5"]}) == TEXT.replace("1e-3", "5")


def test_nothing_is_changed_where_the_values_are_the_same():
    values = {"rlnX": ["1.000000", "3"], "rlnY": ["2.0", "4.50"]}
    text = TEXT.replace("; not RELION's\n", "")
    assert with_values(PATH, text, "particles", values) == text


@pytest.mark.parametrize(
    ("text", "table", "complaint"),
    [
        (TEXT, "optics", "has 0 tables data_optics"),
        (TEXT + "\n\ndata_other\n", "other", "has 2 tables data_other"),
        (TEXT, "other", "has no column _rlnZ"),
    ],
)
def test_a_table_or_column_that_is_not_there_once_is_refused(text, table, complaint):
    with pytest.raises(BadInput, match=complaint):
        with_values(PATH, text, table, {"rlnZ": ["1"]})
