import shlex

import pytest

from halfmap.contract.command_line import ArgumentError, to_argv
from halfmap.contract.conversion import arguments_from_job, launch_problems
from halfmap.contract.refine3d import ANGULAR_SAMPLINGS, OPTIONS, Refine3D
from halfmap.contract.refine_arguments import FLAGS, argument_problems

ROOT, CONTROL = "Refine3D/job003/run", "Refine3D/job003/"
GOOD = Refine3D(in_optimisation="Extract/job001/optimisation_set.star", fn_ref="Reconstruct/job002/merged.mrc")
CONTINUED = Refine3D(fn_cont="Refine3D/job003/run_it005_optimiser.star")

# As RELION 5.0.1 assembles it for GOOD with C6, three ranks and two cards.
RELIONS_COMMAND = (
    "--o Refine3D/job003/run --auto_refine --split_random_halves --ios Extract/job001/optimisation_set.star --ref"
    " Reconstruct/job002/merged.mrc --firstiter_cc --trust_ref_size --ini_high 60 --dont_combine_weights_via_disc"
    " --pool 3 --pad 2  --ctf --particle_diameter 200 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2"
    " --auto_local_healpix_order 4 --offset_range 5 --offset_step 2 --sym C6 --low_resol_join_halves 40 --norm --scale"
    '  --j 1 --gpu "0:1"  --pipeline_control Refine3D/job003/'
)


def changed(job=GOOD, /, **options):
    return Refine3D.model_validate({**job.model_dump(), **options})


def converted(job=GOOD, /, **options):
    return arguments_from_job(changed(job, **options), ROOT, CONTROL)


def flags_of(arguments):
    return {word for word in to_argv(arguments) if word.startswith("--")}


def pairs(words):
    """Flag and value of each option; an option without a value has None."""
    following = [*words[1:], "--"]
    return {(a, None if b.startswith("--") else b) for a, b in zip(words, following, strict=True) if a.startswith("--")}


def other_args_problems(text, job=GOOD):
    with pytest.raises(ArgumentError) as caught:
        converted(job, other_args=text)
    return caught.value.problems


def test_the_command_is_relions_option_by_option():
    arguments = converted(sym_name="C6", nr_mpi=3, use_gpu=True, gpu_ids="0:1")
    assert pairs(to_argv(arguments)) == pairs(shlex.split(RELIONS_COMMAND))


def test_a_good_job_gives_arguments_without_a_problem():
    assert argument_problems(converted()) == []
    assert launch_problems(GOOD) == []


def test_every_flag_that_the_form_claims_to_set_exists():
    known = {option.declaration.flag for option in FLAGS}
    claimed = {flag for option in OPTIONS.values() for flag in option.declaration.flags}
    assert claimed <= known


@pytest.mark.parametrize(("order", "choice"), list(enumerate(ANGULAR_SAMPLINGS)))
def test_the_place_of_an_angular_choice_is_its_healpix_order(order, choice):
    arguments = converted(sampling=choice, auto_local_sampling=choice)
    assert (arguments.healpix_order, arguments.auto_local_healpix_order) == (order, order)


def test_the_offset_step_is_doubled_because_one_oversampling_halves_it():
    assert converted(offset_step=0.7).offset_step_px == 1.4


def test_another_oversampling_changes_the_coarse_steps_so_that_the_fine_ones_stay():
    arguments = converted(other_args="--oversampling 2", offset_step=1, sampling="7.5 degrees")
    assert (arguments.healpix_order, arguments.auto_local_healpix_order, arguments.offset_step_px) == (1, 3, 4.0)


