"""STAR files: what is refused, what is read, and how tables are laid out."""

import pandas as pd
import pytest
import starfile
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.engine.errors import BadInput
from halfmap.engine.formats.star import format_value, read_star, star_text, write_star

LOOP = "data_particles\n\nloop_\n_rlnA #1\n_rlnB #2\n1 x\n2 y\n"


def written(folder, text):
    path = folder / "some.star"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(folder, text):
    with pytest.raises(BadInput) as refused:
        read_star(written(folder, text))
    (problem,) = refused.value.problems
    assert "some.star" in problem
    return problem


def test_lists_and_loops_are_read_as_the_text_that_stands_there(tmp_path):
    text = "\n# version 50001\n\ndata_general\n\n_rlnA    007\n_rlnB 1e-3 \n \n\n# version 50001\n\n" + LOOP
    tables = read_star(written(tmp_path, text))
    assert tables["general"] == {"rlnA": "007", "rlnB": "1e-3"}
    assert tables["particles"]["rlnA"].tolist() == ["1", "2"]
    assert tables["particles"]["rlnB"].tolist() == ["x", "y"]


def test_numbers_after_labels_tabs_and_comments_do_not_matter(tmp_path):
    text = "# by hand\ndata_particles\nloop_\n_rlnA\n_rlnB\n# of columns\n1\tx\n2\ty"
    tables = read_star(written(tmp_path, text))
    assert tables["particles"]["rlnB"].tolist() == ["x", "y"]
    tables = read_star(written(tmp_path, "data_x\n\n# first\n_rlnA 1\n; second\n\n_rlnB 2\n"))
    assert tables["x"] == {"rlnA": "1", "rlnB": "2"}


# RELION skips these; the package that reads tables would misread them, so that they are refused by name
@pytest.mark.parametrize(("between", "after"), [("# c", "loop_"), ("", "loop_"), ("; c", "_rlnA #1"), ("", "_rlnA #1")])
def test_comments_and_blank_lines_between_labels_are_refused(tmp_path, between, after):
    problem = refusal(tmp_path, LOOP.replace(after, f"{after}\n{between}"))
    assert "before" in problem
    assert "remove" in problem


@pytest.mark.parametrize("word", ["it's", "tomo#1", 'a"b'])
def test_words_that_would_be_misread_are_refused(tmp_path, word):
    assert "line 6" in refusal(tmp_path, LOOP.replace("1 x", f"1 {word}"))
    assert "line 3" in refusal(tmp_path, f"data_list\n\n_rlnA {word}\n\n")


def test_a_backslash_is_misread_only_in_a_list(tmp_path):
    assert "line 2" in refusal(tmp_path, "data_list\n_rlnA a\\b\n")
    tables = read_star(written(tmp_path, LOOP.replace("1 x", "1 a\\b")))
    assert tables["particles"]["rlnB"].tolist() == ["a\\b", "y"]


@pytest.mark.parametrize("line", ["_rlnA", "_rlnA two words"])
def test_a_list_entry_without_one_value_is_refused(tmp_path, line):
    assert refusal(tmp_path, f"data_list\n\n{line}\n_rlnB 2\n")


def test_a_table_without_a_name_and_vectors_are_read(tmp_path):
    tables = read_star(written(tmp_path, "data_\n\n_rlnTomoParticlesFile  a/b.star\n"))
    assert tables[""] == {"rlnTomoParticlesFile": "a/b.star"}
    tables = read_star(written(tmp_path, "data_p\nloop_\n_rlnV #1\n_rlnW #2\n[1,0,1] 2\n"))
    assert tables["p"]["rlnV"].tolist() == ["[1,0,1]"]


def test_quoted_values_may_hold_spaces(tmp_path):
    tables = read_star(written(tmp_path, "data_p\nloop_\n_rlnA #1\n_rlnB #2\n\"x y\" 1\n'z' 2\n"))
    assert tables["p"]["rlnA"].tolist() == ["x y", "z"]


def test_a_carriage_return_is_refused_with_its_line(tmp_path):
    problem = refusal(tmp_path, LOOP.replace("2 y\n", "2 y\r\n"))
    assert "line 7" in problem
    assert "carriage return" in problem


@pytest.mark.parametrize(("row", "values"), [("2", 1), ("2 y z", 3)])
def test_a_row_of_another_length_is_refused_with_its_line_and_table(tmp_path, row, values):
    problem = refusal(tmp_path, LOOP.replace("2 y", row))
    assert "line 7" in problem
    assert f"{values} values" in problem
    assert "'particles'" in problem
    assert "2 columns" in problem


def test_a_comment_between_the_rows_of_a_loop_is_a_row_to_relion(tmp_path):
    assert "line 7" in refusal(tmp_path, LOOP.replace("2 y", "# a comment here\n2 y"))


def test_text_after_a_table_name_is_refused(tmp_path):
    assert "text after 'data_particles'" in refusal(tmp_path, LOOP.replace("data_particles", "data_particles # mine"))


def test_text_outside_of_tables_is_refused(tmp_path):
    assert "line 1" in refusal(tmp_path, "hello there\n" + LOOP)


@pytest.mark.parametrize("text", ["", "\n\n# nothing\n", "data_particles\n"])
def test_a_file_without_a_table_is_refused(tmp_path, text):
    assert "no STAR table" in refusal(tmp_path, text)


