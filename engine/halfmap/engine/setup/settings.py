"""Options of the program turned into the settings of a refinement."""

import time
from dataclasses import replace

from halfmap.contract.refine_arguments import RefineArguments
from halfmap.contract.spelling import EXACT_NOISE
from halfmap.engine.imaging.model_grid import ModelGrid
from halfmap.engine.imaging.settings import ImageSettings, VolumeSettings
from halfmap.engine.refinement.auto_sampling import (
    RANGE_OF_STACKS,
    RANGE_OF_VOLUMES,
    AutoSampling,
    with_local_searches,
)
from halfmap.engine.refinement.maximization import MaximizationSettings
from halfmap.engine.refinement.settings import HalfSetSettings, Quirks, SearchSettings, Settings
from halfmap.engine.refinement.state import Sampling

_MINIMUM_SIGMA2_OFFSET = 2.0


def seed_of(arguments: RefineArguments) -> int:
    """Random seed; below 0 the clock decides, as with RELION."""
    return arguments.random_seed if arguments.random_seed >= 0 else int(time.time())


def diameter_of(arguments: RefineArguments, grid: ModelGrid) -> float:
    """Particle diameter in Å; by default the box less the mask's edge."""
    if arguments.particle_diameter_angstrom > 0:
        return arguments.particle_diameter_angstrom
    return (grid.box_px - arguments.mask_edge_px) * grid.pixel_size_angstrom


def settings_of(
    arguments: RefineArguments, grid: ModelGrid, scale_groups: int, seed: int, are_volumes: bool = False
) -> Settings:
    """Group the options by the step that they belong to."""
    diameter = diameter_of(arguments, grid)
    fudge = arguments.tau2_fudge if arguments.tau2_fudge > 0 else 1.0
    return Settings(
        images=ImageSettings(
            diameter,
            arguments.mask_edge_px,
            arguments.zero_mask,
            arguments.ctf_correction,
            arguments.ctf_intact_first_peak,
            arguments.noise_model == EXACT_NOISE,
            _volumes(arguments),
        ),
        search=_search(arguments),
        sampling=replace(
            _sampling_wishes(arguments, diameter),
            range_per_change=RANGE_OF_VOLUMES if are_volumes else RANGE_OF_STACKS,
        ),
        half_sets=HalfSetSettings(
            arguments.join_halves_until_angstrom, arguments.solvent_correct_fsc, arguments.flatten_solvent
        ),
        maximization=MaximizationSettings(
            tau2_fudge=fudge,
            minimum_shell=arguments.minimum_resolution_shell,
            gridding_iterations=arguments.gridding_iterations if arguments.gridding else 0,
            minimum_sigma2_offset=_MINIMUM_SIGMA2_OFFSET,
            fix_noise=arguments.fix_sigma_noise,
            fix_offset=arguments.fix_sigma_offset,
            correct_scale=arguments.scale_correction and not arguments.no_scale and scale_groups > 1,
            threads=arguments.threads,
        ),
        padding=arguments.padding,
        lowpass_angstrom=arguments.initial_lowpass_angstrom,
        size_increment_shells=arguments.incr_size_px,
        minimum_shell=arguments.minimum_resolution_shell,
        seed=seed,
        threads=arguments.threads,
        pool=arguments.pool,
        memory_bytes=int(arguments.memory_gb * 2**30),
        last_iteration=arguments.auto_iter_max,
        stop_at_angstrom=arguments.abort_at_resolution_angstrom,
        finish_now=arguments.force_converge,
        skip_maximization=arguments.skip_maximize,
        combine_through_disc=arguments.combine_weights_through_disc,
        quirks=Quirks.of(arguments.relion_quirks, arguments.own_frames),
    )


def _volumes(arguments: RefineArguments) -> VolumeSettings:
    return VolumeSettings(
        arguments.normalised_subtomograms,
        arguments.skip_subtomogram_multiplicity,
        not arguments.ctf_volumes_not_squared,
        arguments.subtomogram_multiplicity_threshold,
    )


def _search(arguments: RefineArguments) -> SearchSettings:
    return SearchSettings(
        oversampling=arguments.oversampling,
        adaptive_fraction=arguments.adaptive_fraction,
        maximum_significant=arguments.maximum_significant_poses,
        perturbation_factor=arguments.perturbation,
        first_by_correlation=arguments.first_iteration_cc,
        always_by_correlation=arguments.always_cc,
        coarse_size_px=arguments.coarse_size_px,
        finest_angstrom=arguments.strict_highres_exp_angstrom,
        coarsest_angstrom=arguments.strict_lowres_exp_angstrom,
    )


def _sampling_wishes(arguments: RefineArguments, diameter_angstrom: float) -> AutoSampling:
    return AutoSampling(
        oversampling=arguments.oversampling,
        local_from_order=arguments.auto_local_healpix_order,
        diameter_angstrom=diameter_angstrom,
        ignore_changes=arguments.auto_ignore_angles,
        follow_resolution=arguments.auto_resol_angles,
        finest_step_deg=arguments.maximum_angular_sampling_deg,
        coarsest_step_deg=arguments.minimum_angular_sampling_deg,
    )


def first_sampling(arguments: RefineArguments, grid: ModelGrid) -> Sampling:
    """Sampling of the first iteration; searches are local from the start where the first step is that fine already."""
    sigmas = (arguments.sigma_rot_deg, arguments.sigma_tilt_deg, arguments.sigma_psi_deg)
    common = max(arguments.sigma_ang_deg, 0.0)
    rot, tilt, psi = (sigma if sigma > 0 else common for sigma in sigmas)
    sampling = Sampling(
        healpix_order=arguments.healpix_order,
        offset_range_angstrom=arguments.offset_range_px * grid.pixel_size_angstrom,
        offset_step_angstrom=arguments.offset_step_px * grid.pixel_size_angstrom,
        sigma_rot_deg=rot,
        sigma_tilt_deg=tilt,
        sigma_psi_deg=psi,
    )
    starts_local = arguments.healpix_order >= arguments.auto_local_healpix_order
    if starts_local and not sampling.has_priors:
        return with_local_searches(sampling, _sampling_wishes(arguments, diameter_of(arguments, grid)))
    return sampling
