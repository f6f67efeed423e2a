from halfmap.daemon.form import form
from halfmap.tui.text.parameters import parameters, parents


def test_all_options_are_listed_tab_by_tab_and_those_that_differ_are_told():
    listed = list(parameters(form(), {"sym_name": "C6", "particle_diameter": "230"}))
    assert len(listed) == len(form())
    assert {one.key for one in listed if one.differs} == {"sym_name", "particle_diameter"}
    assert [one.tab for one in listed] == [row.tab for row in form()]


def test_another_job_is_compared_value_by_value_where_either_differs():
    listed = parameters(form(), {"sym_name": "C6"}, {"sym_name": "C6", "ini_high": "40"})
    (different,) = [one for one in listed if one.differs]
    assert different.key == "ini_high"
    assert different.value.startswith("60")
    assert different.other.startswith("40")


def test_an_option_that_the_form_does_not_have_is_still_shown():
    listed = list(parameters(form(), {"of_a_later_version": "Yes"}))
    assert listed[-1].key == "of_a_later_version"
    assert listed[-1].value == "Yes"


def test_the_parents_are_the_refinements_that_inputs_lie_in():
    options = {
        "in_optimisation": "Refine3D/job005/run_optimisation_set.star",
        "fn_ref": "Reconstruct/job007/merged.mrc",
        "fn_mask": "Refine3D/job003/mask.mrc",
    }
    assert parents(options) == ("Refine3D/job005/", "Refine3D/job003/")
    assert parents({}) == ()
