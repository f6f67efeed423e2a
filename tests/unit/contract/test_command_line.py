import math
import shlex

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from halfmap.contract.command_line import ArgumentError, from_argv, help_text, overruled, to_argv
from halfmap.contract.refine_arguments import FLAGS, RefineArguments, argument_problems, given, refusals

# Of a real run with RELION 5.0.1.
RELIONS_COMMAND = (
    "--auto_refine --split_random_halves --ios PseudoSubtomo/job004/optimisation_set.star"
    " --ref Reconstruct/job005/merged.mrc --firstiter_cc --trust_ref_size --ini_high 30 --dont_combine_weights_via_disc"
    " --pool 16 --pad 2 --ctf --particle_diameter 230 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 2"
    " --auto_local_healpix_order 4 --offset_range 1.5 --offset_step 2 --sigma_tilt 10 --sym C6"
    " --low_resol_join_halves 40 --norm --scale --j 1 --random_seed 1 --auto_resol_angles --auto_ignore_angles --cpu"
    " --o Refine3D/job006/run --pipeline_control Refine3D/job006/"
)

# Every option that relion_refine_mpi 5.0.1 knows, hidden ones among them.
RELIONS_OPTIONS = """
--i --tomograms --trajectories --ios --o --continue --iter --tau2_fudge --tau2_fudge_scheme --K --particle_diameter
--zero_mask --flatten_solvent --solvent_mask --solvent_mask2 --lowpass_mask --lowpass --tau --local_symmetry
--split_random_halves --low_resol_join_halves --center_classes --ref --denovo_3dref --offset --firstiter_cc --ini_high
--oversampling --healpix_order --psi_step --limit_tilt --sym --relax_sym --offset_range --offset_step --offset_range_x
--offset_range_y --offset_range_z --helical_offset_step --perturb --auto_refine --auto_sampling
--auto_local_healpix_order --sigma_ang --sigma_rot --sigma_tilt --sigma_psi --skip_align --skip_rotate --bimodal_psi
--helix --ignore_helical_symmetry --helical_nr_asu --helical_twist_initial --helical_twist_min --helical_twist_max
--helical_twist_inistep --helical_rise_initial --helical_rise_min --helical_rise_max --helical_rise_inistep
--helical_nstart --helical_z_percentage --helical_inner_diameter --helical_outer_diameter --helical_symmetry_search
--helical_sigma_distance --helical_keep_tilt_prior_fixed --helical_exclude_resols --fourier_mask --ctf --pad_ctf
--ctf_intact_first_peak --ctf_uncorrected_ref --ctf_phase_flipped --only_flip_phases --norm --scale --no_norm --no_scale
--grad --grad_em_iters --grad_ini_frac --grad_fin_frac --grad_min_resol --grad_ini_resol --grad_fin_resol
--grad_ini_subset --grad_fin_subset --mu --grad_stepsize --grad_stepsize_scheme --grad_write_iter --maxsig
--no_init_blobs --som --som_ini_nodes --som_connectivity --som_inactivity_threshold --som_neighbour_pull
--class_inactivity_threshold --normalised_subtomo --skip_subtomo_multi --ctf3d_not_squared --subtomo_multi_thr --pool
--j --dont_combine_weights_via_disc --onthefly_shifts --no_parallel_disc_io --preread_images --scratch_dir
--keep_free_scratch --reuse_scratch --keep_scratch --fast_subsets --gpu --cpu --sycl --free_gpu_memory --pad
--ref_angpix --trust_ref_size --NN --r_min_nn --verb --random_seed --coarse_size --adaptive_fraction --incr_size
--maskedge --fix_sigma_noise --fix_sigma_offset --print_metadata_labels --print_symmetry_ops --strict_highres_exp
--strict_lowres_exp --dont_check_norm --always_cc --solvent_correct_fsc --skip_maximize --failsafe_threshold --blush
--blush_skip_spectral_trailing --external_reconstruct --auto_iter_max --auto_ignore_angles --auto_resol_angles
--allow_coarser_sampling --nr_parts_sigma2noise --dont_skip_gridding --force_converge --abort_at_resolution
--maximum_angular_sampling --minimum_angular_sampling --minres_map --sigma --bfactor --no_map --use_all_data
--only_sample_tilt --always_join_random_halves --sequential_halves_recons --gridding_iter --debug_split_random_half
--pipeline_control
"""
HALFMAPS_OWN = {
    "--noise_model",
    "--relion_quirks",
    "--own_frames",
    "--memory",
    "--gpu_precision",
    "--deterministic",
    "--overwrite",
}
OTHER_VERSIONS = {"--skip_gridding", "--interpolator"}


def problems_of(text):
    with pytest.raises(ArgumentError) as caught:
        from_argv(shlex.split(text))
    return caught.value.problems


def arguments():
    values = {
        "switch": st.booleans(),
        "whole number": st.integers(),
        "number": st.floats(allow_nan=False),
        "text": st.text(min_size=1).filter(lambda text: not text.startswith("--") and text != "None"),
    }
    return st.fixed_dictionaries({}, optional={one.name: values[one.kind] for one in FLAGS}).map(
        RefineArguments.model_validate
    )


