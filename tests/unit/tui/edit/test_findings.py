from halfmap.daemon.client import FormCheck, FormProblem, OptionRow, Refusal
from halfmap.tui.form.findings import Findings, keyed, refused, shortened
from halfmap.tui.form.form import open_form

OPTION = FormProblem(key="sym_name", message="\"Symmetry\" (sym_name) is 'Z'; give one of C1 and the like.")
FILE = FormProblem(key="fn_ref", message="merged.mrc: does not exist.")


def test_what_the_files_told_holds_when_only_the_options_are_looked_at() -> None:
    found = Findings().after_options(FormCheck(problems=(OPTION,)))
    found = found.after_files(FormCheck(problems=(OPTION, FILE), particles=200))
    found = found.after_options(FormCheck(coarse_step_deg=20.0))
    assert found.problems == (FILE,)
    assert (found.facts.particles, found.has_looked) == (200, True)


def test_no_problem_is_told_twice() -> None:
    found = Findings().after_options(FormCheck(problems=(OPTION,))).after_files(FormCheck(problems=(OPTION, FILE)))
    assert found.problems == (OPTION, FILE)
    assert found.after_options(FormCheck(problems=(OPTION, FILE))).problems == (OPTION, FILE)


def test_what_a_file_told_is_forgotten_when_its_option_changes() -> None:
    found = Findings().after_files(FormCheck(problems=(FILE,)))
    assert found.after_change("sym_name").problems == (FILE,)
    assert found.after_change("fn_ref").problems == ()


def test_problems_are_counted_tab_by_tab(rows: tuple[OptionRow, ...]) -> None:
    found = Findings((OPTION, FormProblem(message="of no option")), (FILE, FILE))
    assert found.counts(open_form(rows, {})) == {"Reference": 1, "I/O": 2}


def test_problems_are_told_in_the_order_of_the_form(rows: tuple[OptionRow, ...]) -> None:
    free = FormProblem(message="of no option")
    assert Findings((free, OPTION), (FILE,)).in_order(open_form(rows, {})) == (FILE, OPTION, free)


def test_a_refusal_is_shown_at_the_fields_that_its_sentences_name(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {})
    refusal = Refusal(code="refused", message="the job cannot be run:", problems=(OPTION.message, "The disc is full."))
    assert [one.key for one in refused(form, refusal).problems] == ["sym_name", ""]
    assert refused(form, Refusal(code="conflict", message="no.")).problems == (FormProblem(message="no."),)


def test_words_in_brackets_that_are_no_options_name_none(rows: tuple[OptionRow, ...]) -> None:
    check = keyed(open_form(rows, {}), FormCheck(problems=(FormProblem(message="Too much (here): see (nr_mpi)."),)))
    assert check.problems[0].key == "nr_mpi"


def test_at_its_field_a_sentence_leaves_out_the_options_name() -> None:
    assert shortened(OPTION.message) == "is 'Z'; give one of C1 and the like."
    assert shortened(FILE.message) == FILE.message
