import math

import pytest
from pydantic import ValidationError

from halfmap.contract.refine_arguments import (
    FLAGS,
    RefineArguments,
    argument_problems,
    given,
    is_read_when_continuing,
    refusals,
    unread_when_continuing,
    with_implied,
)

GOOD = RefineArguments(
    optimisation_set_file="optimisation_set.star",
    output_root="Refine3D/job003/run",
    reference_file="merged.mrc",
    auto_refine=True,
    split_random_halves=True,
)
CONTINUED = {"continue_from": "run_it003_optimiser.star", "output_root": "run"}


def changed(**options):
    return RefineArguments.model_validate({**GOOD.model_dump(exclude_unset=True), **options})


def only_problem(**options):
    (found,) = argument_problems(changed(**options))
    return found


def test_relions_slips_imply_its_model_of_the_noise():
    assert with_implied(RefineArguments()).noise_model == "exact"
    assert with_implied(RefineArguments(relion_quirks=True)).noise_model == "relion"
    assert with_implied(RefineArguments(relion_quirks=True, noise_model="exact")).noise_model == "exact"


def test_each_flag_is_declared_once():
    flags = [option.declaration.flag for option in FLAGS]
    assert len(flags) == len(set(flags)) == len(RefineArguments.model_fields)


def test_every_flag_is_explained_and_either_works_or_says_why_not():
    for option in FLAGS:
        declaration = option.declaration
        assert declaration.flag.startswith("--")
        assert declaration.help.endswith(".")
        assert not (declaration.not_yet and declaration.no_effect)
        assert bool(declaration.no_effect) == (declaration.group == "Accepted, without effect")


def test_every_default_keeps_its_own_bounds():
    assert argument_problems(GOOD) == []
    assert refusals(GOOD) == []


def test_arguments_cannot_be_changed_after_they_were_made():
    with pytest.raises(ValidationError, match="frozen"):
        GOOD.symmetry = "C6"


def test_an_option_given_with_its_default_counts_as_given():
    assert given(RefineArguments(symmetry="C1")) == {"symmetry"}


@pytest.mark.parametrize("option", [option for option in FLAGS if option.declaration.not_yet], ids=lambda one: one.name)
def test_an_option_that_is_not_offered_is_refused_by_name_unless_it_has_its_default(option):
    other = {"switch": True, "whole number": 77, "number": 77.0, "text": "x"}[option.kind]
    assert refusals(changed(**{option.name: option.default})) == []
    (sentence,) = refusals(changed(**{option.name: other}))
    assert sentence.startswith(f"{option.declaration.flag}: ")


def test_a_refusal_says_what_to_do():
    assert refusals(changed(blush=True)) == [
        "--blush: Blush regularisation is not offered by this version; leave the option out."
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"gpu": "0,1:2"}, "--gpu 0,1:2: a rank computes on one card; give each rank its own, as in 0:1"),
        ({"gpu": "all"}, "--gpu is 'all'; give numbers with colons between"),
        ({"gpu_precision": "half"}, "--gpu_precision is 'half'; give one of tf32, fp32, bf16."),
        ({"gpu": "0", "cpu": True}, "--cpu and --gpu exclude each other"),
        ({"gpu": "", "deterministic": True}, "--deterministic and --gpu exclude each other"),
    ],
)
def test_what_is_wrong_with_cards_is_told(given, told):
    (sentence,) = argument_problems(RefineArguments(**CONTINUED, **given))
    assert sentence.startswith(told)


@pytest.mark.parametrize("ids", ["", "0", "0:1:2"])
def test_cards_may_be_named_or_not(ids):
    arguments = RefineArguments(**CONTINUED, gpu=ids)
    assert argument_problems(arguments) == refusals(arguments) == []


def test_a_new_run_needs_input_output_reference_and_the_two_switches_of_its_method():
    assert [problem.split()[0] for problem in argument_problems(RefineArguments())] == [
        "--o",
        "--ios",
        "--ref",
        "--auto_refine",
        "--split_random_halves",
    ]


def test_a_continued_run_needs_only_an_output():
    assert argument_problems(RefineArguments.model_validate(CONTINUED)) == []
    assert len(argument_problems(RefineArguments(continue_from="run_it003_optimiser.star"))) == 1


def test_a_continued_run_keeps_its_symmetry_and_says_so_even_if_the_default_is_given():
    arguments = RefineArguments(**CONTINUED, symmetry="C1")
    assert argument_problems(arguments) == []
    assert unread_when_continuing(arguments) == ["--sym is not read with --continue: the run keeps its own value."]
    assert not is_read_when_continuing("symmetry")


def test_a_new_run_reads_all_its_options():
    assert unread_when_continuing(RefineArguments(symmetry="C6")) == []


def test_a_continued_run_may_change_its_mask():
    assert argument_problems(RefineArguments.model_validate({**CONTINUED, "solvent_mask_file": "m.mrc"})) == []


@pytest.mark.parametrize(
    ("name", "value", "flag"),
    [
        ("padding", 3, "--pad"),
        ("padding", 0, "--pad"),
        ("pool", 0, "--pool"),
        ("threads", 0, "--j"),
        ("oversampling", 4, "--oversampling"),
        ("healpix_order", 9, "--healpix_order"),
        ("healpix_order", -1, "--healpix_order"),
        ("adaptive_fraction", 0.0, "--adaptive_fraction"),
        ("adaptive_fraction", 1.01, "--adaptive_fraction"),
        ("offset_step_px", 0.0, "--offset_step"),
        ("particle_diameter_angstrom", 0.0, "--particle_diameter"),
        ("sigma_offset_angstrom", math.nan, "--offset"),
        ("initial_lowpass_angstrom", math.inf, "--ini_high"),
    ],
)
def test_a_value_out_of_range_is_told_with_its_flag(name, value, flag):
    assert only_problem(**{name: value}).startswith(f"{flag} is ")


@pytest.mark.parametrize("option", [option for option in FLAGS if option.kind == "number"], ids=lambda one: one.name)
def test_every_number_must_be_finite(option):
    assert "finite" in only_problem(**{option.name: math.nan})


def test_all_problems_are_told_at_once():
    problems = argument_problems(changed(padding=3, pool=0, symmetry="X", no_norm=True, norm_correction=True))
    assert [problem.split()[0] for problem in problems] == ["--pad", "--pool", "--sym", "--norm"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"symmetry": "C0"}, "--sym is 'C0'"),
        ({"gpu": "one"}, "--gpu is 'one'"),
        ({"parallel_disc_io": False}, "--no_parallel_disc_io"),
        ({"norm_correction": True, "no_norm": True}, "--norm and --no_norm"),
        ({"scale_correction": True, "no_scale": True}, "--scale and --no_scale"),
        ({"gridding": True, "skip_gridding": True}, "--dont_skip_gridding and --skip_gridding"),
        ({"cpu": True, "gpu": ""}, "--cpu and --gpu"),
        ({"keep_scratch": True}, "--scratch_dir"),
        ({"force_converge": True}, "--continue"),
        ({"ctf_intact_first_peak": True}, "--ctf too"),
    ],
)
def test_options_that_exclude_or_need_each_other_are_told(options, told):
    assert told in only_problem(**options)


def test_a_masked_fsc_needs_a_mask_unless_an_optimisation_set_may_name_one():
    options = {"optimisation_set_file": "", "particles_file": "particles.star", "solvent_correct_fsc": True}
    assert "--solvent_mask" in only_problem(**options)
    assert argument_problems(changed(solvent_correct_fsc=True)) == []
