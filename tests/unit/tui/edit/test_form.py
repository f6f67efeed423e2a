from halfmap.daemon.client import OptionRow
from halfmap.tui.form.form import Form, open_form, unknown


def named(form: Form, key: str) -> OptionRow:
    row = form.row(key)
    assert row is not None
    return row


def test_only_what_differs_from_the_defaults_is_submitted(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"sym_name": "C6", "ini_high": "60"}).with_value("nr_mpi", "3").with_value("nr_pool", "3")
    assert form.options == {"sym_name": "C6", "nr_mpi": "3"}


def test_what_was_changed_is_told_from_what_the_form_was_opened_with(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"sym_name": "C6"})
    assert form.changed == ()
    assert form.with_value("sym_name", "C1").with_value("nr_mpi", "3").changed == ("sym_name", "nr_mpi")
    assert form.with_value("sym_name", "C1").with_value("sym_name", "C6").changed == ()


def test_options_that_the_job_does_not_have_are_left_out_and_named(rows: tuple[OptionRow, ...]) -> None:
    options = {"sym_name": "C6", "nonsense": "1", "another": ""}
    assert open_form(rows, options).options == {"sym_name": "C6"}
    assert unknown(rows, options) == ("another", "nonsense")


def test_an_option_applies_while_those_it_depends_on_are_as_declared(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {})
    particles, optimisation = named(form, "in_particles"), named(form, "in_optimisation")
    assert (form.applies(particles), form.applies(optimisation)) == (False, True)
    form = form.with_value("use_direct_entries", "Yes")
    assert (form.applies(particles), form.applies(optimisation)) == (True, False)


def test_a_run_that_goes_on_keeps_what_cannot_be_changed_then(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"fn_cont": "Refine3D/job001/run_it003_optimiser.star"})
    assert form.is_kept(named(form, "ini_high"))
    assert not form.is_kept(named(form, "nr_mpi"))
    assert not open_form(rows, {}).is_kept(named(form, "ini_high"))


def test_the_tabs_are_relions_and_hold_every_option_but_those_not_offered(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {})
    assert form.tabs[:3] == ("I/O", "Reference", "CTF")
    shown = {row.key for tab in form.tabs for row in form.fields(tab)}
    assert shown == {row.key for row in rows if row.tab != "Helix"}


def test_what_is_not_offered_has_a_field_only_where_it_must_be_taken_back(rows: tuple[OptionRow, ...]) -> None:
    form = open_form(rows, {"do_helix": "Yes"})
    assert [row.key for row in form.fields("Helix")] == ["do_helix"]