def test_relions_own_options_are_all_known_and_no_others_besides_ours():
    known = {option.declaration.flag for option in FLAGS}
    assert known == set(RELIONS_OPTIONS.split()) | HALFMAPS_OWN | OTHER_VERSIONS


def test_a_command_of_a_real_relion_run_is_accepted():
    read = from_argv(RELIONS_COMMAND.split())
    assert argument_problems(read) == []
    assert refusals(read) == []
    assert (read.symmetry, read.sigma_tilt_deg, read.pool, read.random_seed) == ("C6", 10.0, 16, 1)
    assert read.combine_weights_through_disc is False
    assert read.first_iteration_cc is True


def test_a_command_of_a_real_relion_run_is_written_back_with_the_same_words():
    assert sorted(to_argv(from_argv(RELIONS_COMMAND.split()))) == sorted(RELIONS_COMMAND.split())


@forall(arguments())
@settings(deadline=None)
def test_arguments_survive_the_command_line(written):
    read = from_argv(to_argv(written))
    assert read == written
    assert given(read) <= given(written)


@forall(arguments())
@settings(deadline=None)
def test_the_order_of_the_written_options_does_not_depend_on_the_order_of_making(written):
    backwards = RefineArguments.model_validate(dict(reversed(written.model_dump(exclude_unset=True).items())))
    assert to_argv(backwards) == to_argv(written)


def test_nothing_given_writes_nothing():
    assert to_argv(RefineArguments()) == []


def test_a_number_given_with_its_default_is_written_for_the_sake_of_continuing():
    assert to_argv(RefineArguments(padding=2)) == ["--pad", "2"]


def test_a_switch_given_with_its_default_cannot_be_written_and_need_not_be():
    assert to_argv(RefineArguments(zero_mask=False, combine_weights_through_disc=True)) == []


def test_whole_numbers_of_a_fractional_option_are_written_without_a_point():
    assert to_argv(RefineArguments(initial_lowpass_angstrom=60.0)) == ["--ini_high", "60"]


def test_an_option_that_is_not_finite_survives_to_be_told_by_the_range_check():
    assert math.isnan(from_argv(["--ini_high", "nan"]).initial_lowpass_angstrom)


@pytest.mark.parametrize(
    ("argv", "ids"),
    [
        (["--gpu"], ""),
        (["--gpu", ""], ""),
        (["--gpu", "0:1"], "0:1"),
        (["--gpu", "--pool", "3"], ""),
        (["--pool", "3"], None),
    ],
)
def test_gpu_may_stand_with_or_without_ids(argv, ids):
    assert from_argv(argv).gpu == ids


def test_gpu_without_ids_is_written_with_an_empty_word():
    assert to_argv(RefineArguments(gpu="")) == ["--gpu", ""]


def test_negative_numbers_are_values_and_no_options():
    assert from_argv(["--sigma_tilt", "-1"]).sigma_tilt_deg == -1.0


def test_the_word_none_means_no_file():
    assert from_argv(["--solvent_mask", "None"]).solvent_mask_file == ""


def test_an_unknown_option_names_the_closest_flag():
    assert problems_of("--offset_rnge 5") == ("--offset_rnge is not an option; the closest is --offset_range.",)


def test_an_option_like_no_other_is_told_without_a_guess():
    assert problems_of("--qqqqqqqq") == ("--qqqqqqqq is not an option.",)


def test_an_equals_sign_is_explained():
    assert problems_of("--pool=3") == ("--pool=3: write a space instead of the equals sign: --pool 3.",)


def test_a_word_out_of_place_is_told():
    (problem,) = problems_of("--ctf 1")
    assert problem.startswith("'1' stands where an option is expected")


def test_a_missing_value_is_told():
    assert problems_of("--pool --ctf") == ("--pool needs a value after it.",)
    assert problems_of("--ref") == ("--ref needs a value after it.",)


@pytest.mark.parametrize(("text", "kind"), [("--pool 2.5", "whole number"), ("--ini_high sixty", "number")])
def test_a_value_of_the_wrong_kind_is_told(text, kind):
    (problem,) = problems_of(text)
    assert problem.endswith(f"which is not a {kind}.")


def test_of_an_option_given_twice_the_last_value_holds_and_the_repetition_can_be_told():
    argv = ["--pool", "3", "--j", "1", "--pool", "4"]
    assert from_argv(argv).pool == 4
    assert overruled(argv) == ["--pool is given 2 times; the last one holds."]


def test_all_problems_are_told_at_once_and_the_message_holds_them_all():
    with pytest.raises(ArgumentError) as caught:
        from_argv(shlex.split("--pol 3 --pool x --j"))
    assert len(caught.value.problems) == 3
    assert str(caught.value).splitlines() == list(caught.value.problems)


def test_the_help_names_every_flag_once_within_100_columns():
    lines = help_text().splitlines()
    heads = [line.split()[0] for line in lines if line.startswith("  --")]
    assert sorted(heads) == sorted(option.declaration.flag for option in FLAGS)
    assert max(map(len, lines)) <= 100


def test_the_help_shows_units_and_defaults_and_what_is_not_offered():
    text = " ".join(help_text().split())
    assert "[6 px]" in text
    assert "--gpu [TEXT]" in text
    assert "Compute through SYCL. Not offered by this version." in text
    assert "No effect: shifted images are never stored." in text
