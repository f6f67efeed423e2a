from halfmap.daemon.client import FormCheck, FormProblem, OptionRow
from halfmap.tui.form.field_state import EMPTY, FieldState, field_state, turned
from halfmap.tui.form.findings import Findings
from halfmap.tui.form.form import open_form

SET = Findings(facts=FormCheck(set_names={"rlnTomoParticlesFile": "run_data.star", "rlnTomoTomogramsFile": "None"}))


def state(rows: tuple[OptionRow, ...], key: str, findings: Findings, **options: str) -> FieldState:
    form = open_form(rows, options)
    row = form.row(key)
    assert row is not None
    return field_state(form, findings, row)


def test_a_field_that_does_not_apply_is_hidden(rows: tuple[OptionRow, ...]) -> None:
    assert not state(rows, "in_particles", Findings()).is_shown
    assert state(rows, "in_particles", Findings(), use_direct_entries="Yes").is_shown


def test_it_is_looked_at_only_where_the_set_fills_its_place(rows: tuple[OptionRow, ...]) -> None:
    found = state(rows, "in_particles", SET)
    assert (found.is_shown, found.is_locked, found.hint) == (True, True, "from the set: run_data.star")
    assert not state(rows, "in_tomograms", SET).is_shown


def test_an_entry_that_overrules_the_set_can_be_typed_over_what_the_set_holds(rows: tuple[OptionRow, ...]) -> None:
    found = state(rows, "fn_img", SET)
    assert (found.is_locked, found.hint) == (False, "from the set: run_data.star")
    assert state(rows, "fn_img", SET, fn_img="mine.star").value == "mine.star"


def test_a_field_with_a_problem_is_never_hidden_or_locked(rows: tuple[OptionRow, ...]) -> None:
    found = Findings((FormProblem(key="in_particles", message='"Input particle set" (in_particles) is odd.'),))
    wrong = state(rows, "in_particles", found)
    assert (wrong.is_shown, wrong.is_locked, wrong.problem) == (True, False, "is odd.")


def test_an_empty_field_says_so_or_what_is_wrong_with_it(rows: tuple[OptionRow, ...]) -> None:
    assert state(rows, "fn_mask", Findings()).hint == EMPTY
    found = Findings((FormProblem(key="fn_ref", message='"Reference map" (fn_ref) is empty; name a map.'),))
    assert state(rows, "fn_ref", found).hint == "is empty; name a map."


def test_the_advice_on_the_coarse_step_stands_beside_the_angular_sampling(rows: tuple[OptionRow, ...]) -> None:
    facts = Findings(facts=FormCheck(coarse_step_deg=27.6))
    assert state(rows, "sampling", facts).advice == "15° or finer"
    assert state(rows, "offset_range", facts).advice == ""


def test_a_switch_that_is_neither_becomes_yes() -> None:
    assert [turned(text) for text in ("Yes", "No", "maybe")] == ["No", "Yes", "Yes"]
