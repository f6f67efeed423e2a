"""The options of a job that somebody else made: from its ``job.star``, or from the command that its program has noted.

The latter is the reverse of `halfmap.contract.conversion`, as far as there is one: what the form has no option for
becomes an additional argument, and the number of ranks is not told.
"""

from collections.abc import Sequence
from pathlib import Path

from halfmap.contract import job_directory
from halfmap.contract.command_line import ArgumentError, from_argv, to_argv
from halfmap.contract.conversion import arguments_from_job
from halfmap.contract.job_star import JobStarError, read_job_star
from halfmap.contract.refine3d import ANGULAR_SAMPLINGS, Refine3D
from halfmap.contract.refine_arguments import RefineArguments, given
from halfmap.daemon.job_folder import JOB_STAR

_HEAD_BYTES = 1 << 14
_OF_HALFMAP = "halfmap"
_INPUTS = frozenset({"particles_file", "tomograms_file", "trajectories_file"})
_OF_THE_FOLDER = frozenset({"output_root", "pipeline_control", "overwrite"})


def options_of_folder(folder: Path) -> tuple[Refine3D | None, str]:
    """Read the options of a job in its folder.

    Returns
    -------
    Refine3D or None
        None if they are not known.
    str
        Where else they come from, or why they are not known; "" if they stand in a ``job.star``.
    """
    path = folder / JOB_STAR
    try:
        return read_job_star(path).job, ""
    except FileNotFoundError:
        trouble = f"There is no {JOB_STAR} in {folder.name}"
    except OSError as error:
        trouble = f"{path} cannot be read ({error.strerror})"
    except JobStarError as error:
        trouble = f"{error}"
    found = recorded_options(folder / "run")
    if found is None:
        return None, f"{trouble}; the options are not known."
    return found[0], f"{trouble}; the options are those of the command in {found[1]}."


def recorded_options(root: Path) -> tuple[Refine3D, str] | None:
    """Read the options that a run was begun with, and the name of the file that tells; None if none does.

    Parameters
    ----------
    root
        How the names of its files begin.
    """
    for iteration in (0, 1, None):
        path = job_directory.optimiser_file(root, iteration)
        try:
            with path.open("rb") as file:
                first, second, *_ = [*file.read(_HEAD_BYTES).decode(errors="replace").split("\n", 2), "", ""]
        except OSError:
            continue
        job = options_of_command(second.lstrip("# ").split(), names_its_set_only=_OF_HALFMAP in first)
        if job is not None:
            return job, path.name
    return None


def options_of_command(words: Sequence[str], names_its_set_only: bool = False) -> Refine3D | None:
    """Find the form of a command; None for one that cannot be read.

    Parameters
    ----------
    words
        Without the program's name.
    names_its_set_only
        Beside an optimisation set, other inputs are those that it names (halfmap notes them too).
    """
    try:
        arguments = from_argv(words)
    except ArgumentError:
        return None
    if not (arguments.auto_refine or arguments.continue_from):
        return None
    told = arguments.model_dump(exclude_unset=True)
    skipped = _OF_THE_FOLDER | (_INPUTS if arguments.optimisation_set_file and names_its_set_only else frozenset())
    job = _form(RefineArguments.model_validate({name: told[name] for name in told if name not in skipped}))
    # the form's steps are those after oversampling, which it has no option for
    oversampled = job.model_copy(update={"other_args": f"--oversampling {arguments.oversampling}"})
    made = arguments_from_job(oversampled, "", "")
    by_form = made.model_copy(update={"oversampling": RefineArguments().oversampling})
    others = {name: told[name] for name in told.keys() - skipped - _INPUTS if getattr(by_form, name) != told[name]}
    return job.model_copy(update={"other_args": " ".join(to_argv(RefineArguments.model_validate(others)))})


def _form(arguments: RefineArguments) -> Refine3D:
    """Turn the conversions round, one by one."""
    is_of_set = arguments.optimisation_set_file != ""
    is_given = given(arguments)
    return Refine3D(
        in_optimisation=arguments.optimisation_set_file,
        use_direct_entries=not is_of_set and not arguments.continue_from,
        fn_img=arguments.particles_file if is_of_set else "",
        in_particles="" if is_of_set else arguments.particles_file,
        in_tomograms="" if is_of_set else arguments.tomograms_file,
        in_trajectories="" if is_of_set else arguments.trajectories_file,
        fn_ref=arguments.reference_file,
        fn_mask=arguments.solvent_mask_file,
        fn_cont=arguments.continue_from,
        ref_correct_greyscale=not arguments.first_iteration_cc,
        trust_ref_size=arguments.trust_reference_size,
        ini_high=arguments.initial_lowpass_angstrom,
        sym_name=arguments.symmetry,
        do_ctf_correction=arguments.ctf_correction,
        ctf_intact_first_peak=arguments.ctf_intact_first_peak,
        particle_diameter=arguments.particle_diameter_angstrom,
        do_zero_mask=arguments.zero_mask,
        do_solvent_fsc=arguments.solvent_correct_fsc,
        sampling=_sampling(arguments.healpix_order, arguments.oversampling),
        auto_local_sampling=_sampling(arguments.auto_local_healpix_order, arguments.oversampling),
        offset_range=arguments.offset_range_px,
        offset_step=arguments.offset_step_px / 2**arguments.oversampling,
        relax_sym=arguments.relax_symmetry,
        do_blush=arguments.blush,
        auto_faster=arguments.auto_ignore_angles and arguments.auto_resol_angles,
        sigma_tilt=arguments.sigma_tilt_deg,
        nr_pool=arguments.pool,
        nr_threads=arguments.threads,
        do_pad1=arguments.padding == 1,
        do_preread_images=arguments.preread_images,
        scratch_dir=arguments.scratch_dir,
        do_combine_thru_disc=arguments.combine_weights_through_disc,
        use_gpu="gpu" in is_given,
        gpu_ids=arguments.gpu or "",
    )


def _sampling(order: int, oversampling: int) -> str:
    place = order + oversampling - 1
    return ANGULAR_SAMPLINGS[min(max(place, 0), len(ANGULAR_SAMPLINGS) - 1)]
