import math

import pytest
from pydantic import ValidationError

from halfmap.contract.refine3d import (
    OPTIONS,
    Refine3D,
    defaults_from_environment,
    job_from_values,
    problems,
)

GOOD = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="Reconstruct/job002/merged.mrc")


def changed(**options):
    return Refine3D.model_validate({**GOOD.model_dump(), **options})


def messages(job):
    return [problem.message for problem in problems(job)]


def problem_of(key, **options):
    (found,) = [problem.message for problem in problems(changed(**options)) if problem.key == key]
    return found


def test_the_form_has_the_61_options_of_relion_5_and_three_more():
    assert len(OPTIONS) == 64
    assert OPTIONS.keys() >= {"fn_img", "qsub_extra1", "qsub_extra2"}


def test_the_tabs_come_in_the_order_of_relions_form():
    tabs = list(dict.fromkeys(option.declaration.tab for option in OPTIONS.values()))
    assert tabs == ["I/O", "Reference", "CTF", "Optimisation", "Auto-sampling", "Helix", "Compute", "Running"]


def test_every_condition_names_an_option_and_a_value_that_it_can_have():
    for option in OPTIONS.values():
        for condition in option.declaration.enabled_when:
            assert OPTIONS[condition.option].kind == "switch"
            assert isinstance(condition.equals, bool)


def test_every_option_has_a_label_and_a_help_of_at_least_a_sentence():
    for option in OPTIONS.values():
        assert option.declaration.label
        assert option.declaration.help.endswith(".")


def test_every_default_keeps_its_own_rules():
    assert problems(GOOD) == []


def test_a_job_cannot_be_changed_after_it_was_made():
    with pytest.raises(ValidationError, match="frozen"):
        GOOD.sym_name = "C6"


def test_an_empty_form_misses_an_input_and_a_reference():
    assert [problem.key for problem in problems(Refine3D())] == ["in_optimisation", "fn_ref"]


def test_a_problem_names_the_option_by_label_and_key():
    assert messages(changed(particle_diameter=0)) == [
        '"Mask diameter (A)" (particle_diameter) is 0; give a number above 0.'
    ]


def test_all_problems_are_told_at_once_in_the_order_of_the_form():
    job = changed(nr_mpi=4, sym_name="C7x", particle_diameter=-5, offset_step=0, ini_high=math.nan, fn_ref="None")
    assert [problem.key for problem in problems(job)] == [
        "fn_ref",
        "ini_high",
        "sym_name",
        "particle_diameter",
        "offset_step",
        "nr_mpi",
    ]


def test_direct_entries_need_particles_and_tomograms():
    job = changed(in_optimisation="", use_direct_entries=True)
    assert [problem.key for problem in problems(job)] == ["in_particles", "in_tomograms"]
    assert problems(changed(in_optimisation="", use_direct_entries=True, in_particles="p", in_tomograms="t")) == []


def test_an_optimisation_set_excludes_direct_entries():
    found = problem_of("in_optimisation", use_direct_entries=True, in_particles="p", in_tomograms="t")
    assert "although direct entries are used" in found


def test_direct_entries_without_their_switch_are_pointed_out():
    assert "set use_direct_entries to Yes" in problem_of("in_optimisation", in_optimisation="", in_particles="p.star")


def test_relion_4s_entry_for_particles_is_an_input():
    assert problems(changed(in_optimisation="", fn_img="PseudoSubtomo/job004/particles.star")) == []


def test_two_entries_for_particles_exclude_each_other():
    options = {"in_optimisation": "", "use_direct_entries": True, "in_tomograms": "t"}
    assert "keep one" in problem_of("fn_img", fn_img="a.star", in_particles="b.star", **options)


@pytest.mark.parametrize("ranks", [1, 2, 3, 5, 33])
def test_both_half_sets_can_have_equal_numbers_of_ranks(ranks):
    assert problems(changed(nr_mpi=ranks)) == []


@pytest.mark.parametrize("ranks", [4, 6, 32])
def test_an_even_number_of_ranks_is_refused_with_the_nearest_odd_ones(ranks):
    assert f"give {ranks - 1} or {ranks + 1}" in problem_of("nr_mpi", nr_mpi=ranks)


def test_no_rank_at_all_is_refused():
    assert "at least 1" in problem_of("nr_mpi", nr_mpi=0)


def test_pseudo_subtomograms_must_be_read_in_parallel():
    assert "set it to Yes" in problem_of("do_parallel_discio", do_parallel_discio=False)


def test_output_cannot_be_redirected_through_additional_arguments():
    assert "run.out" in problem_of("other_args", other_args="--verb 2 > my.log")


def test_a_run_is_continued_from_the_optimiser_of_an_iteration_only():
    assert problems(Refine3D(fn_cont="Refine3D/job003/run_it012_optimiser.star")) == []
    assert "run_it012_optimiser.star" in problem_of("fn_cont", fn_cont="Refine3D/job003/run_optimiser.star")


