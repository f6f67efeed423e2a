"""A form as the text of a job.star, and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfmap.contract.refine3d import OPTIONS
from halfmap.daemon.form_text import form_as_text, form_from_text
from halfmap.daemon.inspection import LONGEST_FORM_TEXT
from halfmap.daemon.service import Refused

OPTIONS_OF_A_JOB = {
    "in_optimisation": "sets/o.star",
    "fn_ref": "a map.mrc",
    "ini_high": "40",
    "do_ctf_correction": "No",
}
TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=20)


def keys(found):
    return [problem.key for problem in found.problems]


def test_options_come_back_from_their_text():
    written = form_as_text(OPTIONS_OF_A_JOB)
    assert written.options == OPTIONS_OF_A_JOB
    assert form_from_text(written.text) == written


@given(st.dictionaries(st.sampled_from([key for key in OPTIONS if OPTIONS[key].kind == "text"]), TEXTS))
@settings(deadline=None, max_examples=50)
def test_any_texts_come_back(options):
    written = form_as_text(options)
    assert written.problems == ()
    assert form_from_text(written.text).options == written.options


def test_defaults_are_not_among_the_options():
    assert form_as_text({"ini_high": "60", "sym_name": "C1"}).options == {}


def test_a_run_to_be_continued_is_written_as_such():
    text = form_as_text({"fn_cont": "Refine3D/job009/run_it003_optimiser.star"}).text
    assert "_rlnJobIsContinue                       1" in text
    assert form_from_text(text).problems == ()


def test_what_cannot_be_written_is_told_and_the_rest_is_written():
    found = form_as_text({"ini_high": "abc", "fn_ref": "a\nb", "my_key": "1", "sym_name": "C6"})
    assert sorted(keys(found)) == ["fn_ref", "ini_high", "my_key"]
    assert found.options == {"sym_name": "C6"}
    assert form_from_text(found.text).options == {"sym_name": "C6"}


def test_a_value_that_cannot_be_read_is_told_and_kept_as_it_was_typed():
    text = form_as_text({}).text.replace("ini_high         60 ", "ini_high         6O ") + "  "
    found = form_from_text(text)
    assert found.options == {"ini_high": "6O"}
    assert "not a number" in found.problems[0].message


def test_an_option_that_this_job_does_not_have_is_told_and_left_out():
    text = form_as_text({}).text.replace("ini_high         60 ", "initial_high         60 ")
    found = form_from_text(text)
    assert keys(found) == ["initial_high"]
    assert found.options == {}


def test_a_run_to_be_continued_without_its_file_is_told():
    found = form_from_text(form_as_text({}).text.replace("IsContinue                       0", "IsContinue     1"))
    assert keys(found) == ["fn_cont"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "rlnJobTypeLabel"),
        ("\x1b[31mhello", "line 1"),
        ("\ndata_job\n_rlnJobTypeLabel relion.class3d\n", "relion.class3d"),
        ("\r\ndata_job\r\n", "Windows"),
    ],
)
def test_what_is_no_job_star_is_refused_with_the_place(text, told):
    with pytest.raises(Refused, match=told) as caught:
        form_from_text(text)
    assert caught.value.refusal.code == "bad_request"


def test_a_text_that_nobody_could_read_back_is_refused():
    with pytest.raises(Refused) as caught:
        form_as_text({"other_args": "x" * LONGEST_FORM_TEXT})
    assert caught.value.refusal.code == "too_large"