@pytest.mark.parametrize(
    ("options", "flag", "is_there"),
    [
        ({"ref_correct_greyscale": True}, "--firstiter_cc", False),
        ({"ref_correct_greyscale": False}, "--firstiter_cc", True),
        ({"trust_ref_size": False}, "--trust_ref_size", False),
        ({"ini_high": 0}, "--ini_high", False),
        ({"ini_high": -1}, "--ini_high", False),
        ({"do_ctf_correction": False, "ctf_intact_first_peak": True}, "--ctf_intact_first_peak", False),
        ({"do_ctf_correction": True, "ctf_intact_first_peak": True}, "--ctf_intact_first_peak", True),
        ({"do_zero_mask": False}, "--zero_mask", False),
        ({"do_solvent_fsc": True}, "--solvent_correct_fsc", False),
        ({"do_solvent_fsc": True, "fn_mask": "None"}, "--solvent_correct_fsc", False),
        ({"do_solvent_fsc": True, "fn_mask": "mask.mrc"}, "--solvent_correct_fsc", True),
        ({"sigma_tilt": 0}, "--sigma_tilt", False),
        ({"sigma_tilt": 10}, "--sigma_tilt", True),
        ({"auto_faster": True}, "--auto_ignore_angles", True),
        ({"auto_faster": True}, "--auto_resol_angles", True),
        ({"do_parallel_discio": False}, "--no_parallel_disc_io", True),
        ({"do_combine_thru_disc": True}, "--dont_combine_weights_via_disc", False),
        ({"scratch_dir": "/ssd"}, "--scratch_dir", True),
        ({"scratch_dir": "/ssd", "do_preread_images": True}, "--scratch_dir", False),
        ({"scratch_dir": "/ssd", "do_preread_images": True}, "--preread_images", True),
        ({"use_gpu": False, "gpu_ids": "0"}, "--gpu", False),
        ({"use_gpu": True}, "--gpu", True),
        ({"do_blush": True}, "--blush", True),
        ({"relax_sym": "C2"}, "--relax_sym", True),
    ],
)
def test_an_option_of_the_form_writes_its_flag_under_relions_condition(options, flag, is_there):
    assert (flag in flags_of(converted(**options))) is is_there


def test_skipping_the_padding_is_a_padding_of_one():
    assert converted(do_pad1=True).padding == 1
    assert converted(do_pad1=False).padding == 2


def test_direct_entries_replace_the_optimisation_set():
    arguments = converted(
        in_optimisation="", use_direct_entries=True, in_particles="p", in_tomograms="t", in_trajectories="m"
    )
    assert {"--i", "--tomograms", "--trajectories"} <= flags_of(arguments)
    assert "--ios" not in flags_of(arguments)


def test_relion_4s_particles_go_along_with_the_optimisation_set():
    arguments = converted(fn_img="particles.star")
    assert arguments.particles_file == "particles.star"
    assert arguments.optimisation_set_file == GOOD.in_optimisation


def test_a_continued_run_writes_only_what_relion_writes_then():
    arguments = converted(CONTINUED, fn_mask="mask.mrc", auto_faster=True)
    assert flags_of(arguments) == {
        "--continue",
        "--o",
        "--pipeline_control",
        "--particle_diameter",
        "--solvent_mask",
        "--auto_ignore_angles",
        "--auto_resol_angles",
        "--dont_combine_weights_via_disc",
        "--pool",
        "--pad",
        "--j",
    }
    assert argument_problems(arguments) == []


def test_a_helix_is_converted_as_relion_does_and_refused_afterwards():
    arguments = converted(
        do_helix=True,
        helical_tube_outer_diameter=150,
        helical_range_distance=3,
        helical_nr_asu=5,
        helical_twist_initial=22,
        helical_rise_initial=1.4,
        helical_z_percentage=30,
        range_rot=-1,
        range_tilt=15,
        range_psi=120,
    )
    written = pairs(to_argv(arguments)) - pairs(to_argv(converted()))
    assert written == {
        ("--helix", None),
        ("--helical_outer_diameter", "150"),
        ("--helical_sigma_distance", "1"),
        ("--helical_keep_tilt_prior_fixed", None),
        ("--helical_nr_asu", "5"),
        ("--helical_twist_initial", "22"),
        ("--helical_rise_initial", "1.4"),
        ("--helical_z_percentage", "0.3"),
        ("--sigma_rot", "0"),
        ("--sigma_tilt", "5"),
        ("--sigma_psi", "30"),
    }
    assert any("Helical refinement" in problem for problem in launch_problems(changed(do_helix=True)))


