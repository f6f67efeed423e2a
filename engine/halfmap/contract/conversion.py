"""From the job form to the program's options: the one place that knows RELION's conversions between the two.

What concerns helices stands in `halfmap.contract.helical_conversion`.

RELION: ``RelionJob::getCommandsAutorefineJob`` (5.0.1).
"""

import shlex

from halfmap.contract.command_line import ArgumentError, settings_from_argv
from halfmap.contract.helical_conversion import Settings, helical_settings, only_given
from halfmap.contract.refine3d import ANGULAR_SAMPLINGS, OPTIONS, Refine3D, problem_with, problems
from halfmap.contract.refine_arguments import FLAGS, RefineArguments, argument_problems, refusals

_JOIN_HALVES_UNTIL_ANGSTROM = 40.0
_FLAG_OF = {option.name: option.declaration.flag for option in FLAGS}
_DEFAULTS = {option.name: option.default for option in FLAGS}


def arguments_from_job(job: Refine3D, output_root: str, pipeline_control: str) -> RefineArguments:
    """Make the program's options from a job.

    Parameters
    ----------
    job
        A job for which `halfmap.contract.refine3d.problems` is empty.
    output_root
        How output names begin, such as ``Refine3D/job012/run``.
    pipeline_control
        Folder of RELION's marker files, such as ``Refine3D/job012/``.

    Returns
    -------
    RefineArguments
        Exactly what RELION's form writes for this job is given in it, and what "Additional arguments" add.

    Raises
    ------
    ArgumentError
        If the additional arguments cannot be read, or contradict what the form or the job folder says.
    """
    other = _other_arguments(job)
    form: Settings = {
        "output_root": output_root,
        "pipeline_control": pipeline_control,
        **_computation(job),
        **_masks(job),
        **({"continue_from": job.fn_cont} if job.continues_a_run else _new_run(job, _oversampling(other))),
    }
    _refuse_contradictions(job, form, other)
    return RefineArguments.model_validate({**form, **other})


def launch_problems(job: Refine3D, output_root: str = "run") -> list[str]:
    """Tell everything that keeps a job from being launched, as far as the options alone show it.

    Returns
    -------
    list of str
        The form's problems; if there are none, what the program would refuse to start with.
    """
    of_the_form = [problem.message for problem in problems(job)]
    if of_the_form:
        return of_the_form
    try:
        arguments = arguments_from_job(job, output_root, pipeline_control="")
    except ArgumentError as error:
        return list(error.problems)
    return [*refusals(arguments), *argument_problems(arguments)]


def _new_run(job: Refine3D, oversampling: int) -> Settings:
    return {
        "auto_refine": True,
        "split_random_halves": True,
        "join_halves_until_angstrom": _JOIN_HALVES_UNTIL_ANGSTROM,
        "norm_correction": True,
        "scale_correction": True,
        "flatten_solvent": True,
        **_inputs(job),
        **_reference(job),
        **_ctf(job),
        **_sampling(job, oversampling),
        **(helical_settings(job) if job.do_helix else {}),
        **({"sigma_tilt_deg": job.sigma_tilt} if job.sigma_tilt > 0 else {}),
    }


def _inputs(job: Refine3D) -> Settings:
    direct = {
        "particles_file": job.in_particles,
        "tomograms_file": job.in_tomograms,
        "trajectories_file": job.in_trajectories,
    }
    named = direct if job.use_direct_entries else {"optimisation_set_file": job.in_optimisation}
    # RELION 4: the form's own entry for particles takes precedence over the set's.
    return only_given({**named, "particles_file": job.fn_img or named.get("particles_file", "")})


def _reference(job: Refine3D) -> Settings:
    return {
        "reference_file": job.fn_ref,
        "symmetry": job.sym_name,
        **only_given(
            {
                "first_iteration_cc": not job.ref_correct_greyscale,
                "trust_reference_size": job.trust_ref_size,
                "initial_lowpass_angstrom": max(job.ini_high, 0),
                "zero_mask": job.do_zero_mask,
            }
        ),
    }


def _ctf(job: Refine3D) -> Settings:
    return only_given(
        {
            "ctf_correction": job.do_ctf_correction,
            "ctf_intact_first_peak": job.do_ctf_correction and job.ctf_intact_first_peak,
        }
    )


def _sampling(job: Refine3D, oversampling: int) -> Settings:
    # The form names steps as they are after oversampling, the program wants those of the coarse grid. The first choice,
    # 30 degrees, is HEALPix order 1 without oversampling.
    return {
        "oversampling": oversampling,
        "healpix_order": ANGULAR_SAMPLINGS.index(job.sampling) + 1 - oversampling,
        "auto_local_healpix_order": ANGULAR_SAMPLINGS.index(job.auto_local_sampling) + 1 - oversampling,
        "offset_range_px": job.offset_range,
        "offset_step_px": job.offset_step * 2**oversampling,
    }


def _masks(job: Refine3D) -> Settings:
    mask = "" if job.fn_mask == "None" else job.fn_mask
    return {
        "particle_diameter_angstrom": job.particle_diameter,
        **only_given(
            {
                "solvent_mask_file": mask,
                "solvent_correct_fsc": job.do_solvent_fsc and mask != "",
                "blush": job.do_blush,
                "relax_symmetry": job.relax_sym,
                "auto_ignore_angles": job.auto_faster,
                "auto_resol_angles": job.auto_faster,
            }
        ),
    }


def _computation(job: Refine3D) -> Settings:
    return {
        "threads": job.nr_threads,
        "pool": job.nr_pool,
        "padding": 1 if job.do_pad1 else 2,
        "combine_weights_through_disc": job.do_combine_thru_disc,
        "parallel_disc_io": job.do_parallel_discio,
        "gpu": job.gpu_ids if job.use_gpu else None,
        **only_given(
            {
                "preread_images": job.do_preread_images,
                "scratch_dir": "" if job.do_preread_images else job.scratch_dir,
            }
        ),
    }


def _other_arguments(job: Refine3D) -> Settings:
    try:
        return settings_from_argv(shlex.split(job.other_args))
    except ValueError:
        raise ArgumentError([_about_other_arguments("has a quotation mark without its partner")]) from None
    except ArgumentError as error:
        raise ArgumentError([_about_other_arguments(f"cannot be used: {one}") for one in error.problems]) from None


def _oversampling(other: Settings) -> int:
    oversampling = other.get("oversampling", RefineArguments().oversampling)
    return oversampling if isinstance(oversampling, int) else 1


def _refuse_contradictions(job: Refine3D, form: Settings, other: Settings) -> None:
    # Differs from RELION: it only warns that an option is repeated, and does not tell which of the two values it takes.
    found = []
    for name, value in other.items():
        owner = "the job folder" if name in ("output_root", "pipeline_control") else _owner_in_form(job, name)
        if owner and value != form.get(name, _DEFAULTS[name]):
            found.append(f"holds {_FLAG_OF[name]}, which contradicts {owner}; leave it out here")
    if found:
        raise ArgumentError([_about_other_arguments(one) for one in found])


def _owner_in_form(job: Refine3D, name: str) -> str:
    """Name the option of the form that has the say over a program's option; "" if none has."""
    for key, option in OPTIONS.items():
        in_effect = option.declaration.continues or not job.continues_a_run
        if in_effect and _FLAG_OF[name] in option.declaration.flags:
            return f'"{option.declaration.label.rstrip(":")}" ({key})'
    return ""


def _about_other_arguments(text: str) -> str:
    return problem_with("other_args", text.removesuffix(".")).message