def test_a_file_of_bytes_is_refused(tmp_path):
    assert "not a text file" in refusal(tmp_path, b"data_\xff\xfe")


def test_a_missing_file_is_told_with_where_paths_start(tmp_path):
    with pytest.raises(BadInput, match=r"does not exist\. Paths .* relative to the project directory"):
        read_star(tmp_path / "none.star")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_star(tmp_path)


# numbers are 12 wide with six decimals, five if negative; exponents below 0.001 and above 100000
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "    0.000000"),
        (1.5, "    1.500000"),
        (-1.5, "    -1.50000"),
        (0.001, "    0.001000"),
        (0.000999, "9.990000e-04"),
        (1e-6, "1.000000e-06"),
        (-1e-6, "-1.00000e-06"),
        (100000.0, "100000.000000"),
        (100000.5, "1.000005e+05"),
        (1040546.0, "1.040546e+06"),
        (-200000.0, "-2.00000e+05"),
        (123456.789, "1.234568e+05"),
        (7, "           7"),
        (-7, "          -7"),
        (9999999, "     9999999"),
        (True, "           1"),
        (False, "           0"),
        ("a/b.mrc", "a/b.mrc"),
        ("", '""'),
        ("two words", '"two words"'),
        ("tab\there", '"tab\there"'),
        ("'quoted", '"\'quoted"'),
        ('say "so" now', '"say \a"so\a" now"'),
        (float("inf"), "         inf"),
    ],
)
def test_values_are_written_as_relion_writes_them(value, text):
    assert format_value(value) == text


def test_a_list_is_laid_out_line_by_line():
    text = star_text({"general": {"rlnA": 1, "rlnLongerName": "x", "rlnB": ""}})
    assert text == (
        "\n# version 50001\n\ndata_general\n\n"
        "_rlnA                                1\n"
        "_rlnLongerName            x\n"
        '_rlnB                     ""\n'
        " \n"
    )


def test_a_loop_is_laid_out_line_by_line():
    table = pd.DataFrame({"rlnName": ["short", "a_name_longer_than_ten"], "rlnX": [1.0, -2.0], "rlnN": [1, 20]})
    assert star_text({"particles": table}) == (
        "\n# version 50001\n\ndata_particles\n\nloop_ \n_rlnName #1 \n_rlnX #2 \n_rlnN #3 \n"
        "     short     1.000000            1 \n"
        "a_name_longer_than_ten     -2.00000           20 \n"
        " \n"
    )


def test_comments_stand_before_the_first_table(tmp_path):
    path = tmp_path / "x.star"
    write_star(path, {"": {"rlnA": 1}}, comments=("one", "two"))
    assert path.read_text().startswith("# one\n# two\n\n# version 50001\n\ndata_\n\n_rlnA")


# RELION's own files, value by value, are laid out again byte by byte
@pytest.mark.parametrize("name", ["run_it003_optimisation_set.star", "run_it003_data.star", "run_it006_sampling.star"])
def test_files_that_relion_wrote_are_reproduced_byte_by_byte(hiv_twin, name):
    path = hiv_twin / "Refine3D/job006" / name
    tables = {
        table: {k: typed(v) for k, v in content.items()}
        if isinstance(content, dict)
        else content.map(typed).astype(object)
        for table, content in read_star(path).items()
    }
    assert star_text(tables) == path.read_text()


def typed(text):
    """A number as the kind that its text shows; the rest as text."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return "" if text == '""' else text


LABELS = st.from_regex(r"rln[A-Z][a-zA-Z]{0,12}", fullmatch=True)
WORDS = st.from_regex(r"[a-zA-Z0-9/@.:=+\[-][a-zA-Z0-9/@.:=+\[\],_;-]{0,11}", fullmatch=True).filter(
    lambda word: word.lower() not in {"nan", "na", "null", "none"}
)
NUMBERS = st.floats(-1e7, 1e7).map(lambda x: 0.0 if abs(x) < 1e-30 else x)


@settings(max_examples=40, deadline=None)
@given(table=st.dictionaries(LABELS, WORDS, min_size=1, max_size=5))
def test_lists_of_words_come_back(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("list") / "x.star"
    write_star(path, {"general": table})
    assert read_star(path)["general"] == table


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORDS, NUMBERS, st.integers(-(10**9), 10**9)), min_size=1, max_size=5))
def test_loops_of_words_and_numbers_come_back_to_about_six_digits(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("loop") / "x.star"
    table = pd.DataFrame(rows, columns=["rlnName", "rlnX", "rlnN"])
    write_star(path, {"particles": table})
    found = read_star(path)["particles"]
    assert found["rlnName"].tolist() == [name for name, _, _ in rows]
    assert found["rlnN"].astype(int).tolist() == [n for _, _, n in rows]
    for text, (_, number, _) in zip(found["rlnX"], rows, strict=True):
        assert float(text) == pytest.approx(number, rel=1e-5, abs=1e-5)


def test_other_programs_read_what_is_written(tmp_path):
    path = tmp_path / "x.star"
    write_star(path, {"general": {"rlnA": 1}, "particles": pd.DataFrame({"rlnX": [0.5, 1e-6], "rlnName": ["a b", ""]})})
    tables = starfile.read(path)
    assert tables["general"]["rlnA"] == 1
    assert tables["particles"]["rlnX"].tolist() == [0.5, 1e-6]
    assert tables["particles"]["rlnName"][0] == "a b"
