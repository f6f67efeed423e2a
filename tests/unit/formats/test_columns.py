"""Columns of STAR tables, checked as they are taken out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.columns import as_floats, as_integers, as_vectors, require_table, required

PATH = Path("Extract/job001/particles.star")
TABLE = pd.DataFrame({"rlnX": ["1.5", "-2e-3"], "rlnN": ["3", "4.0"], "rlnBad": ["1", "two"], "rlnInf": ["inf", "1"]})


def test_a_list_counts_as_a_table_of_one_row():
    assert require_table({"general": {"rlnA": "1"}}, "general", PATH)["rlnA"].tolist() == ["1"]
    assert require_table({"x": TABLE}, "x", PATH) is TABLE


def test_a_missing_table_is_told_with_those_that_are_there():
    with pytest.raises(BadInput, match=r"particles\.star: has no table data_particles; it holds data_optics, data_x"):
        require_table({"optics": TABLE, "x": TABLE}, "particles", PATH)


def test_columns_are_taken_as_text_or_numbers():
    assert required(TABLE, "rlnX", PATH) == ["1.5", "-2e-3"]
    assert as_floats(TABLE, "rlnX", PATH).tolist() == [1.5, -0.002]
    assert as_integers(TABLE, "rlnN", PATH).tolist() == [3, 4]
    assert as_integers(TABLE, "rlnN", PATH).dtype == np.int64
    assert as_vectors(TABLE, ("rlnX", "rlnN"), PATH).tolist() == [[1.5, 3], [-0.002, 4]]


def test_a_missing_column_takes_its_default_or_is_refused():
    assert as_floats(TABLE, "rlnY", PATH, 0.0).tolist() == [0, 0]
    assert as_integers(TABLE, "rlnY", PATH, 7).tolist() == [7, 7]
    assert as_vectors(TABLE, ("rlnX", "rlnY"), PATH, 9.0).tolist() == [[1.5, 9], [-0.002, 9]]
    with pytest.raises(BadInput, match=r"particles\.star: has no column _rlnY, which is needed"):
        as_floats(TABLE, "rlnY", PATH)
    with pytest.raises(BadInput, match="_rlnY"):
        required(TABLE, "rlnY", PATH)


@pytest.mark.parametrize(("label", "row", "text"), [("rlnBad", 2, "two"), ("rlnInf", 1, "inf")])
def test_what_is_not_a_finite_number_is_refused_with_its_row(label, row, text):
    with pytest.raises(BadInput, match=f"_{label} of row {row} is '{text}'; a finite number was expected"):
        as_floats(TABLE, label, PATH)
