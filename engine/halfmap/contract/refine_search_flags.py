"""The program's options for sampling, the course of the refinement, likelihood and reconstruction.

Spellings and defaults are those of RELION 5.0.1 (RELION: ``MlOptimiser::parseInitial`` and ``parseContinue``).
"""

from typing import Annotated

from halfmap.contract.option import Bounds, Declarations, Flag

_OFF_OR_POSITIVE = Bounds(above=0, off=-1)
_FROM_MINUS_ONE = Bounds(at_least=-1)


class SearchFlags(Declarations):
    """How poses are searched, when the search becomes finer, and how maps are made from them."""

    oversampling: Annotated[
        int,
        Flag(
            "--oversampling",
            "Sampling",
            "How often the steps are halved around the promising poses of the coarse grid.",
            bounds=Bounds(at_least=0, at_most=3),
            with_continue=True,
        ),
    ] = 1
    healpix_order: Annotated[
        int,
        Flag(
            "--healpix_order",
            "Sampling",
            "HEALPix order of the coarse grid of orientations: 2 is a step of 15 degrees, each order halves it.",
            bounds=Bounds(at_least=0, at_most=8),
            with_continue=True,
        ),
    ] = 2
    auto_local_healpix_order: Annotated[
        int,
        Flag(
            "--auto_local_healpix_order",
            "Sampling",
            "From this HEALPix order on, orientations are searched around each particle's present one.",
            bounds=Bounds(at_least=0, at_most=8),
            with_continue=True,
        ),
    ] = 4
    offset_range_px: Annotated[
        float,
        Flag(
            "--offset_range",
            "Sampling",
            "Radius of the sphere of offsets searched.",
            unit="px",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 6.0
    offset_step_px: Annotated[
        float,
        Flag(
            "--offset_step",
            "Sampling",
            "Distance between offsets of the coarse grid, before oversampling.",
            unit="px",
            bounds=Bounds(above=0),
            with_continue=True,
        ),
    ] = 2.0
    perturbation: Annotated[
        float,
        Flag(
            "--perturb",
            "Sampling",
            "Largest random displacement of the grids in each iteration, as a part of their steps. 0: none.",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 0.5
    sigma_ang_deg: Annotated[
        float,
        Flag(
            "--sigma_ang",
            "Sampling",
            "Standard deviation of all three angles around their priors. Zero or less: none.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = -1.0
    sigma_rot_deg: Annotated[
        float,
        Flag(
            "--sigma_rot",
            "Sampling",
            "Standard deviation of rot around its prior; the search keeps within three of them. Zero or less: none.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = -1.0
    sigma_tilt_deg: Annotated[
        float,
        Flag(
            "--sigma_tilt",
            "Sampling",
            "Standard deviation of tilt around its prior; the search keeps within three of them. Zero or less: none.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = -1.0
    sigma_psi_deg: Annotated[
        float,
        Flag(
            "--sigma_psi",
            "Sampling",
            "Standard deviation of psi around its prior; the search keeps within three of them. Zero or less: none.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = -1.0
    sigma_offset_angstrom: Annotated[
        float,
        Flag(
            "--offset",
            "Sampling",
            "Standard deviation of the offsets at the start; it is estimated anew in every iteration.",
            unit="Å",
            bounds=Bounds(above=0),
            with_continue=True,
        ),
    ] = 10.0
    # RELION's optimiser file holds neither of these two limits, so they can be (and have to be) said again.
    maximum_angular_sampling_deg: Annotated[
        float,
        Flag(
            "--maximum_angular_sampling",
            "Sampling",
            "The angular step is not made finer once it is below this. Zero or less: no limit.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = 0.0
    minimum_angular_sampling_deg: Annotated[
        float,
        Flag(
            "--minimum_angular_sampling",
            "Sampling",
            "The angular step counts as too coarse while it is above this. Zero or less: no limit.",
            unit="deg",
            bounds=_FROM_MINUS_ONE,
            with_continue=True,
        ),
    ] = 0.0

    auto_refine: Annotated[
        bool,
        Flag(
            "--auto_refine",
            "Course of the refinement",
            "Refine one map until it converges. The only way this program works; must be given for a new run.",
            with_continue=True,
        ),
    ] = False
    split_random_halves: Annotated[
        bool,
        Flag(
            "--split_random_halves",
            "Course of the refinement",
            "Keep two half sets apart (gold standard). The only way this program works; must be given for a new run.",
            with_continue=True,
        ),
    ] = False
    join_halves_until_angstrom: Annotated[
        float,
        Flag(
            "--low_resol_join_halves",
            "Course of the refinement",
            "Average both halves below this resolution, so that their orientations stay together. -1: never.",
            unit="Å",
            bounds=_OFF_OR_POSITIVE,
        ),
    ] = -1.0
    auto_iter_max: Annotated[
        int,
        Flag(
            "--auto_iter_max",
            "Course of the refinement",
            "Stop after this iteration even without convergence; no final map is made then.",
            bounds=Bounds(at_least=1),
            with_continue=True,
        ),
    ] = 999
    auto_ignore_angles: Annotated[
        bool,
        Flag(
            "--auto_ignore_angles",
            "Course of the refinement",
            "Do not wait for orientations to settle before sampling becomes finer.",
            with_continue=True,
        ),
    ] = False
    auto_resol_angles: Annotated[
        bool,
        Flag(
            "--auto_resol_angles",
            "Course of the refinement",
            "Make sampling finer as soon as the resolution asks for it.",
            with_continue=True,
        ),
    ] = False
    force_converge: Annotated[
        bool,
        Flag(
            "--force_converge",
            "Course of the refinement",
            "With --continue: make the next iteration the last one, which joins both halves.",
            with_continue=True,
        ),
    ] = False
    abort_at_resolution_angstrom: Annotated[
        float,
        Flag(
            "--abort_at_resolution",
            "Course of the refinement",
            "Stop as soon as the resolution is better than this. -1: never.",
            unit="Å",
            bounds=_OFF_OR_POSITIVE,
            with_continue=True,
        ),
    ] = -1.0
    skip_maximize: Annotated[
        bool,
        Flag(
            "--skip_maximize",
            "Course of the refinement",
            "Align once and write only the particles; make no map.",
            with_continue=True,
        ),
    ] = False
    random_seed: Annotated[
        int,
        Flag(
            "--random_seed",
            "Course of the refinement",
            "Seed of every random choice. -1: from the clock.",
            bounds=_FROM_MINUS_ONE,
        ),
    ] = -1

    tau2_fudge: Annotated[
        float,
        Flag(
            "--tau2_fudge",
            "Likelihood and reconstruction",
            "Weight of the data against the prior. -1: one; values above one promise too good a resolution.",
            bounds=_OFF_OR_POSITIVE,
            with_continue=True,
        ),
    ] = -1.0
    adaptive_fraction: Annotated[
        float,
        Flag(
            "--adaptive_fraction",
            "Likelihood and reconstruction",
            "Share of the probability of each particle that its significant poses must carry.",
            bounds=Bounds(above=0, at_most=1),
        ),
    ] = 0.999
    maximum_significant_poses: Annotated[
        int,
        Flag(
            "--maxsig",
            "Likelihood and reconstruction",
            "Most poses of the coarse grid that are followed up for a particle. -1: no limit.",
            bounds=_OFF_OR_POSITIVE,
            with_continue=True,
        ),
    ] = -1
    coarse_size_px: Annotated[
        int,
        Flag(
            "--coarse_size",
            "Likelihood and reconstruction",
            "Largest image size of the coarse pass. -1: no limit.",
            unit="px",
            bounds=_OFF_OR_POSITIVE,
        ),
    ] = -1
    incr_size_px: Annotated[
        int,
        Flag(
            "--incr_size",
            "Likelihood and reconstruction",
            "Shells beyond the present resolution that are looked at; it may grow.",
            unit="px",
            bounds=Bounds(at_least=0),
        ),
    ] = 10
    strict_highres_exp_angstrom: Annotated[
        float,
        Flag(
            "--strict_highres_exp",
            "Likelihood and reconstruction",
            "Never compare details finer than this. -1: no limit.",
            unit="Å",
            bounds=_OFF_OR_POSITIVE,
            with_continue=True,
        ),
    ] = -1.0
    strict_lowres_exp_angstrom: Annotated[
        float,
        Flag(
            "--strict_lowres_exp",
            "Likelihood and reconstruction",
            "Never compare details coarser than this. -1: no limit.",
            unit="Å",
            bounds=_OFF_OR_POSITIVE,
        ),
    ] = -1.0
    minimum_resolution_shell: Annotated[
        int,
        Flag(
            "--minres_map",
            "Likelihood and reconstruction",
            "The resolution never falls below this shell.",
            bounds=Bounds(at_least=0),
            with_continue=True,
        ),
    ] = 5
    images_for_noise: Annotated[
        int,
        Flag(
            "--nr_parts_sigma2noise",
            "Likelihood and reconstruction",
            "Images of each optics group from which the noise is first estimated. -1: ten.",
            bounds=_OFF_OR_POSITIVE,
        ),
    ] = -1
    fix_sigma_noise: Annotated[
        bool,
        Flag("--fix_sigma_noise", "Likelihood and reconstruction", "Keep the first estimate of the noise."),
    ] = False
    fix_sigma_offset: Annotated[
        bool,
        Flag("--fix_sigma_offset", "Likelihood and reconstruction", "Keep the standard deviation of offsets."),
    ] = False
    padding: Annotated[
        int,
        Flag(
            "--pad",
            "Likelihood and reconstruction",
            "Padding of maps before their Fourier transform: 1 or 2.",
            bounds=Bounds(at_least=1, at_most=2),
            with_continue=True,
        ),
    ] = 2
    gridding: Annotated[
        bool,
        Flag(
            "--dont_skip_gridding",
            "Likelihood and reconstruction",
            "Even out the weights of the reconstruction by iterations.",
            with_continue=True,
        ),
    ] = False
    gridding_iterations: Annotated[
        int,
        Flag(
            "--gridding_iter",
            "Likelihood and reconstruction",
            "Number of those iterations.",
            bounds=Bounds(at_least=1),
            with_continue=True,
        ),
    ] = 10