def test_the_helix_tab_says_nothing_while_it_is_off():
    assert converted(helical_nr_asu=5, range_tilt=30, keep_tilt_prior_fixed=False) == converted()


def test_a_helix_without_symmetry_or_priors_says_so():
    flags = flags_of(converted(do_helix=True, do_apply_helical_symmetry=False, sampling="1.8 degrees"))
    assert "--ignore_helical_symmetry" in flags
    assert flags.isdisjoint({"--helical_nr_asu", "--helical_symmetry_search", "--sigma_psi"})


def test_a_search_for_helical_symmetry_brings_its_limits():
    arguments = converted(
        do_helix=True,
        do_local_search_helical_symmetry=True,
        helical_twist_min=20,
        helical_twist_max=24,
        helical_twist_inistep=0.5,
    )
    assert {
        ("--helical_symmetry_search", None),
        ("--helical_twist_min", "20"),
        ("--helical_twist_max", "24"),
        ("--helical_twist_inistep", "0.5"),
        ("--helical_rise_min", "0"),
    } <= pairs(to_argv(arguments))
    assert "--helical_rise_inistep" not in flags_of(arguments)


def test_the_forms_tilt_prior_wins_over_the_helical_one():
    assert converted(do_helix=True, sigma_tilt=4, range_tilt=15).sigma_tilt_deg == 4


def test_additional_arguments_are_added():
    arguments = converted(other_args="--maxsig 500 --random_seed 7")
    assert (arguments.maximum_significant_poses, arguments.random_seed) == (500, 7)


def test_additional_arguments_win_over_what_the_form_does_not_show():
    assert converted(other_args="--low_resol_join_halves 50").join_halves_until_angstrom == 50


def test_additional_arguments_may_repeat_the_form():
    assert converted(other_args="--pool 3 --flatten_solvent") == converted()


def test_additional_arguments_that_contradict_the_form_name_both_options():
    assert other_args_problems("--pool 5") == (
        '"Additional arguments" (other_args) holds --pool, which contradicts "Number of pooled particles" (nr_pool); '
        "leave it out here.",
    )


@pytest.mark.parametrize("text", ["--o elsewhere/run", "--pipeline_control elsewhere/"])
def test_additional_arguments_cannot_move_the_job(text):
    (problem,) = other_args_problems(text)
    assert "the job folder" in problem


def test_additional_arguments_of_a_continued_run_may_set_what_the_form_greys_out():
    assert converted(CONTINUED, other_args="--healpix_order 4").healpix_order == 4


def test_misspelled_additional_arguments_are_all_told_with_the_option_that_holds_them():
    problems = other_args_problems("--maxsg 500 --pool x")
    assert len(problems) == 2
    assert all(problem.startswith('"Additional arguments" (other_args) cannot be used: ') for problem in problems)
    assert "--maxsig" in problems[0]


def test_a_lonely_quotation_mark_in_additional_arguments_is_told():
    (problem,) = other_args_problems('--scratch_dir "/my disk')
    assert "quotation mark" in problem


def test_quotation_marks_keep_a_path_with_blanks_together():
    assert converted(other_args='--interpolator "a b"').interpolator == "a b"


def test_a_job_with_problems_is_not_launched_and_is_told_only_those():
    assert launch_problems(Refine3D()) == [
        '"Input optimisation set" (in_optimisation) is empty; name an optimisation set.',
        '"Reference map" (fn_ref) is empty; name a map to start from, such as a Reconstruct particle job\'s.',
    ]


def test_what_the_program_would_refuse_is_told_before_the_launch():
    found = launch_problems(changed(do_blush=True, relax_sym="C2", other_args="--adaptive_fraction 2"))
    assert [problem.split()[0] for problem in found] == ["--blush:", "--relax_sym:", "--adaptive_fraction"]


def test_unusable_additional_arguments_are_told_before_the_launch():
    (problem,) = launch_problems(changed(other_args="--nonsense_option"))
    assert "--nonsense_option is not an option" in problem