def test_gpu_ids_matter_only_when_gpus_are_used():
    assert problems(changed(gpu_ids="all")) == []
    assert "0,1:2,3" in problem_of("gpu_ids", use_gpu=True, gpu_ids="all")


def test_numbers_of_a_disabled_tab_do_not_matter():
    assert problems(changed(helical_nr_asu=0)) == []
    assert "at least 1" in problem_of("helical_nr_asu", do_helix=True, helical_nr_asu=0)


def test_a_masked_fsc_needs_a_mask():
    assert "there is no mask" in problem_of("do_solvent_fsc", do_solvent_fsc=True)
    assert problems(changed(do_solvent_fsc=True, fn_mask="mask.mrc")) == []


def test_a_choice_must_be_one_of_the_list():
    assert "7.5 degrees" in problem_of("sampling", sampling="8 degrees")


@pytest.mark.parametrize("key", ["fn_ref", "sym_name", "sampling"])
def test_a_scheme_variable_must_be_replaced(key):
    assert "scheme variable $$x" in problem_of(key, **{key: "$$x"})


def test_a_line_break_in_a_text_is_refused():
    assert "line break" in problem_of("fn_ref", fn_ref="a\nb.mrc")


@pytest.mark.parametrize("key", [key for key, option in OPTIONS.items() if option.kind == "number"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_every_number_in_effect_must_be_finite(key, value):
    everything = {"do_helix": True, "do_local_search_helical_symmetry": True, key: value}
    assert "finite" in problem_of(key, **everything)


def test_texts_that_cannot_be_read_are_collected_while_the_rest_is_kept():
    job, unreadable = job_from_values(
        {"ini_high": "abc", "nr_mpi": "2.5", "do_zero_mask": "1", "offset_step": "$$step", "sym_name": "C6"}
    )
    assert [str(problem) for problem in unreadable] == [
        "\"Initial low-pass filter (A)\" (ini_high) is 'abc', which is not a number.",
        "\"Mask individual particles with zeros?\" (do_zero_mask) is '1'; write Yes or No.",
        '"Initial offset step (pix)" (offset_step) is the scheme variable $$step; put a value in its place.',
        "\"Number of MPI procs\" (nr_mpi) is '2.5', which is not a whole number.",
    ]
    assert job == Refine3D(sym_name="C6")


def test_values_are_read_by_their_kind():
    job, unreadable = job_from_values({"ini_high": "40", "nr_mpi": "5", "do_zero_mask": "No", "qsub_extra1": "a b"})
    assert unreadable == []
    assert (job.ini_high, job.nr_mpi, job.do_zero_mask, job.qsub_extra1) == (40.0, 5, False, "a b")


def test_an_empty_environment_changes_no_default():
    assert defaults_from_environment({}) == {}


def test_a_site_sets_defaults_through_the_environment():
    environ = {
        "RELION_QSUB_NRMPI": "5",
        "RELION_QSUB_NRTHREADS": "8",
        "RELION_QUEUE_USE": "yes",
        "RELION_QUEUE_NAME": "gpu",
        "RELION_QSUB_COMMAND": "qsub",
        "RELION_QSUB_TEMPLATE": "/site/qsub.csh",
        "RELION_MINIMUM_DEDICATED": "24",
        "RELION_SCRATCH_DIR": "/ssd",
        "HOME": "/home/anna",
    }
    job, unreadable = job_from_values(defaults_from_environment(environ))
    assert unreadable == []
    assert job == Refine3D(
        nr_mpi=5,
        nr_threads=8,
        do_queue=True,
        queuename="gpu",
        qsub="qsub",
        qsubscript="/site/qsub.csh",
        min_dedicated=24,
        scratch_dir="/ssd",
    )


def test_a_useless_number_in_the_environment_is_told_like_any_other():
    _, unreadable = job_from_values(defaults_from_environment({"RELION_QSUB_NRMPI": "many"}))
    assert [problem.key for problem in unreadable] == ["nr_mpi"]


@pytest.mark.parametrize(
    ("environ", "extras"),
    [
        ({"RELION_QSUB_EXTRA1": "Time"}, {"qsub_extra1": ""}),
        ({"RELION_QSUB_EXTRA1": "Time", "RELION_QSUB_EXTRA1_DEFAULT": "2 days"}, {"qsub_extra1": "2 days"}),
        ({"RELION_QSUB_EXTRA1_DEFAULT": "2 days"}, {}),
        ({"RELION_QSUB_EXTRA1": "a", "RELION_QSUB_EXTRA2": "b"}, {"qsub_extra1": "", "qsub_extra2": ""}),
        ({"RELION_QSUB_EXTRA2": "b", "RELION_QSUB_EXTRA_COUNT": "1"}, {}),
        ({"RELION_QSUB_EXTRA2": "b", "RELION_QSUB_EXTRA_COUNT": "10"}, {"qsub_extra2": ""}),
    ],
)
def test_extra_queue_arguments_exist_where_the_site_defines_them(environ, extras):
    assert defaults_from_environment(environ) == extras
